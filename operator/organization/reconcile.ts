import { createHash } from 'node:crypto'
import type { Next } from '../queue.ts'
import { act } from './act.ts'
import { areBudgetsTold } from './budget-status.ts'
import type { Declared, OrganizationKey } from './declared.ts'
import { diff } from './diff.ts'
import type { ActResult, Health, Holdings, InForce, StoreRows } from './holdings.ts'
import { type ObserveContext, observe, type Snapshot } from './observe.ts'
import type { Plan } from './plan.ts'
import { slugOfOrganization } from './schema.ts'
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
  /** Names everything that an Organization is made from: as long as it is the same, nothing is read anew. */
  readonly fingerprint: (key: OrganizationKey) => Fingerprint | undefined
  readonly now: () => number
  readonly periods?: Periods
}

export interface Periods {
  /** How often the health of what is in force is asked for: a status is written no more often than that. Default 30,000. */
  readonly refreshMs?: number
  /** How often everything is applied again although nothing changed: puts right what drifted. Default 600,000. */
  readonly resyncMs?: number
}

/** The state of everything that an Organization is made from; the same after a restart. */
export interface Fingerprint {
  /** Of the declaration, and of the Secrets that it names. */
  readonly declared: string
  /** Of the tenant's Secret, which the operator itself writes; empty: there is none. */
  readonly tenantSecret: string
}

/** What is in force. */
interface Applied {
  readonly fingerprint: string
  /** What could not be applied. */
  readonly plan: Plan
  readonly organizationId: string
  /** Of its health, as it was last told; empty: ask for all of it. */
  readonly version: string
  readonly atMs: number
}

/** Raise it when the operator makes other rows of the same declaration: else what is in force stays as it was. */
const fingerprintVersion = 1

const nothingOpen: Plan = { actions: [] }

/**
 * Brings Organizations to their declared state. Level-driven: after any event it is called with the Organization's key,
 * and a second call changes nothing. What the store has in force with the same fingerprint is not made anew, after a
 * restart too.
 */
export function openReconcile(context: ReconcileContext): (key: OrganizationKey) => Promise<Next> {
  const applied = new Map<OrganizationKey, Applied>()
  const toldAtMs = new Map<OrganizationKey, number>()
  const { refreshMs = 30_000, resyncMs = 600_000 } = context.periods ?? {}
  // The queue shortens a wait by up to a tenth: the next look comes after `refreshMs` or more.
  const lookAfterMs = refreshMs / 0.9

  async function reconcile(key: OrganizationKey): Promise<Next> {
    const state = context.fingerprint(key)
    const last = applied.get(key)
    // Whatever goes wrong, the next time everything is looked at.
    applied.delete(key)
    const declared = state && (await context.declarations.readOrganization(key))
    if (!state || !declared) return await apply(key, undefined)
    const fingerprint = textOf(state, context.publicUrl)
    const isDue = !last || last.fingerprint !== fingerprint || context.now() - last.atMs >= resyncMs
    const inForce = isDue ? await findApplied(key, declared, fingerprint, last) : last
    return inForce ? await refresh(key, declared, inForce) : await apply(key, state)
  }

  /** What the store has in force from exactly this; an Organization that is not whole is applied again. */
  async function findApplied(
    key: OrganizationKey,
    { organization }: Declared,
    fingerprint: string,
    last: Applied | undefined,
  ): Promise<Applied | undefined> {
    if (last?.plan.obstacle) return undefined
    const id = await context.rows.findApplied(key, slugOfOrganization(organization), fingerprint)
    if (id === undefined || id === 'unavailable') return undefined
    await context.holdings.claim(key)
    return { fingerprint, plan: nothingOpen, organizationId: id, version: '', atMs: context.now() }
  }

  async function apply(key: OrganizationKey, state: Fingerprint | undefined): Promise<Next> {
    const snapshot = await observe(key, context)
    if (!snapshot) {
      toldAtMs.delete(key)
      return { kind: 'done' }
    }
    const plan = diff(snapshot)
    let tenantSecret = state?.tenantSecret
    const fingerprint = () =>
      state && textOf({ ...state, tenantSecret: tenantSecret ?? '' }, context.publicUrl)
    const outcome = await act(key, plan.actions, context, written => {
      tenantSecret = written ?? tenantSecret
      // What was left out is looked for again, also after a restart.
      return plan.obstacle ? undefined : fingerprint()
    })
    // The answer to an application knows nothing of health: an ill Organization that is changed would be reported healthy.
    const health = outcome.kind === 'applied' ? await healthOf(outcome.answer) : undefined
    const told = await tell(key, snapshot, plan, health ? { kind: 'applied', answer: health } : outcome)
    const text = fingerprint()
    if (outcome.kind === 'applied' && text !== undefined) {
      applied.set(key, {
        fingerprint: text,
        plan: plan.obstacle ? { ...plan, actions: [] } : nothingOpen,
        organizationId: outcome.answer.organization?.id ?? '',
        version: health ? versionAfter(told, health) : '',
        atMs: context.now(),
      })
    }
    const isStoreAway = plan.obstacle?.reason === 'StoreUnavailable' || snapshot.inForce === 'unavailable'
    return isStoreAway ? { kind: 'retry' } : nextAfter(outcome, lookAfterMs)
  }

  /** Undefined where there is none yet, or the store says nothing of it now: the next look asks again. */
  async function healthOf({ organization, created }: InForce): Promise<Health | undefined> {
    const health = organization && !created && (await context.rows.health(organization.id))
    return health && health.kind === 'known' ? health : undefined
  }

  /** The declaration is unchanged: only health is read and reported. */
  async function refresh(key: OrganizationKey, declared: Declared, last: Applied): Promise<Next> {
    const { plan, organizationId, version } = last
    const health = await context.rows.health(organizationId, version)
    const snapshot = withoutSecrets(key, declared, context.publicUrl)
    switch (health.kind) {
      case 'unavailable':
        await tell(key, snapshot, plan, health)
        return { kind: 'retry' }
      case 'gone':
        return await apply(key, context.fingerprint(key))
      case 'same':
        applied.set(key, last)
        break
      case 'known': {
        const told = await tell(key, snapshot, plan, { kind: 'applied', answer: health })
        applied.set(key, { ...last, version: versionAfter(told, health) })
        break
      }
      default:
        health satisfies never
    }
    return { kind: 'again', afterMs: lookAfterMs }
  }

  /** Counts and times that moved are told with the next look, and not more often. Answers with what was told. */
  async function tell(
    key: OrganizationKey,
    snapshot: Snapshot,
    plan: Plan,
    outcome: ActResult,
  ): Promise<OrganizationStatus | undefined> {
    if (outcome.kind === 'gone') return undefined
    const before = await context.reports.readStatus(key)
    const nowMs = context.now()
    const status = statusOf(snapshot, plan, outcome, before, nowMs)
    const isSameState = before !== undefined && stateOf(before) === stateOf(status)
    if (isSameState && nowMs - (toldAtMs.get(key) ?? 0) < refreshMs) return undefined
    toldAtMs.set(key, nowMs)
    await context.reports.report(key, status)
    return status
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
  objectives = [],
}: OrganizationStatus): string {
  return JSON.stringify([
    observedGeneration,
    conditions.map(({ type, status, reason }) => [type, status, reason]),
    [organizationId, summary],
    sources.map(({ name, url, secrets }) => [name, url, secrets.map(({ id }) => id)]),
    destinations.map(({ name, state, pauseReason }) => [name, state, pauseReason]),
    objectives.map(({ name, target, budgetLeft }) => [name, target, budgetLeft]),
  ])
}

/** One text for all that an organization is made from, with what the operator makes of it. */
function textOf({ declared, tenantSecret }: Fingerprint, publicUrl: string): string {
  const parts = JSON.stringify([fingerprintVersion, publicUrl, declared, tenantSecret])
  return createHash('sha256').update(parts).digest('base64url')
}

/**
 * The version of a health, where nothing has to be told until it changes; empty: ask for all of it. A sentence that tells how long
 * something lasts has to be written anew.
 */
const versionAfter = (told: OrganizationStatus | undefined, { version, budgets }: Health): string =>
  told && isWell(told) && areBudgetsTold(told, budgets) ? version : ''

const isWell = ({ conditions }: OrganizationStatus): boolean =>
  conditions.every(
    ({ type, status, message }) => status === 'True' && (type !== 'SecretsResolved' || message === ''),
  )

/** What a status is made from, where everything is in force. */
function withoutSecrets(key: OrganizationKey, declared: Declared, publicUrl: string): Snapshot {
  return {
    key,
    declared,
    secrets: new Map(),
    tenantSecret: undefined,
    tenantSecretTaken: false,
    stored: undefined,
    inForce: undefined,
    fresh: { apiKey: '', signingKey: '' },
    publicUrl,
  }
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
