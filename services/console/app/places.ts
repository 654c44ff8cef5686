/** Where one can go: the menu and the palette have the same list. */
export interface PlaceGroup {
  readonly title: string
  readonly links: readonly Place[]
  /** What hardly anybody needs in a week: the menu shows it when it is asked for, or where one is. */
  readonly rare?: { readonly title: string; readonly links: readonly Place[] }
}

interface Place {
  readonly to: string
  readonly label: string
}

/** @param hasLedger where it is off, or not known to be on, its pages are rare ones */
export function placesIn(
  slug: string | undefined,
  isStaff: boolean,
  hasLedger: boolean,
): readonly PlaceGroup[] {
  const platform: PlaceGroup = {
    title: isStaff ? 'Platform' : 'Elsewhere',
    links: [
      { to: '/', label: 'Your organizations' },
      ...(isStaff
        ? [
            { to: '/platform/health', label: 'Health' },
            { to: '/platform/search', label: 'Search' },
            { to: '/platform/organizations', label: 'All organizations' },
            { to: '/platform/dead-letters', label: 'All dead letters' },
            { to: '/platform/audit-log', label: 'Platform’s audit log' },
          ]
        : []),
    ],
  }
  const you: PlaceGroup = { title: 'You', links: [{ to: '/account', label: 'Sessions, sign out' }] }
  if (!slug) return [platform, you]
  return [...placesOfOrganization(slug, hasLedger), platform, you]
}

function placesOfOrganization(slug: string, hasLedger: boolean): readonly PlaceGroup[] {
  const at = (page: string) => `/organizations/${slug}${page && `/${page}`}`
  return [
    {
      title: 'Events',
      links: [
        { to: at(''), label: 'Overview' },
        { to: at('events'), label: 'Event log' },
        { to: at('issues'), label: 'Issues' },
        { to: at('rejections'), label: 'Rejections' },
        { to: at('attempts'), label: 'Attempts' },
        { to: at('deliveries'), label: 'Waiting deliveries' },
        { to: at('dead-letters'), label: 'Dead letters' },
        { to: at('retries'), label: 'Bulk retries' },
        { to: at('replays'), label: 'Replays' },
        { to: at('analytics'), label: 'Analytics' },
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
    billingPlaces(at, hasLedger),
    {
      title: 'Organization',
      links: [
        { to: at('members'), label: 'Members' },
        { to: at('api-keys'), label: 'API keys' },
        { to: at('notifications'), label: 'Notifications' },
        { to: at('audit-log'), label: 'Audit log' },
        { to: at('usage'), label: 'Usage' },
        { to: at('settings'), label: 'Settings' },
      ],
    },
  ]
}

function billingPlaces(at: (page: string) => string, hasLedger: boolean): PlaceGroup {
  const links = [
    { to: at('billing/revenue'), label: 'Revenue' },
    { to: at('billing/customers'), label: 'Customers' },
    { to: at('billing/subscriptions'), label: 'Subscriptions' },
    { to: at('billing/invoices'), label: 'Invoices' },
    { to: at('billing/payments'), label: 'Payments' },
    { to: at('billing/plans'), label: 'Plans' },
  ]
  const upkeep = [
    { to: at('billing/rates'), label: 'Exchange rates' },
    { to: at('billing/restatements'), label: 'Restated days' },
    { to: at('billing/quarantine'), label: 'Quarantine' },
    { to: at('billing/rebuilds'), label: 'Rebuilds' },
  ]
  return hasLedger
    ? { title: 'Billing', links, rare: { title: 'Upkeep of the ledger', links: upkeep } }
    : { title: 'Billing', links: [], rare: { title: 'Pages of the ledger', links: [...links, ...upkeep] } }
}
