import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { type Destination, DestinationState } from '@fairlead/wire/store/destination'
import type { Source } from '@fairlead/wire/store/source'
import { conditionsOf } from '../condition.ts'
import type { Outcome } from './act.ts'
import type { Finding } from './condition.ts'
import type { Plan } from './diff.ts'
import type { Snapshot } from './observe.ts'
import { slugOfOrganization } from './schema.ts'
import type { DestinationStatus, OrganizationStatus, SourceStatus } from './status-schema.ts'
import { tenantSecretName } from './tenant-secret.ts'

/** What is to be reported after a reconciliation. What isn't known anew stays as it was reported before. */
export function statusOf(
  snapshot: Snapshot,
  plan: Plan,
  outcome: Outcome,
  before: OrganizationStatus | undefined,
  nowMs: number,
): OrganizationStatus {
  const { generation } = snapshot.declared
  const health = outcome.kind === 'applied' ? healthOf(snapshot, outcome.answer) : {}
  const findings = findingsOf(snapshot, plan, outcome, nowMs)
  return {
    ...before,
    ...health,
    observedGeneration: generation,
    conditions: conditionsOf(findings, before?.conditions ?? [], generation, nowMs),
  }
}

function findingsOf(snapshot: Snapshot, plan: Plan, outcome: Outcome, nowMs: number): readonly Finding[] {
  return [
    readiness(plan, outcome, snapshot.declared.organization.spec.active),
    plan.obstacle?.reason === 'SecretMissing'
      ? { type: 'SecretsResolved', status: 'False', reason: 'SecretMissing', message: plan.obstacle.message }
      : { type: 'SecretsResolved', status: 'True', reason: 'SecretsFound', message: '' },
    sourcesHealth(snapshot, plan, outcome),
    destinationsHealth(plan, outcome, nowMs),
  ]
}

function readiness(plan: Plan, outcome: Outcome, active: boolean): Finding {
  const type = 'Ready'
  if (plan.obstacle) return { type, status: 'False', ...plan.obstacle }
  switch (outcome.kind) {
    case 'applied': {
      const message = active
        ? 'everything declared is in force'
        : 'in force, and inactive: requests are refused'
      return { type, status: 'True', reason: 'Reconciled', message }
    }
    case 'refused':
      return { type, status: 'False', reason: outcome.reason, message: outcome.message }
    case 'unavailable':
      return { type, status: 'False', reason: 'StoreUnavailable', message: outcome.message }
    case 'held':
    case 'gone':
      return { type, status: 'False', reason: 'Deleting', message: 'it is being deleted' }
    default:
      throw new TypeError(`unknown outcome ${outcome satisfies never}`)
  }
}

function sourcesHealth({ declared }: Snapshot, plan: Plan, outcome: Outcome): Finding {
  const type = 'SourcesHealthy'
  if (plan.obstacle?.reason === 'SourceInvalid') {
    return { type, status: 'False', reason: 'SourceInvalid', message: plan.obstacle.message }
  }
  if (declared.organization.spec.sources.length === 0) {
    return { type, status: 'True', reason: 'NoneDeclared', message: '' }
  }
  if (outcome.kind !== 'applied') return unknownHealth(type, plan, outcome)
  return { type, status: 'True', reason: 'Healthy', message: '' }
}

function destinationsHealth(plan: Plan, outcome: Outcome, nowMs: number): Finding {
  const type = 'DestinationsHealthy'
  if (outcome.kind !== 'applied') return unknownHealth(type, plan, outcome)
  const { destinations } = outcome.answer
  if (destinations.length === 0) return { type, status: 'True', reason: 'NoneDeclared', message: '' }
  const failing = destinations.filter(({ state }) => state === DestinationState.FAILING)
  if (failing.length === 0) return { type, status: 'True', reason: 'Healthy', message: '' }
  const message = failing.map(destination => describeFailing(destination, nowMs)).join('; ')
  return { type, status: 'False', reason: 'Failing', message }
}

function unknownHealth(type: Finding['type'], plan: Plan, outcome: Outcome): Finding {
  if (outcome.kind === 'unavailable') {
    return { type, status: 'Unknown', reason: 'StoreUnavailable', message: outcome.message }
  }
  const reason = plan.obstacle?.reason ?? (outcome.kind === 'refused' ? outcome.reason : 'Deleting')
  return { type, status: 'Unknown', reason, message: 'not known while it isn’t applied' }
}

/** `billing: 502 for 12 min, 340 deliveries waiting` */
function describeFailing({ name, lastError, failingSince, waiting }: Destination, nowMs: number): string {
  const minutes = failingSince ? Math.floor((nowMs - timestampDate(failingSince).getTime()) / 60_000) : 0
  const since = minutes > 0 ? ` for ${minutes} min` : ''
  return `${name}: ${lastError || 'failing'}${since}, ${waiting} ${waiting === 1n ? 'delivery' : 'deliveries'} waiting`
}

function healthOf(
  { declared, publicUrl }: Snapshot,
  answer: Extract<Outcome, { kind: 'applied' }>['answer'],
): Partial<OrganizationStatus> {
  const { organization } = declared
  const base = `${publicUrl}/webhooks/${slugOfOrganization(organization)}`
  const times = answer.sources.flatMap(({ lastEventAt }) => (lastEventAt ? [timestampDate(lastEventAt)] : []))
  const last = times.sort((a, b) => b.getTime() - a.getTime())[0]
  const ill = answer.destinations.filter(({ state }) => state === DestinationState.FAILING).length
  return {
    ...(answer.organization ? { organizationId: answer.organization.id } : {}),
    secretName: tenantSecretName(organization.metadata.name),
    summary: {
      sources: `${answer.sources.length}/${answer.sources.length}`,
      destinations: `${answer.destinations.length - ill}/${answer.destinations.length}`,
    },
    waiting: answer.destinations.reduce((sum, { waiting }) => sum + Number(waiting), 0),
    ...(last ? { lastEventAt: toMinute(last) } : {}),
    sources: answer.sources.map(source => sourceStatus(source, base)),
    destinations: answer.destinations.map(destinationStatus),
  }
}

function sourceStatus(source: Source, base: string): SourceStatus {
  return {
    name: source.name,
    url: `${base}/${source.name}`,
    ...at('lastEventAt', source.lastEventAt),
    secrets: source.secrets.map(({ id, lastMatchedAt }) => ({ id, ...at('lastMatchedAt', lastMatchedAt) })),
  }
}

function destinationStatus(destination: Destination): DestinationStatus {
  const state =
    destination.state === DestinationState.FAILING
      ? 'Failing'
      : destination.state === DestinationState.PAUSED
        ? 'Paused'
        : 'Healthy'
  return {
    name: destination.name,
    state,
    waiting: Number(destination.waiting),
    deadLetters: Number(destination.dead),
    ...(destination.lastError ? { lastError: destination.lastError } : {}),
    ...at('failingSince', destination.failingSince),
  }
}

function at<Name extends string>(name: Name, time: Timestamp | undefined): { [key in Name]?: string } {
  return (time ? { [name]: toMinute(timestampDate(time)) } : {}) as { [key in Name]?: string }
}

/** To the minute, so that a busy organization's status isn't written every time it is looked at. */
function toMinute(time: Date): string {
  return time.toISOString().replace(/:\d\d\.\d+Z$/, ':00Z')
}
