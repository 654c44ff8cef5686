import { type PlatformHit, searchPlatform } from '@fairlead/client/gen/client'
import { visible } from '../body/received.ts'
import { take } from '../call.ts'
import type { Page as PageOf, Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'

/** Shorter texts are in every name. */
const shortest = 2

const hits: Resource<PlatformHit> = {
  name: 'platform-search',
  title: 'Search the platform',
  about:
    'Whose is it? By an id, a provider’s own event id, a member’s address, or part of the name or host of an organization or destination. Contents of events are not searched.',
  columns: [
    {
      title: 'Found',
      shown: 'always',
      className: 'grow',
      cell: ({ name, id }) => (
        <>
          <span className="strong">{visible(name) || id}</span> <code className="muted">{id}</code>
        </>
      ),
    },
    { title: 'What', shown: 'always', cell: ({ kind }) => kind },
    {
      title: 'Organization',
      shown: 'always',
      cell: ({ organization }) => (
        <>
          {organization.displayName} <span className="muted">{organization.slug}</span>
        </>
      ),
    },
  ],
  filters: [{ kind: 'search', name: 'q', label: 'Search', placeholder: 'evt_…, name@example.com, acme' }],
  load: async ({ filters: { q = '' }, signal }): Promise<PageOf<PlatformHit>> =>
    q.length < shortest ? { items: [] } : await take(searchPlatform({ q }, { signal })),
  idOf: ({ kind, id, organization }) => `${kind} ${id} ${organization.slug}`,
  labelOf: ({ name, id }) => name || id,
  pathOf: hit => `/organizations/${hit.organization.slug}${pathIn(hit)}`,
  nothingYet: () => (
    <>
      <h2>Nothing is searched for yet</h2>
      <p>Type what a tenant told you: an id from a log, the address of a member, or a name.</p>
    </>
  ),
}

/** Where it is within its organization. */
function pathIn({ kind, id, name, eventId }: PlatformHit): string {
  switch (kind) {
    case 'organization':
      return ''
    case 'event':
      return `/events/${id}`
    case 'delivery':
      return `/events/${eventId}`
    case 'issue':
      return `/issues/${id}`
    case 'source':
      return `/sources/${encodeURIComponent(name)}`
    case 'destination':
      return `/destinations/${id}`
    case 'route':
      return `/routes/${id}`
    case 'member':
      return '/members'
    case 'key':
      return '/api-keys'
    case 'retry':
      return `/retries/${id}`
    case 'replay':
      return '/replays'
    default:
      return kind satisfies never
  }
}

export const Page = () => <ResourcePage resource={hits} />
