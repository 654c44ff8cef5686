import { getRetry, type RetryDetail, startRetry } from '@fairlead/client/gen/client'
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { once, take } from '../call.ts'
import { StateBadge } from '../parts/badge.tsx'
import { CopyButton } from '../parts/copy.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { ScrollX } from '../parts/scroll-x.tsx'
import { useRight } from '../session.ts'
import type { PlanPlace } from './platform-plans.ts'
import { RetryProgress } from './retries.tsx'
import { isOver } from './retry-actions.ts'
import { SureOf } from './sure-of.tsx'

/** Bulk retries of several organizations: what each would do, then how each does. */
export function PlannedRetries({ plans }: { readonly plans: readonly PlanPlace[] }) {
  const found = useQueries({
    queries: plans.map(({ slug, id }) => ({
      queryKey: ['retry', slug, id],
      queryFn: ({ signal }: { signal: AbortSignal }) => take(getRetry(slug, id, { signal })),
      refetchInterval: ({ state }: { state: { data?: RetryDetail | undefined } }) =>
        state.data && isOver(state.data) ? (false as const) : 1_000,
    })),
  })
  const failed = found.find(({ isError }) => isError)?.error
  const rows = plans.map((plan, index) => ({ ...plan, retry: found[index]?.data }))
  const planned = rows.filter(({ retry }) => retry?.state === 'planned' && retry.planned > 0)
  return (
    <>
      {failed && <ProblemNote error={failed} />}
      <ScrollX label="Bulk retries">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Organization</th>
              <th scope="col">State</th>
              <th scope="col">Deliveries</th>
              <th scope="col">Progress</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ slug, id, retry }) => (
              <tr key={id}>
                <th scope="row">
                  <Link to={`/organizations/${slug}/retries/${id}` as never}>{slug}</Link>
                </th>
                <td>{retry ? <StateBadge state={retry.state} /> : '…'}</td>
                <td>{retry?.planned.toLocaleString()}</td>
                <td>
                  {retry && retry.state !== 'planned' && retry.state !== 'expired' && (
                    <RetryProgress retry={retry} />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
      <StartAll planned={planned} />
      <p className="row">
        <CopyButton label="Copy link" text={() => location.href} />
        <span className="muted">This page’s address has the plans: a colleague sees the same.</span>
      </p>
    </>
  )
}

interface Row extends PlanPlace {
  readonly retry: RetryDetail | undefined
}

function StartAll({ planned }: { readonly planned: readonly Row[] }) {
  const { may, who } = useRight('platform', '')
  const queries = useQueryClient()
  const start = useMutation({
    mutationFn: async () => {
      for (const { slug, id } of planned) await take(startRetry(slug, id, once()))
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['retry'] }),
  })
  const count = planned.reduce((sum, { retry }) => sum + (retry?.planned ?? 0), 0)
  if (planned.length === 0) return start.isError ? <ProblemNote error={start.error} /> : null
  return (
    <SureOf count={count} sure={() => start.mutate()}>
      {isSure => (
        <>
          <p>
            <strong>Nothing has been sent yet.</strong> Exactly these {count.toLocaleString()} deliveries of{' '}
            {planned.length} {planned.length === 1 ? 'organization' : 'organizations'} are tried.
          </p>
          {start.isError && <ProblemNote error={start.error} />}
          <p className="row">
            <button type="submit" className="button primary" disabled={!may || !isSure || start.isPending}>
              {start.isPending ? 'Starting …' : 'Start all'}
            </button>
            <Needs who={who} />
          </p>
        </>
      )}
    </SureOf>
  )
}
