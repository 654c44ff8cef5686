import { getEvent, getRejection, listRejections } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ProblemError, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'

/** Where a simulated webhook has got to: its event with its deliveries, or why it was refused. Looks until it has ended. */
export function Arrival({
  slug,
  source,
  accepted,
  answer,
  headers,
}: {
  readonly slug: string
  readonly source: string
  readonly accepted: boolean
  readonly answer: string
  readonly headers: Readonly<Record<string, string>>
}) {
  const id = idIn(answer)
  if (accepted && id) return <Accepted slug={slug} id={id} />
  return accepted ? null : <Refused slug={slug} source={source} headers={headers} />
}

function Accepted({ slug, id }: { readonly slug: string; readonly id: string }) {
  const { data } = useQuery({
    queryKey: ['event', slug, id],
    // The log is written a moment after the receiver has answered.
    queryFn: ({ signal }) => orNothing(take(getEvent(slug, id, { signal }))),
    refetchInterval: ({ state }) =>
      ['success', 'failed', 'unrouted'].includes(state.data?.status ?? '') ? false : 700,
  })
  return (
    <>
      <h2>In the log</h2>
      {data ? (
        <ul className="recent">
          <li>
            <StateBadge state={data.status} />{' '}
            <Link to={`/organizations/${slug}/events/${id}` as never}>{data.type || id}</Link>
          </li>
          {data.deliveries.map(delivery => (
            <li key={delivery.id}>
              <StateBadge state={delivery.state} /> {delivery.destination}{' '}
              <span className="muted">
                {delivery.attempts.length} {delivery.attempts.length === 1 ? 'attempt' : 'attempts'}
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p className="muted">Not yet …</p>
      )}
    </>
  )
}

function Refused({
  slug,
  source,
  headers,
}: {
  readonly slug: string
  readonly source: string
  readonly headers: Readonly<Record<string, string>>
}) {
  const { data } = useQuery({
    queryKey: ['why', slug, source, headers],
    queryFn: async ({ signal }) => {
      const { items } = await take(listRejections(slug, { source, limit: 5 }, { signal }))
      // The newest may be an older request's, until this one is stored.
      const own = items.find(item => isOf(item.headers, headers))
      return own ? take(getRejection(slug, own.id, { signal })) : null
    },
    gcTime: 0,
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data ? false : state.dataUpdateCount < 20 ? 700 : 5_000),
  })
  return (
    <>
      <h2>Why it was refused</h2>
      {data ? (
        <div className="note bad">
          <p className="sentence">
            {data.explanation?.causes[0]?.sentence ?? data.reason.replaceAll('_', ' ')}
          </p>
          <p>
            <Link to={`/organizations/${slug}/rejections/${data.id}` as never}>All that was received</Link>
          </p>
        </div>
      ) : (
        <p className="muted">Not yet …</p>
      )}
    </>
  )
}

/** Whether a stored request is the one with these headers, as far as they were stored. */
function isOf(stored: Readonly<Record<string, string>>, sent: Readonly<Record<string, string>>): boolean {
  return Object.entries(sent).every(([name, value]) => [value, '[redacted]'].includes(stored[name] ?? ''))
}

function idIn(answer: string): string | undefined {
  return /"id":"(evt_[0-9a-z]+)"/.exec(answer)?.[1]
}

/** Null while there is none yet. */
const orNothing = <Kind,>(pending: Promise<Kind>): Promise<Kind | null> =>
  pending.catch((error: unknown) => {
    if (error instanceof ProblemError && error.problem.code === 'not_found') return null
    throw error
  })
