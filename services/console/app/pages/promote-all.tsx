import { Dialog } from '@base-ui/react/dialog'
import {
  type PromotedRejections,
  promoteRejections,
  type RejectionSummary,
  summarizeRejections,
} from '@fairlead/client/gen/client'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { once, take } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { readTime } from '../read-time.ts'
import { useRight } from '../session.ts'

type Search = Readonly<Record<string, string>>

/** How many of the refused requests would verify now, and the way to make events of them. */
export function PromoteAll({ slug }: { readonly slug: string }) {
  const search = useSearch({ strict: false }) as Search
  const { source } = search
  const { data } = useQuery({
    queryKey: ['rejections', slug, 'summary', source],
    queryFn: ({ signal }) => take(summarizeRejections(slug, source ? { source } : {}, { signal })),
    // Each call verifies for a second at most, and the next goes on from there.
    refetchInterval: ({ state }) => (uncheckedOf(state.data) > 0 ? 1_000 : 15_000),
  })
  const passing = data?.items.filter(({ wouldPass }) => wouldPass > 0) ?? []
  return (
    <>
      {passing.length > 0 && (
        <ul className="note good passing">
          {passing.map(({ source, wouldPass, rejections }) => (
            <li key={source}>
              <strong>
                {wouldPass.toLocaleString()} of {rejections.toLocaleString()} would pass
              </strong>{' '}
              with what <Link to={`/organizations/${slug}/sources/${source}` as never}>{source}</Link> is
              configured with now.
            </li>
          ))}
        </ul>
      )}
      <Promote slug={slug} search={search} isOffered={passing.length > 0} />
    </>
  )
}

const uncheckedOf = (data: RejectionSummary | undefined): number =>
  data?.items.reduce((sum, { unchecked }) => sum + unchecked, 0) ?? 0

/**
 * Planned first, by ids: what was counted is promoted, and nothing else. Stays when nothing more passes, so that what came of it
 * can be read.
 */
function Promote({
  slug,
  search,
  isOffered,
}: {
  readonly slug: string
  readonly search: Search
  readonly isOffered: boolean
}) {
  const [open, setOpen] = useState(false)
  const { may, who } = useRight('operate', slug)
  const queries = useQueryClient()
  const plan = useMutation({
    mutationFn: () =>
      take(promoteRejections(slug, { filter: filterOf(search, new Date()), dryRun: true }, once())),
  })
  const run = useMutation({
    mutationFn: (ids: string[]) => take(promoteRejections(slug, { ids }, once())),
    onSuccess: () => queries.invalidateQueries(),
  })
  const ids = plan.data?.promoted.map(({ rejection }) => rejection) ?? []
  const begin = () => {
    run.reset()
    plan.mutate()
    setOpen(true)
  }
  return (
    <>
      {isOffered && (
        <p>
          <button type="button" className="button small" disabled={!may} onClick={begin}>
            Promote those that pass …
            <Needs who={who} />
          </button>
        </p>
      )}
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Portal>
          <Dialog.Backdrop className="backdrop" />
          <Dialog.Popup className="dialog">
            <Dialog.Title>Make events of refused requests</Dialog.Title>
            <Dialog.Description>
              They keep the time of their receipt, and are delivered once. Those that would be refused again
              stay here.
            </Dialog.Description>
            {plan.isPending && <p>Verifying …</p>}
            {plan.data && !run.data && <Counted of={plan.data} />}
            {run.data && <Done of={run.data} slug={slug} />}
            {plan.isError && <ProblemNote error={plan.error} />}
            {run.isError && <ProblemNote error={run.error} />}
            <div className="row end">
              <Dialog.Close className="button">Close</Dialog.Close>
              {!run.data && (
                <button
                  type="button"
                  className="button primary"
                  disabled={ids.length === 0 || run.isPending}
                  onClick={() => run.mutate(ids)}
                >
                  Promote {ids.length > 0 && ids.length.toLocaleString()}
                </button>
              )}
            </div>
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </>
  )
}

function Counted({ of: { promoted, left, next } }: { readonly of: PromotedRejections }) {
  return (
    <div>
      <p>
        <strong>{promoted.length.toLocaleString()}</strong> would pass
        {next !== null && '; there are more: promote these first, then look again'}.
      </p>
      <Left left={left} />
    </div>
  )
}

function Done({ of: { promoted, left }, slug }: { readonly of: PromotedRejections; readonly slug: string }) {
  return (
    <div role="status">
      <p>
        <strong>{promoted.length.toLocaleString()} promoted.</strong>{' '}
        <Link to={`/organizations/${slug}/events` as never}>See the event log</Link>
      </p>
      <Left left={left} />
    </div>
  )
}

function Left({ left }: { readonly left: PromotedRejections['left'] }) {
  if (left.length === 0) return null
  const said = left.map(({ reason, rejections }) => `${rejections} ${reason.replaceAll('_', ' ')}`)
  return <p className="muted">Refused again: {said.join(', ')}.</p>
}

function filterOf({ source, reason, after, before }: Search, now: Date) {
  const iso = (text: string | undefined) => (text ? readTime(text, now)?.toISOString() : undefined)
  const from = iso(after)
  return {
    ...(source && { source }),
    ...(reason && { reason }),
    ...(from && { after: from }),
    before: iso(before) ?? now.toISOString(),
  }
}
