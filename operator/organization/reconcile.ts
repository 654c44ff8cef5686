import type { Next } from '../queue.ts'
import { act, type Holdings, type Outcome, type StoreRows } from './act.ts'
import { diff, type Plan } from './diff.ts'
import { type ObserveContext, type OrganizationKey, observe, type Snapshot } from './observe.ts'
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
  /** Names the state of everything that an Organization is made from: as long as it is the same, nothing is read anew. */
  readonly fingerprint: (key: OrganizationKey) => string | undefined
  readonly now: () => number
  /** Default 30,000. */
  readonly refreshMs?: number
}

/** How often everything is applied again although nothing changed: puts right what drifted. */
const resyncMs = 600_000

/** What was in force when it was last applied; secrets are left out. */
interface Applied {
  readonly fingerprint: string
  readonly snapshot: Snapshot
  readonly answer: Extract<Outcome, { kind: 'applied' }>['answer']
  readonly atMs: number
}

/**
 * Makes Organizations what they are declared to be. Level-driven: whatever happened, calling it with a key is all
 * there is to do, and calling it again changes nothing.
 */
export function openReconcile(context: ReconcileContext): (key: OrganizationKey) => Promise<Next> {
  const applied = new Map<OrganizationKey, Applied>()
  /** How often the health of what is in force is asked for: a status is written no more often than that. */
  const refreshMs = context.refreshMs ?? 30_000

  async function reconcile(key: OrganizationKey): Promise<Next> {
    const fingerprint = context.fingerprint(key)
    const last = applied.get(key)
    if (last && last.fingerprint === fingerprint && context.now() - last.atMs < resyncMs)
      return await refresh(key, last)
    applied.delete(key)
    const snapshot = await observe(key, context)
    if (!snapshot) return { kind: 'done' }
    const plan = diff(snapshot)
    const outcome = await act(key, plan.actions, context)
    await tell(key, snapshot, plan, outcome)
    if (outcome.kind === 'applied' && fingerprint !== undefined) {
      applied.set(key, {
        fingerprint,
        snapshot: withoutSecrets(snapshot),
        answer: outcome.answer,
        atMs: context.now(),
      })
    }
    return plan.obstacle?.reason === 'StoreUnavailable' ? { kind: 'retry' } : nextAfter(outcome, refreshMs)
  }

  /** Nothing changed: only how it does is asked for, and told. */
  async function refresh(key: OrganizationKey, last: Applied): Promise<Next> {
    // Whatever goes wrong, the next time everything is looked at.
    applied.delete(key)
    const { snapshot, answer } = last
    const health = answer.organization && (await context.rows.health(answer.organization.id))
    if (health?.kind === 'unavailable') {
      await tell(key, snapshot, { actions: [] }, health)
      return { kind: 'retry' }
    }
    await tell(key, snapshot, { actions: [] }, { kind: 'applied', answer: { ...answer, ...health } })
    applied.set(key, last)
    return { kind: 'again', afterMs: refreshMs }
  }

  async function tell(key: OrganizationKey, snapshot: Snapshot, plan: Plan, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'gone') return
    const before = await context.reports.readStatus(key)
    await context.reports.report(key, statusOf(snapshot, plan, outcome, before, context.now()))
  }

  return reconcile
}

function withoutSecrets(snapshot: Snapshot): Snapshot {
  return { ...snapshot, secrets: new Map(), tenantSecret: undefined }
}

function nextAfter(outcome: Outcome, refreshMs: number): Next {
  switch (outcome.kind) {
    case 'gone':
      return { kind: 'done' }
    case 'unavailable':
      return { kind: 'retry' }
    case 'applied':
    case 'held':
    case 'refused':
      return { kind: 'again', afterMs: refreshMs }
    default:
      throw new TypeError(`unknown outcome ${outcome satisfies never}`)
  }
}
