import { getRetry, type RetryDetail, startRetry } from '@fairlead/client/gen/client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Facts } from '../parts/facts.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { TestData } from '../parts/test-data.tsx'
import { ActionButton } from '../resource/actions.tsx'
import { useRight } from '../session.ts'
import { Time } from '../time.tsx'
import { RetryProgress } from './retries.tsx'
import { isOver, retryActions } from './retry-actions.ts'
import { SureOf } from './sure-of.tsx'

/** A bulk retry: what it would do, then how it does. The same page for everyone who looks. */
export function RetryPage() {
  const { slug = '', retry: id = '' } = useParams({ strict: false }) as { slug?: string; retry?: string }
  const query = useQuery({
    queryKey: ['retry', slug, id],
    queryFn: ({ signal }) => take(getRetry(slug, id, { signal })),
    refetchInterval: ({ state }) => (state.data && isOver(state.data) ? false : 1_000),
  })
  if (query.isPending) return <p className="muted page">Loading …</p>
  if (query.isError) {
    return (
      <section className="page">
        <h1>Bulk retry</h1>
        <ProblemNote error={query.error} again={() => void query.refetch()} />
      </section>
    )
  }
  const retry = query.data
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <p className="crumbs">
            <Link to={`/organizations/${slug}/retries` as never}>Bulk retries</Link> /
          </p>
          <h1>
            Retry of {retry.planned.toLocaleString()} {retry.planned === 1 ? 'delivery' : 'deliveries'}{' '}
            <StateBadge state={retry.state} />
          </h1>
        </div>
        <div className="row">
          {retryActions.map(action => (
            <ActionButton key={action.label} action={action} item={retry} slug={slug} />
          ))}
          <CopyButton text={retry.id} label="Copy id" />
        </div>
      </header>
      <TestData mode={retry.mode} />
      {retry.state === 'planned' && <Start retry={retry} slug={slug} />}
      {retry.state === 'expired' && (
        <p className="note warn">
          It was not started within 15 minutes, so what it planned may be out of date: plan it again.
        </p>
      )}
      {retry.state !== 'planned' && retry.state !== 'expired' && (
        <p role="status">
          <RetryProgress retry={retry} />
        </p>
      )}
      {retry.fault && <p className="note bad">{retry.fault}</p>}
      <RetryFacts retry={retry} slug={slug} />
    </section>
  )
}

function Start({ retry, slug }: { readonly retry: RetryDetail; readonly slug: string }) {
  const { may, who } = useRight('operate', slug)
  const queries = useQueryClient()
  const start = useMutation({
    mutationFn: () => take(startRetry(slug, retry.id, once())),
    onSuccess: () => queries.invalidateQueries(),
  })
  const seconds = Math.ceil(retry.planned / retry.ratePerSecond)
  return (
    <SureOf count={retry.planned} sure={() => start.mutate()}>
      {isSure => (
        <>
          <p>
            <strong>Nothing has been sent yet.</strong>{' '}
            {retry.planned === 0
              ? 'Nothing fits: there is nothing to retry.'
              : `Exactly these ${retry.planned.toLocaleString()} are tried, about ${seconds.toLocaleString()} s at ${retry.ratePerSecond} a second; what dies later is not among them.`}
          </p>
          {start.isError && <ProblemNote error={start.error} />}
          <p className="row">
            <button
              type="submit"
              className="button primary"
              disabled={!may || !isSure || retry.planned === 0 || start.isPending}
              data-key="r"
            >
              Start
            </button>
            <Needs who={who} />
            {retry.plannedUntil && (
              <span className="muted">
                may be started until <Time at={retry.plannedUntil} />
              </span>
            )}
          </p>
        </>
      )}
    </SureOf>
  )
}

function RetryFacts({ retry, slug }: { readonly retry: RetryDetail; readonly slug: string }) {
  const { later, destinations } = retry
  return (
    <>
      <Facts
        facts={[
          ['Planned by', retry.createdBy],
          ['Planned', <Time key="created" at={retry.createdAt} />],
          ['Started', <Time key="started" at={retry.startedAt} />],
          ['Ended', <Time key="ended" at={retry.endedAt} />],
        ]}
      />
      {later.count > 0 && (
        <p className="note warn">
          {later.count.toLocaleString()}
          {later.orMore ? ' or more' : ''} died since and are not part of it:{' '}
          <DeadLetters slug={slug} since={retry.createdAt}>
            plan again for them
          </DeadLetters>
          .
        </p>
      )}
      {destinations.length > 0 && (
        <>
          <h2>To where</h2>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">Destination</th>
                <th scope="col">Deliveries</th>
              </tr>
            </thead>
            <tbody>
              {destinations.map(({ destination, destinationId, deliveries }) => (
                <tr key={destinationId}>
                  <th scope="row">
                    <Link to={`/organizations/${slug}/destinations/${destination}` as never}>
                      {destination}
                    </Link>
                  </th>
                  <td>{deliveries.toLocaleString()}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {retry.failedAgain > 0 && (
        <p>
          What failed again is among the{' '}
          <DeadLetters slug={slug} since={retry.startedAt}>
            dead letters since its start
          </DeadLetters>
          , where all of them are retried together.
        </p>
      )}
    </>
  )
}

/** Leads to the deliveries that died since a time, which are planned together there. */
function DeadLetters({
  slug,
  since,
  children,
}: {
  readonly slug: string
  readonly since: string | null
  readonly children: ReactNode
}) {
  return (
    <Link
      to={`/organizations/${slug}/dead-letters` as never}
      search={(since ? { diedAfter: since } : {}) as never}
    >
      {children}
    </Link>
  )
}
