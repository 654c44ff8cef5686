import { type Attempt, type AttemptDetail, getAttempt } from '@fairlead/client/gen/client'
import { useQueries } from '@tanstack/react-query'
import { visible } from '../body/received.ts'
import { take } from '../call.ts'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'

/** Two attempts side by side, with all that was sent and answered. */
export function CompareAttempts({
  pair,
  slug,
}: {
  readonly pair: readonly [Attempt, Attempt]
  readonly slug: string
}) {
  const queries = useQueries({
    queries: pair.map(({ id }) => ({
      queryKey: ['attempt', slug, id],
      queryFn: ({ signal }: { signal: AbortSignal }) => take(getAttempt(slug, id, { signal })),
    })),
  })
  const failed = queries.find(({ isError }) => isError)
  if (failed?.error) return <ProblemNote error={failed.error} again={() => void failed.refetch()} />
  const [left, right] = queries.map(({ data }) => data)
  if (!left || !right) return <p className="muted">Loading …</p>
  return (
    <ScrollX label="Attempts side by side">
      <table className="plain comparison">
        <caption>Side by side; what differs is marked</caption>
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Attempt {left.number}</th>
            <th scope="col">Attempt {right.number}</th>
          </tr>
        </thead>
        <tbody>
          {besides(rowsOf(left), rowsOf(right)).map(([name, one, other]) => (
            <tr key={name} className={one === other ? '' : 'differs'}>
              <th scope="row">
                {name}
                {one !== other && ' ≠'}
              </th>
              <td className="free">{visible(one)}</td>
              <td className="free">{visible(other)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  )
}

/** All of an attempt as names and texts. */
export function rowsOf(attempt: AttemptDetail): ReadonlyMap<string, string> {
  const { exchange } = attempt
  const headers = (side: string, of: Readonly<Record<string, string>> = {}) =>
    Object.entries(of).map(([name, value]) => [`${side} ${name}`, value] as const)
  return new Map<string, string>([
    ['outcome', attempt.outcome],
    ['status', String(attempt.status ?? 'no answer')],
    ['reason', attempt.reason ?? '–'],
    ['began', attempt.at],
    ['took', `${attempt.durationMs} ms`],
    ['why made', attempt.trigger],
    ...(exchange
      ? ([
          ['address', exchange.address ?? 'none was dialled'],
          ...Object.entries(exchange.phasesMs).map(
            ([name, ms]) => [`${name}, ms`, String(ms ?? '–')] as const,
          ),
          ['request', exchange.request.line],
          ...headers('sent', exchange.request.headers),
          ['answer', exchange.response?.line ?? 'none'],
          ...headers('answered', exchange.response?.headers),
          ['answered body', exchange.response?.body ?? '–'],
        ] as const)
      : []),
  ])
}

/** In the order of the first; what only the second has comes last. */
export function besides(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): readonly (readonly [string, string, string])[] {
  const names = new Set([...one.keys(), ...other.keys()])
  return [...names].map(name => [name, one.get(name) ?? '–', other.get(name) ?? '–'])
}
