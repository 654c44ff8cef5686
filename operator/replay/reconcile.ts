import type { Next } from '../queue.ts'
import { type ActResult, act, type Holdings, type ReplayRows } from './act.ts'
import type { ReplayKey } from './declared.ts'
import { diff, expiresAtMs, type Plan } from './diff.ts'
import { isFinished } from './finished.ts'
import { type ObserveContext, observe, type Snapshot } from './observe.ts'
import { statusOf } from './status.ts'
import type { ReplayStatus } from './status-schema.ts'

export interface ReconcileContext extends ObserveContext {
  readonly holdings: Holdings
  readonly rows: ReplayRows
  /** Writes the status if it differs from the last reported one. */
  readonly report: (key: ReplayKey, status: ReplayStatus) => Promise<void>
}

/** How soon a Replay is looked at again, ms: while it moves, a status is written no more often than that. */
const [soonestMs, latestMs, quietMs] = [1_000, 10_000, 30_000]

/**
 * Brings a Replay to its declared state. Level-driven: after any event it is called with the Replay's key, and a second
 * call changes nothing, because the store makes one Replay for a resource's uid.
 */
export async function reconcile(key: ReplayKey, context: ReconcileContext): Promise<Next> {
  const snapshot = await observe(key, context)
  if (!snapshot) return { kind: 'done' }
  const plan = diff(snapshot)
  const outcome = await act(key, plan.actions, context)
  if (outcome.kind === 'gone') return { kind: 'done' }
  const status = statusOf(snapshot, plan, outcome)
  await context.report(key, status)
  return nextAfter(snapshot, plan, outcome, status)
}

function nextAfter(snapshot: Snapshot, plan: Plan, outcome: ActResult, status: ReplayStatus): Next {
  if (plan.obstacle?.reason === 'StoreUnavailable' || outcome.kind === 'unavailable') return { kind: 'retry' }
  if (plan.obstacle?.reason === 'Lost') return { kind: 'done' }
  if (plan.obstacle || outcome.kind === 'refused') return { kind: 'again', afterMs: quietMs }
  const { nowMs, declared } = snapshot
  const expiryMs = expiresAtMs({ declared, before: status })
  const expiry: Next =
    expiryMs === undefined
      ? { kind: 'done' }
      : { kind: 'again', afterMs: Math.min(Math.max(expiryMs - nowMs, 0), 3_600_000) }
  const look = lookAfterMs(status, declared.replay.spec.ratePerSecond, nowMs)
  if (look === undefined) return expiry
  return { kind: 'again', afterMs: expiry.kind === 'again' ? Math.min(look, expiry.afterMs) : look }
}

/** When there is something new to be learnt; undefined: never. */
function lookAfterMs(status: ReplayStatus, rate: number, nowMs: number): number | undefined {
  if (status.phase === 'Counted' || isFinished(status)) return undefined
  if (status.phase === 'Running') {
    const left = (status.matched ?? 0) - (status.published ?? 0) - (status.skipped ?? 0)
    return Math.min(latestMs, Math.max(soonestMs, (left / rate) * 1_000))
  }
  // Most deliveries end soon after the last was handed over; some are tried again for a day.
  const endedMs = status.endedAt === undefined ? undefined : nowMs - Date.parse(status.endedAt)
  return endedMs !== undefined && endedMs < quietMs ? soonestMs : quietMs
}
