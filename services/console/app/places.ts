/** Where one can go: the menu and the palette have the same list. */
export interface PlaceGroup {
  readonly title: string
  readonly links: readonly { readonly to: string; readonly label: string }[]
}

export function placesIn(slug: string | undefined): readonly PlaceGroup[] {
  const platform: PlaceGroup = {
    title: 'Platform',
    links: [{ to: '/', label: 'Organizations' }],
  }
  if (!slug) return [platform]
  const at = (page: string) => `/organizations/${slug}${page && `/${page}`}`
  return [
    {
      title: 'Events',
      links: [
        { to: at(''), label: 'Overview' },
        { to: at('events'), label: 'Event log' },
        { to: at('rejections'), label: 'Rejections' },
        { to: at('deliveries'), label: 'Waiting deliveries' },
        { to: at('dead-letters'), label: 'Dead letters' },
        { to: at('replays'), label: 'Replays' },
      ],
    },
    {
      title: 'Set-up',
      links: [
        { to: at('sources'), label: 'Sources' },
        { to: at('destinations'), label: 'Destinations' },
        { to: at('routes'), label: 'Routes' },
        { to: at('simulator'), label: 'Simulator' },
      ],
    },
    {
      title: 'Organization',
      links: [
        { to: at('members'), label: 'Members' },
        { to: at('api-keys'), label: 'API keys' },
        { to: at('audit-log'), label: 'Audit log' },
      ],
    },
    platform,
  ]
}
