import { getPlatformHealth, type PlatformHealth } from '@fairlead/client/gen/client'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { take } from '../call.ts'
import { Figure } from '../parts/figure.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { rateText } from './counts.ts'
import { bytesText, durationText, platformNeedsOf } from './platform-needs.ts'

/** How the platform itself does, and which organizations have trouble. */
export function Page() {
  const query = useQuery({
    queryKey: ['platform-health'],
    queryFn: ({ signal }) => take(getPlatformHealth({ signal })),
    refetchInterval: 5_000,
  })
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Health of the platform</h1>
          <p className="muted">
            Measured every five seconds while this page is open. Dashboards and alerts show it over time.
          </p>
        </div>
      </header>
      {query.isPending && <p className="muted">Loading …</p>}
      {query.isError && <ProblemNote error={query.error} again={() => void query.refetch()} />}
      {query.data && <Health health={query.data} />}
    </section>
  )
}

function Health({ health }: { readonly health: PlatformHealth }) {
  const { counts, lastHour, log, streams, troubled } = health
  const needs = platformNeedsOf(health)
  const p95 = lastHour.latencyMs?.p95
  return (
    <>
      {needs.length === 0 ? (
        <p className="note good">Nothing of the platform needs attention.</p>
      ) : (
        <ul className="needs" aria-label="Needs attention">
          {needs.map(need => (
            <li key={need}>{need}</li>
          ))}
        </ul>
      )}
      <h2>The last hour</h2>
      <div className="figures">
        <Figure name="Events accepted" value={lastHour.events.toLocaleString()} />
        <Figure name="Attempts" value={lastHour.attempts.toLocaleString()} />
        <Figure name="Of them delivered" value={rateText(lastHour.successRate)} />
        <Figure
          name="p95 of delivered attempts"
          value={p95 === undefined ? '–' : `${Math.round(p95).toLocaleString()} ms`}
        />
      </div>
      <h2>Now</h2>
      <div className="figures">
        <Figure name="Log behind" value={log === null ? 'unknown' : durationText(log.behindMs)} />
        <Figure name="Deliveries waiting" value={counts.waitingDeliveries.toLocaleString()} />
        <Figure name="Dead letters" value={counts.deadLetters.toLocaleString()} />
        <Figure name="Open issues" value={counts.openIssues.toLocaleString()} />
        <Figure
          name={`of ${counts.destinations.toLocaleString()} destinations fail`}
          value={counts.failingDestinations.toLocaleString()}
        />
        <Figure
          name={`of ${counts.organizations.toLocaleString()} organizations are inactive`}
          value={counts.inactiveOrganizations.toLocaleString()}
        />
      </div>
      <h2>Organizations with trouble</h2>
      <Troubled troubled={troubled} />
      <h2>Streams</h2>
      <Streams streams={streams} />
    </>
  )
}

function Troubled({ troubled }: Pick<PlatformHealth, 'troubled'>) {
  if (troubled.length === 0) return <p className="muted">Nothing fails in any of them.</p>
  return (
    <>
      <ScrollX label="Organizations with trouble">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Organization</th>
              <th scope="col">Dead letters</th>
              <th scope="col">Failed attempts, last hour</th>
              <th scope="col">Failing destinations</th>
            </tr>
          </thead>
          <tbody>
            {troubled.map(({ slug, displayName, deadLetters, failedAttempts, failingDestinations }) => (
              <tr key={slug}>
                <th scope="row">
                  <Link to={`/organizations/${slug}` as never}>{displayName}</Link>
                </th>
                <td>{deadLetters.toLocaleString()}</td>
                <td>{failedAttempts.toLocaleString()}</td>
                <td>{failingDestinations.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      <p>
        <Link to={'/platform/dead-letters' as never}>Retry dead letters of several organizations</Link>
      </p>
    </>
  )
}

function Streams({ streams }: Pick<PlatformHealth, 'streams'>) {
  if (streams.length === 0) return <p className="muted">NATS does not answer.</p>
  return (
    <ScrollX label="Streams">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Stream</th>
            <th scope="col">Messages</th>
            <th scope="col">Size</th>
            <th scope="col">Oldest</th>
            <th scope="col">Copies behind</th>
          </tr>
        </thead>
        <tbody>
          {streams.map(({ name, messages, bytes, limitBytes, oldestMs, replicasBehind }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{messages.toLocaleString()}</td>
              <td>
                {bytesText(bytes)}
                {limitBytes !== null && <span className="muted"> of {bytesText(limitBytes)}</span>}
              </td>
              <td>{messages === 0 ? '–' : durationText(oldestMs)}</td>
              <td>{replicasBehind}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  )
}
