import { act, type Holdings, type Outcome, type StoreRows } from './act.ts'
import { diff } from './diff.ts'
import { type ObserveContext, type OrganizationKey, observe } from './observe.ts'
import { statusOf } from './status.ts'
import type { OrganizationStatus } from './status-schema.ts'

/** Where what was found is told. */
export interface Reports {
  readStatus(key: OrganizationKey): Promise<OrganizationStatus | undefined>
  /** Writes only what differs from what was reported before. */
  report(key: OrganizationKey, status: OrganizationStatus): Promise<void>
}

export interface ReconcileContext extends ObserveContext {
  readonly holdings: Holdings
  readonly rows: StoreRows
  readonly reports: Reports
  readonly now: () => number
}

/** What the queue does with a key next: nothing, look again after a while, or try again with growing waits. */
export type Next =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly afterMs: number }
  | { readonly kind: 'retry' }

/** How often an Organization is looked at when nothing changes: puts right what drifted, and renews its status. */
export const resyncMs = 60_000

/** Makes one Organization what it is declared to be. Level-driven: whatever happened, this is all there is to do. */
export async function reconcile(key: OrganizationKey, context: ReconcileContext): Promise<Next> {
  const snapshot = await observe(key, context)
  if (!snapshot) return { kind: 'done' }
  const plan = diff(snapshot)
  const outcome = await act(key, plan.actions, context)
  if (outcome.kind !== 'gone') {
    const before = await context.reports.readStatus(key)
    await context.reports.report(key, statusOf(snapshot, plan, outcome, before, context.now()))
  }
  return nextAfter(outcome)
}

function nextAfter(outcome: Outcome): Next {
  switch (outcome.kind) {
    case 'gone':
      return { kind: 'done' }
    case 'unavailable':
      return { kind: 'retry' }
    case 'applied':
    case 'held':
    case 'refused':
      return { kind: 'again', afterMs: resyncMs }
    default:
      throw new TypeError(`unknown outcome ${outcome satisfies never}`)
  }
}
