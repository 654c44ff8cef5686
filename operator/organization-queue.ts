import { randomBytes } from 'node:crypto'
import type { Log } from '@fairlead/daemon/log'
import type { OperatorConfig } from './config.ts'
import type { OperatorMetrics } from './metrics.ts'
import type { ConditionReason } from './organization/condition-types.ts'
import type { Declarations, OrganizationKey } from './organization/declared.ts'
import type { Holdings } from './organization/holdings.ts'
import { type Fingerprint, openReconcile, type Periods, type Reports } from './organization/reconcile.ts'
import type { OrganizationStatus } from './organization/status-schema.ts'
import { makeKeys } from './organization/tenant-secret.ts'
import type { Queue } from './queue.ts'
import { openReconcileQueue } from './reconcile-queue.ts'
import type { OwnedRows } from './store-rows.ts'
import type { OperatorTraces } from './traces.ts'

/** The declared Organizations, from files or the Kubernetes API, and where their status is reported. */
export interface DeclaredOrganizations extends Declarations, Holdings, Reports {
  readonly statuses: ReadonlyMap<OrganizationKey, OrganizationStatus>
  /** The state of all that an Organization is made from; undefined: there is none, or it is being deleted. */
  fingerprint(key: OrganizationKey): Fingerprint | undefined
}

export interface OrganizationQueueContext {
  readonly config: Pick<OperatorConfig, 'FAIRLEAD_PUBLIC_URL' | 'FAIRLEAD_OPERATOR_CONCURRENCY'>
  readonly log: Log
  readonly metrics: OperatorMetrics
  readonly rows: OwnedRows
  readonly organizations: DeclaredOrganizations
  readonly periods?: Periods
  readonly traces?: OperatorTraces | undefined
}

/** The queue whose keys are Organizations: the same for files and for Kubernetes. */
export function openOrganizationQueue(context: OrganizationQueueContext): Queue {
  const { config, log, metrics, rows, organizations, periods = {}, traces } = context
  const reconcile = openReconcile({
    declarations: organizations,
    holdings: organizations,
    reports: organizations,
    fingerprint: organizations.fingerprint,
    rows,
    periods,
    findSlug: rows.findSlug,
    makeKeys: () => makeKeys(randomBytes),
    publicUrl: config.FAIRLEAD_PUBLIC_URL,
    now: Date.now,
  })
  metrics.organizations(() => countReasons(organizations.statuses.values()))
  const concurrency = config.FAIRLEAD_OPERATOR_CONCURRENCY
  return openReconcileQueue({ kind: 'organization', reconcile, concurrency, log, metrics, traces })
}

/** Logs a line for each reported condition that changed. */
export function logReport(
  log: Log,
  key: OrganizationKey,
  status: OrganizationStatus,
  before: OrganizationStatus | undefined,
): void {
  if (before && summaryOf(before) === summaryOf(status)) return
  const ready = status.conditions.find(({ type }) => type === 'Ready')
  const line = {
    organization: key,
    generation: status.observedGeneration,
    reason: ready?.reason,
    detail: ready?.message,
    conditions: Object.fromEntries(status.conditions.map(({ type, status: value }) => [type, value])),
  }
  if (ready?.status === 'True') log.info(line, 'organization.reconciled')
  else log.warn(line, 'organization.reconciled')
  logIll(log, key, status, before)
}

/**
 * One line for each condition that is newly false, with its sentence: with files nobody reads a status. What `Ready`
 * says already is left out. A destination that fails is its owner's matter and no warning.
 */
function logIll(
  log: Log,
  organization: OrganizationKey,
  { conditions }: OrganizationStatus,
  before: OrganizationStatus | undefined,
): void {
  const ready = conditions.find(({ type }) => type === 'Ready')
  for (const { type, status, reason, message } of conditions) {
    if (status !== 'False' || reason === ready?.reason) continue
    const known = before?.conditions.find(condition => condition.type === type)
    if (known?.status === status && known.reason === reason) continue
    const line = { organization, condition: type, reason, detail: message }
    if (type === 'DestinationsHealthy') log.info(line, 'organization.ill')
    else log.warn(line, 'organization.ill')
  }
}

function summaryOf({ observedGeneration, conditions }: OrganizationStatus): string {
  return JSON.stringify([
    observedGeneration,
    conditions.map(({ type, status, reason }) => [type, status, reason]),
  ])
}

function countReasons(statuses: Iterable<OrganizationStatus>): ReadonlyMap<ConditionReason, number> {
  const counts = new Map<ConditionReason, number>()
  for (const { conditions } of statuses) {
    const reason = conditions.find(({ type }) => type === 'Ready')?.reason
    if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return counts
}
