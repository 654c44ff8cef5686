import { getUsage } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { take } from '../call.ts'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'

const monthName = new Intl.DateTimeFormat(undefined, { month: 'long', year: 'numeric', timeZone: 'UTC' })

/** Accepted events by month, and what the plan allows. */
export function Page() {
  const { slug = '' } = useParams({ strict: false })
  const query = useQuery({
    queryKey: ['usage', slug],
    queryFn: ({ signal }) => take(getUsage(slug, { signal })),
  })
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Usage</h1>
          <p className="muted">
            Accepted events by month, in UTC. Swallowed repeats, refusals and retries are not counted.
          </p>
        </div>
      </header>
      {query.isPending && <p className="muted">Loading …</p>}
      {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
      {query.data && (
        <>
          <p className="note">
            Plan <strong>{query.data.plan}</strong>:{' '}
            {query.data.limit === null
              ? 'no limit'
              : `${query.data.limit.toLocaleString()} events a month; what comes beyond is refused with 429`}
            .
          </p>
          <ScrollX label="Usage by month">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">Month</th>
                  <th scope="col">Accepted</th>
                  <th scope="col">Of the limit</th>
                </tr>
              </thead>
              <tbody>
                {query.data.months.map(({ month, accepted }) => (
                  <tr key={month}>
                    <th scope="row">{monthName.format(new Date(`${month.slice(0, 7)}-01T00:00:00Z`))}</th>
                    <td>{accepted.toLocaleString()}</td>
                    <td>
                      {query.data.limit === null ? (
                        <span className="muted">no limit</span>
                      ) : (
                        <Share part={accepted} whole={query.data.limit} />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollX>
        </>
      )}
    </section>
  )
}

function Share({ part, whole }: { readonly part: number; readonly whole: number }) {
  const percent = whole === 0 ? 100 : Math.round((part / whole) * 100)
  return (
    <span className="row">
      <progress max={100} value={Math.min(percent, 100)} aria-label={`${percent} percent`} /> {percent} %
    </span>
  )
}
