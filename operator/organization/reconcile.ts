import type { Next } from '../queue.ts'
import { act } from './act.ts'
import type { OrganizationKey } from './declared.ts'
import { diff } from './diff.ts'
import type { ActResult, Holdings, StoreRows } from './holdings.ts'
import { type ObserveContext, observe, type Snapshot } from './observe.ts'
import type { Plan } from './plan.ts'
import { statusOf } from './status.ts'
import type { OrganizationStatus } from './status-schema.ts'

/** Where the status is written. */
export interface Reports {
  readStatus(key: OrganizationKey): Promise<OrganizationStatus | undefined>
  /** Writes the status if it differs from the last reported one. */
  report(key: OrganizationKey, status: OrganizationStatus): Promise<void>
}

export interface ReconcileContext extends ObserveContext {
  readonly holdings: Holdings
  readonly rows: StoreRows
  readonly reports: Reports
  /** Names the state of everything that an Organization is made from: as long as it is the same, nothing is read anew. */
  readonly fingerprint: (key: OrganizationKey) => string | undefined
  readonly now: () => number
  readonly periods?: Periods
}

export interface Periods {
  /** How often the health of what is in force is asked for: a status is written no more often than that. Default 30,000. */
  readonly refreshMs?: number
  /** How often everything is applied again although nothing changed: puts right what drifted. Default 600,000. */
  readonly resyncMs?: number
}

/** The state when it was last applied, without secrets. */
interface Applied {
  readonly fingerprint: string
  readonly snapshot: Snapshot
  /** Parts that could not be applied. */
  readonly plan: Plan
  readonly answer: Extract<ActResult, { kind: 'applied' }>['answer']
  readonly atMs: number
}

/**
 * Brings Organizations to their declared state. Level-driven: after any event it is called with the Organization's key,
 * and a second call changes nothing.
 */
export function openReconcile(context: ReconcileContext): (key: OrganizationKey) => Promise<Next> {
  const applied = new Map<OrganizationKey, Applied>()
  const toldAtMs = new Map<OrganizationKey, number>()
  const { refreshMs = 30_000, resyncMs = 600_000 } = context.periods ?? {}
  // The queue comes back up to a tenth earlier.
  const lookAfterMs = refreshMs / 0.9

  async function reconcile(key: OrganizationKey): Promise<Next> {
    const fingerprint = context.fingerprint(key)
    const last = applied.get(key)
    if (last && last.fingerprint === fingerprint && context.now() - last.atMs < resyncMs)
      return await refresh(key, last)
    applied.delete(key)
    const snapshot = await observe(key, context)
    if (!snapshot) {
      toldAtMs.delete(key)
      return { kind: 'done' }
    }
    const plan = diff(snapshot)
    const outcome = await act(key, plan.actions, context)
    await tell(key, snapshot, plan, outcome)
    if (outcome.kind === 'applied' && fingerprint !== undefined) {
      applied.set(key, {
        fingerprint,
        snapshot: withoutSecrets(snapshot),
        plan: { ...plan, actions: [] },
        answer: outcome.answer,
        atMs: context.now(),
      })
    }
    const isStoreAway = plan.obstacle?.reason === 'StoreUnavailable' || snapshot.inForce === 'unavailable'
    return isStoreAway ? { kind: 'retry' } : nextAfter(outcome, lookAfterMs)
  }

  /** The declaration is unchanged: only health is read and reported. */
  async function refresh(key: OrganizationKey, last: Applied): Promise<Next> {
    // Whatever goes wrong, the next time everything is looked at.
    applied.delete(key)
    const { snapshot, plan, answer } = last
    const health = answer.organization && (await context.rows.health(answer.organization.id))
    if (health?.kind === 'unavailable') {
      await tell(key, snapshot, plan, health)
      return { kind: 'retry' }
    }
    await tell(key, snapshot, plan, { kind: 'applied', answer: { ...answer, ...health } })
    applied.set(key, last)
    return { kind: 'again', afterMs: lookAfterMs }
  }

  /** Counts and times that moved are told with the next look, and not more often. */
  async function tell(
    key: OrganizationKey,
    snapshot: Snapshot,
    plan: Plan,
    outcome: ActResult,
  ): Promise<void> {
    if (outcome.kind === 'gone') return
    const before = await context.reports.readStatus(key)
    const nowMs = context.now()
    const status = statusOf(snapshot, plan, outcome, before, nowMs)
    const isSameState = before !== undefined && stateOf(before) === stateOf(status)
    if (isSameState && nowMs - (toldAtMs.get(key) ?? 0) < refreshMs) return
    toldAtMs.set(key, nowMs)
    await context.reports.report(key, status)
  }

  return reconcile
}

/** The part of a status whose change is written at once: everything but counts, times and sentences. */
function stateOf({
  observedGeneration,
  conditions,
  organizationId,
  summary,
  sources = [],
  destinations = [],
}: OrganizationStatus): string {
  return JSON.stringify([
    observedGeneration,
    conditions.map(({ type, status, reason }) => [type, status, reason]),
    [organizationId, summary],
    sources.map(({ name, url, secrets }) => [name, url, secrets.map(({ id }) => id)]),
    destinations.map(({ name, state, pauseReason }) => [name, state, pauseReason]),
  ])
}

function withoutSecrets(snapshot: Snapshot): Snapshot {
  return { ...snapshot, secrets: new Map(), tenantSecret: undefined }
}

function nextAfter(outcome: ActResult, afterMs: number): Next {
  switch (outcome.kind) {
    case 'gone':
      return { kind: 'done' }
    case 'unavailable':
      return { kind: 'retry' }
    case 'applied':
    case 'held':
    case 'refused':
      return { kind: 'again', afterMs }
    default:
      throw new TypeError(`unknown outcome ${outcome satisfies never}`)
  }
}
