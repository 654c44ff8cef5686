import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt'
import { type Destination, DestinationState, PauseReason } from '@fairlead/wire/store/destination'
import { ProbeState } from '@fairlead/wire/store/organization'
import type { Source } from '@fairlead/wire/store/source'
import { conditionsOf } from '../condition.ts'
import { budgetStatusOf } from './budget-status.ts'
import type { Finding } from './condition-types.ts'
import type { ActResult, InForce } from './holdings.ts'
import type { Snapshot } from './observe.ts'
import { oldSecretsOf } from './old-secrets.ts'
import type { Plan } from './plan.ts'
import { urlOfSource } from './source-url.ts'
import type { DestinationStatus, OrganizationStatus, SourceStatus } from './status-schema.ts'
import { tenantSecretName } from './tenant-secret.ts'

/** What is to be reported after a reconciliation. What isn't known anew stays as it was reported before. */
export function statusOf(
  snapshot: Snapshot,
  plan: Plan,
  outcome: ActResult,
  before: OrganizationStatus | undefined,
  nowMs: number,
): OrganizationStatus {
  const { generation } = snapshot.declared
  const answer = answerOf(snapshot, outcome)
  const health = answer ? healthOf(snapshot, plan, answer, nowMs) : {}
  const findings = [
    ...findingsOf(snapshot, plan, outcome, nowMs),
    ...deliveringOf(snapshot, answer, before?.conditions ?? []),
  ]
  return {
    ...before,
    ...health,
    ...budgetStatusOf(answer?.budgets, before, nowMs),
    observedGeneration: generation,
    conditions: conditionsOf(findings, before?.conditions ?? [], generation, nowMs),
  }
}

/** Health of sources and destinations, if the store has just reported it. */
function answerOf({ inForce }: Snapshot, outcome: ActResult): InForce | undefined {
  if (outcome.kind === 'applied') return outcome.answer
  return typeof inForce === 'object' && outcome.kind === 'held' ? inForce : undefined
}

function findingsOf(snapshot: Snapshot, plan: Plan, outcome: ActResult, nowMs: number): readonly Finding[] {
  return [
    readiness(plan, outcome, snapshot.declared.organization.spec.active),
    plan.obstacle?.reason === 'SecretMissing'
      ? { type: 'SecretsResolved', status: 'False', reason: 'SecretMissing', message: plan.obstacle.message }
      : {
          type: 'SecretsResolved',
          status: 'True',
          reason: 'SecretsFound',
          message: oldSecrets(answerOf(snapshot, outcome), nowMs),
        },
    sourcesHealth(snapshot, plan, outcome),
    destinationsHealth(plan, outcome, answerOf(snapshot, outcome), nowMs),
  ]
}

function readiness(plan: Plan, outcome: ActResult, active: boolean): Finding {
  const type = 'Ready'
  if (outcome.kind === 'unavailable')
    return { type, status: 'False', reason: 'StoreUnavailable', message: outcome.message }
  if (outcome.kind === 'refused')
    return { type, status: 'False', reason: outcome.reason, message: outcome.message }
  if (plan.obstacle) return { type, status: 'False', ...plan.obstacle }
  if (outcome.kind !== 'applied')
    return { type, status: 'False', reason: 'Deleting', message: 'it is being deleted' }
  const message = active ? 'everything declared is in force' : 'in force, and inactive: requests are refused'
  return { type, status: 'True', reason: 'Reconciled', message }
}

function sourcesHealth({ declared }: Snapshot, plan: Plan, outcome: ActResult): Finding {
  const type = 'SourcesHealthy'
  if (declared.organization.spec.sources.length === 0) {
    return { type, status: 'True', reason: 'NoneDeclared', message: '' }
  }
  if (plan.obstacle?.reason === 'SourceInvalid') {
    return { type, status: 'False', reason: 'SourceInvalid', message: plan.obstacle.message }
  }
  const unresolved = plan.obstacle?.reason === 'SecretMissing' && outcome.kind === 'held'
  if (unresolved) return { type, status: 'False', reason: 'SecretMissing', message: plan.obstacle.message }
  if (outcome.kind !== 'applied') return unknownHealth(type, plan, outcome)
  const leftOut = plan.unresolved?.filter(({ kind }) => kind === 'source') ?? []
  if (leftOut[0]) {
    const message = `not in force: ${leftOut.map(({ name, message }) => `${name} (${message})`).join('; ')}`
    return { type, status: 'False', reason: leftOut[0].reason, message }
  }
  const swallowing = outcome.answer.sources.filter(({ lastHour }) => lastHour?.swallowing)
  if (swallowing.length > 0) {
    const message = swallowing.map(describeSwallowing).join('; ')
    return { type, status: 'False', reason: 'RepeatsDiffer', message }
  }
  return { type, status: 'True', reason: 'Healthy', message: '' }
}

/** `stripe: 12 of 40 requests of the last hour had the id of an event and another body, …` */
function describeSwallowing({ name, lastHour }: Source): string {
  const { accepted = 0n, repeated = 0n, differing = 0n } = lastHour ?? {}
  return (
    `${name}: ${differing} of ${accepted + repeated} requests of the last hour had the id of an event and another body, ` +
    `and were not delivered: fairlead rejections --source ${name}, or deduplicate: false`
  )
}

function destinationsHealth(
  plan: Plan,
  outcome: ActResult,
  answer: InForce | undefined,
  nowMs: number,
): Finding {
  const type = 'DestinationsHealthy'
  if (!answer) return unknownHealth(type, plan, outcome)
  const { destinations } = answer
  const waiting = plan.unresolved?.filter(({ kind }) => kind === 'destination') ?? []
  if (waiting[0]) {
    const message = `paused until it can be told who we are: ${waiting.map(({ name, message }) => `${name} (${message})`).join('; ')}`
    return { type, status: 'False', reason: waiting[0].reason, message }
  }
  if (destinations.length === 0) return { type, status: 'True', reason: 'NoneDeclared', message: '' }
  const ill = destinations.filter(isIll)
  if (ill.length === 0) return { type, status: 'True', reason: 'Healthy', message: '' }
  const message = ill.map(destination => describeIll(destination, nowMs)).join('; ')
  const isFailing = ill.some(({ state }) => state === DestinationState.FAILING)
  return { type, status: 'False', reason: isFailing ? 'Failing' : 'DestinationPaused', message }
}

/**
 * Whether the prober's webhooks arrive that go the same way; not of an Organization without objectives. What was told stays
 * where the store was not asked.
 */
function deliveringOf(
  { declared }: Snapshot,
  answer: InForce | undefined,
  before: OrganizationStatus['conditions'],
): readonly Finding[] {
  const type = 'Delivering'
  if (!declared.organization.spec.slo) return []
  if (!answer?.budgets) return before.filter(condition => condition.type === type) as Finding[]
  const { probe } = answer
  if (!probe) return []
  const { state, message } = probe
  switch (state) {
    case ProbeState.ARRIVING:
      return [{ type, status: 'True', reason: 'ProbesArrive', message: '' }]
    case ProbeState.FAILING:
      return [{ type, status: 'False', reason: 'ProbesFail', message }]
    case ProbeState.SILENT:
      return [{ type, status: 'Unknown', reason: 'ProberSilent', message }]
    case ProbeState.UNSPECIFIED:
      return []
    default:
      return state satisfies never
  }
}

/** Secrets of all sources that may be taken out. */
function oldSecrets(answer: InForce | undefined, nowMs: number): string {
  const old = (answer?.sources ?? []).flatMap(source =>
    oldSecretsOf(source, nowMs).map(({ id, message }) => `source ${source.name}: ${id} ${message}`),
  )
  return old.join('; ')
}

function unknownHealth(type: Finding['type'], plan: Plan, outcome: ActResult): Finding {
  if (outcome.kind === 'unavailable') {
    return { type, status: 'Unknown', reason: 'StoreUnavailable', message: outcome.message }
  }
  const reason = plan.obstacle?.reason ?? (outcome.kind === 'refused' ? outcome.reason : 'Deleting')
  return { type, status: 'Unknown', reason, message: 'not known while it isn’t applied' }
}

/** A destination that was paused on purpose is not ill. */
function isIll({ state, pauseReason }: Destination): boolean {
  if (state === DestinationState.PAUSED)
    return pauseReason === PauseReason.GONE || pauseReason === PauseReason.FAILING
  return state === DestinationState.FAILING
}

/** `billing: 502 for 12 min, 340 deliveries waiting` */
function describeIll(destination: Destination, nowMs: number): string {
  const { name, lastError, failingSince, waiting, pauseReason } = destination
  const waits = `${waiting} ${waiting === 1n ? 'delivery' : 'deliveries'} waiting`
  if (destination.state === DestinationState.PAUSED) {
    const why = pauseReason === PauseReason.GONE ? 'it answered 410' : 'every attempt failed for five days'
    return `${name}: paused because ${why}, ${waits}: once it is well: fairlead destinations resume ${name}`
  }
  const minutes = failingSince ? Math.floor((nowMs - timestampDate(failingSince).getTime()) / 60_000) : 0
  const since = minutes > 0 ? ` for ${minutes} min` : ''
  return `${name}: ${lastError || 'failing'}${since}, ${waits}`
}

function healthOf(
  { declared, publicUrl }: Snapshot,
  plan: Plan,
  answer: InForce,
  nowMs: number,
): Partial<OrganizationStatus> {
  const { organization } = declared
  const declaredSources = new Map(organization.spec.sources.map(source => [source.name, source]))
  const urlOf = ({ name }: Source) =>
    urlOfSource(organization, declaredSources.get(name) ?? { name }, publicUrl)
  const times = answer.sources.flatMap(({ lastEventAt }) => (lastEventAt ? [timestampDate(lastEventAt)] : []))
  const last = times.sort((a, b) => b.getTime() - a.getTime())[0]
  const ill = answer.destinations.filter(isIll).length
  const leftOut = plan.unresolved?.filter(({ kind }) => kind === 'source').length ?? 0
  return {
    ...(answer.organization ? { organizationId: answer.organization.id } : {}),
    secretName: tenantSecretName(organization.metadata.name),
    summary: {
      sources: `${answer.sources.length}/${answer.sources.length + leftOut}`,
      destinations: `${answer.destinations.length - ill}/${answer.destinations.length}`,
    },
    waiting: answer.destinations.reduce((sum, { waiting }) => sum + Number(waiting), 0),
    ...(last ? { lastEventAt: toMinute(last) } : {}),
    sources: answer.sources.map(source => sourceStatus(source, urlOf(source), nowMs)),
    destinations: answer.destinations.map(destinationStatus),
  }
}

function sourceStatus(source: Source, url: string, nowMs: number): SourceStatus {
  const old = new Map(oldSecretsOf(source, nowMs).map(({ id, message }) => [id, message]))
  return {
    name: source.name,
    url,
    ...at('lastEventAt', source.lastEventAt),
    secrets: source.secrets.map(({ id, lastMatchedAt }) => {
      const message = old.get(id)
      return { id, ...at('lastMatchedAt', lastMatchedAt), ...(message === undefined ? {} : { message }) }
    }),
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
    ...(destination.state === DestinationState.PAUSED ? pauseOf(destination) : {}),
    waiting: Number(destination.waiting),
    deadLetters: Number(destination.dead),
    ...(destination.lastError ? { lastError: destination.lastError } : {}),
    ...at('failingSince', destination.failingSince),
  }
}

function pauseOf({ pauseReason, pausedSince }: Destination): Partial<DestinationStatus> {
  const reason = pauseReasons[pauseReason]
  return { ...(reason && { pauseReason: reason }), ...at('pausedSince', pausedSince) }
}

const pauseReasons: Readonly<Record<PauseReason, DestinationStatus['pauseReason']>> = {
  [PauseReason.UNSPECIFIED]: undefined,
  [PauseReason.DECLARED]: 'Declared',
  [PauseReason.ASKED]: 'Asked',
  [PauseReason.GONE]: 'Gone',
  [PauseReason.FAILING]: 'Failing',
}

function at<Name extends string>(name: Name, time: Timestamp | undefined): { [key in Name]?: string } {
  return (time ? { [name]: toMinute(timestampDate(time)) } : {}) as { [key in Name]?: string }
}

/** To the minute, so that a busy organization's status isn't written every time it is looked at. */
function toMinute(time: Date): string {
  return time.toISOString().replace(/:\d\d\.\d+Z$/, ':00Z')
}
