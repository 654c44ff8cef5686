import {
  cancelReplay,
  listReplays,
  pauseReplay,
  type Replay,
  resumeReplay,
} from '@fairlead/client/gen/client'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import type { Resource } from '../resource/resource.ts'
import { ResourcePage } from '../resource/resource-page.tsx'
import { Time } from '../time.tsx'
import { NewReplay } from './new-replay.tsx'

const replays: Resource<Replay> = {
  name: 'replays',
  title: 'Replays',
  about:
    'Events that are delivered again, by what they are. Each replay goes on when a worker or the store restarts.',
  columns: [
    { title: 'State', shown: 'always', cell: ({ state }) => <StateBadge state={state} /> },
    {
      title: 'What',
      shown: 'always',
      className: 'grow',
      cell: replay => <span className="strong">{describe(replay)}</span>,
    },
    {
      title: 'Progress',
      shown: 'always',
      cell: ({ matched, published, skipped, delivered, failed }) => (
        <>
          <progress
            max={Math.max(matched, 1)}
            value={published + skipped}
            aria-label={`${published + skipped} of ${matched} made due`}
          />{' '}
          {delivered} delivered{failed > 0 ? `, ${failed} failed` : ''} of {matched}
        </>
      ),
    },
    { title: 'By', shown: 'wide', cell: ({ createdBy }) => createdBy },
    { title: 'Created', shown: 'wide', className: 'time', cell: ({ createdAt }) => <Time at={createdAt} /> },
  ],
  filters: [],
  toolbar: slug => <NewReplay slug={slug} />,
  load: ({ slug, cursor, signal }) =>
    take(listReplays(slug, { limit: 100, ...(cursor && { cursor }) }, { signal })),
  idOf: ({ id }) => id ?? 'dry run',
  labelOf: describe,
  actions: [
    {
      label: 'Pause',
      right: 'operate',
      applies: ({ state }) => state === 'running' || state === 'pending',
      run: ({ id }, slug) => take(pauseReplay(slug, id ?? '', once())),
      done: () => 'Paused',
    },
    {
      label: 'Resume',
      right: 'operate',
      applies: ({ state }) => state === 'paused',
      run: ({ id }, slug) => take(resumeReplay(slug, id ?? '', once())),
      done: () => 'Resumed',
    },
    {
      label: 'Cancel',
      right: 'operate',
      tone: 'danger',
      applies: ({ state }) => ['pending', 'running', 'paused'].includes(state),
      confirm: ({ matched, published }) =>
        `${published} of ${matched} deliveries were made due and go on; the others are not made.`,
      run: ({ id }, slug) => take(cancelReplay(slug, id ?? '', once())),
      done: () => 'Cancelled',
    },
  ],
  nothingYet: () => (
    <>
      <h2>No replay yet</h2>
      <p>
        A replay delivers events again that were received before: after a destination was mended, or to a new
        one. Begin with “New replay”, or with “Retry all” on the dead letters.
      </p>
    </>
  ),
  refreshMs: 2_000,
}

function describe({ selector, destinations }: Replay): string {
  const parts = [
    selector.sources.length > 0 ? `sources ${selector.sources.join(', ')}` : 'all sources',
    ...(selector.types.length > 0 ? [`types ${selector.types.join(', ')}`] : []),
    ...(selector.status ? [`status ${selector.status}`] : []),
    ...(selector.states.length > 0 ? [selector.states.join(', ')] : []),
    ...(destinations.length > 0 ? [`to ${destinations.join(', ')}`] : []),
  ]
  return parts.join('; ')
}

export const Page = () => <ResourcePage resource={replays} />
