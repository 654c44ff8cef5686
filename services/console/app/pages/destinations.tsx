import {
  type Destination,
  listDestinations,
  pauseDestination,
  resumeDestination,
} from '@fairlead/client/gen/client'
import { Link } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { Facts } from '../parts/facts.tsx'
import { NewButton } from '../parts/new-button.tsx'
import { Owned } from '../parts/owned.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Ago, Time } from '../time.tsx'

const destinations: Resource<Destination> = {
  name: 'destinations',
  title: 'Destinations',
  about: 'Where events are delivered, and how each destination does.',
  columns: [
    {
      title: 'Name',
      shown: 'always',
      className: 'grow',
      cell: ({ name, url, processor, kind }) => (
        <>
          <span className="strong">{name}</span> <span className="muted">{url ?? processor ?? kind}</span>
        </>
      ),
    },
    { title: 'Health', shown: 'always', cell: destination => <Health destination={destination} /> },
    {
      title: 'Waiting',
      shown: 'wide',
      cell: ({ waiting, name }) => (waiting > 0 ? `${waiting.toLocaleString()}` : <Zero label={name} />),
    },
    {
      title: 'Dead letters',
      shown: 'wide',
      cell: ({ dead, name }) => (dead > 0 ? `${dead.toLocaleString()}` : <Zero label={name} />),
    },
    { title: 'Last success', shown: 'wide', cell: ({ lastSuccessAt }) => <Ago at={lastSuccessAt} /> },
  ],
  filters: [],
  load: ({ slug, signal }) => take(listDestinations(slug, { signal })),
  idOf: ({ id }) => id,
  labelOf: ({ name }) => name,
  details: (destination, slug) => <DestinationDetails destination={destination} slug={slug} />,
  editOf: ({ name }, slug) => `/organizations/${slug}/destinations/${name}`,
  toolbar: slug => <NewButton slug={slug} noun="destination" />,
  actions: [
    {
      label: 'Pause',
      right: 'operate',
      applies: ({ state }) => state !== 'paused',
      confirm: ({ name }) =>
        `Deliveries to ${name} wait from now on, and go when it is resumed. None is lost.`,
      run: ({ id }, slug) => take(pauseDestination(slug, id, once())),
      done: () => 'Paused',
    },
    {
      label: 'Resume',
      right: 'operate',
      applies: ({ state }) => state === 'paused',
      run: ({ id }, slug) => take(resumeDestination(slug, id, once())),
      done: () => 'Resumed',
    },
  ],
  nothingYet: slug => (
    <>
      <h2>No destination yet</h2>
      <p>
        A destination is an address of yours that events are delivered to. Make one here, then a route that
        leads there; or declare both in the Organization.
      </p>
      <NewButton slug={slug} noun="destination" />
    </>
  ),
  refreshMs: 5_000,
}

const Zero = ({ label }: { readonly label: string }) => (
  <span className="muted" title={`${label}: none`}>
    0
  </span>
)

function Health({ destination }: { readonly destination: Destination }) {
  const { state, lane } = destination
  return <StateBadge state={state === 'healthy' && lane !== 'well' ? lane : state} />
}

function DestinationDetails({
  destination,
  slug,
}: {
  readonly destination: Destination
  readonly slug: string
}) {
  const { failingSince, pausedSince, pauseReason, retryDelaysSeconds, rateLimit } = destination
  return (
    <>
      <Facts
        facts={[
          ['Address', <code key="url">{destination.url ?? destination.processor ?? destination.kind}</code>],
          ...(failingSince
            ? ([
                [
                  'Failing since',
                  <span key="since">
                    <Time at={failingSince} /> ({destination.lastError ?? 'no answer'})
                  </span>,
                ],
              ] as const)
            : []),
          ...(pausedSince
            ? ([
                [
                  'Paused since',
                  <span key="since">
                    <Time at={pausedSince} /> ({pauseReason?.replaceAll('_', ' ')})
                  </span>,
                ],
              ] as const)
            : []),
          ['Time-out', `${destination.timeoutSeconds} s`],
          [
            'At one time',
            destination.concurrency === 0 ? '10 to 64, by how fast it answers' : destination.concurrency,
          ],
          ['Rate limit', rateLimit ? `${rateLimit.perSecond} a second` : 'none'],
          ['Retries', `after ${retryDelaysSeconds.map(saidOf).join(', ')}`],
          ['Extra headers', destination.headerNames.join(', ') || 'none'],
          ['Changed', <Owned key="owned" by={destination.managedBy} />],
        ]}
      />
      <p className="row">
        <Link
          to={`/organizations/${slug}/deliveries` as never}
          search={{ destination: destination.name } as never}
        >
          What waits for it
        </Link>
        <Link
          to={`/organizations/${slug}/dead-letters` as never}
          search={{ destination: destination.name } as never}
        >
          Its dead letters
        </Link>
      </p>
    </>
  )
}

function saidOf(seconds: number): string {
  if (seconds >= 3_600) return `${Math.round(seconds / 360) / 10} h`
  return seconds >= 60 ? `${Math.round(seconds / 6) / 10} min` : `${seconds} s`
}

export const Page = () => <ResourcePage resource={destinations} />
