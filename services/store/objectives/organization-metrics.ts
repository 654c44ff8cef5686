import { noteCounted } from '@fairlead/daemon/exposition'
import { startAtZero } from '@fairlead/daemon/metrics'
import { attemptTraceId } from '@fairlead/telemetry/trace-ids'
import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import {
  judgeDelivery,
  judgeFreshness,
  judgements,
  type OrganizationObjective,
  organizationObjectives,
} from '@fairlead/webhook/objective'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { Counter, Gauge, type Registry } from 'prom-client'
import { type DeclaredSet, noneDeclared } from './declared-set.ts'

/**
 * Series of organizations that declare `spec.slo`, counted by the store that writes the log. All others are counted together
 * as `other`, so that the number of series is bounded. Counters, never histograms.
 */
export interface OrganizationMetrics {
  /** From now on these have series of their own. Series of those that are gone, and of their destinations, are removed. */
  declare(set: DeclaredSet): void
  /**
   * Events that came into the log, and attempts.
   * @param traced failed attempts have traces: the newest of each destination is told beside its count
   */
  count(
    events: readonly { readonly organization: OrganizationId }[],
    attempts: readonly AttemptRecord[],
    traced?: boolean,
  ): void
}

const other = 'other'
const results = ['delivered', 'retried', 'dead'] as const
/** `failed`: it is tried again. `dead`: it was given up. */
const attemptResults = ['delivered', 'failed', 'dead', 'throttled'] as const

export function openOrganizationMetrics(registry: Registry): OrganizationMetrics {
  const counters = openCounters(registry)
  const targets = new Gauge({
    name: 'fairlead_organization_objective_target_ratio',
    help: 'The target of an objective of spec.slo: the part that is to be good over 30 days',
    labelNames: ['organization', 'objective'],
    registers: [registry],
  })
  const folded = new Gauge({
    name: 'fairlead_organizations_folded',
    help: 'Organizations that declare spec.slo and have no series of their own: counted as other',
    registers: [registry],
  })
  let declared = noneDeclared
  const slugOf = (id: OrganizationId): string => declared.organizations.get(id)?.slug ?? other

  function forget(before: DeclaredSet, now: DeclaredSet): void {
    const kept = new Map(
      [...now.organizations.values()].map(({ slug, destinations }) => [
        slug,
        new Set([...destinations.values(), other]),
      ]),
    )
    for (const { slug, destinations } of before.organizations.values()) {
      const names = kept.get(slug)
      for (const destination of [...destinations.values(), other])
        if (!names?.has(destination)) counters.forgetDestination(slug, destination)
      if (names) continue
      counters.events.remove({ organization: slug })
      for (const result of results) counters.deliveries.remove({ organization: slug, result })
      for (const objective of organizationObjectives)
        for (const result of judgements) counters.judged.remove({ organization: slug, objective, result })
    }
  }

  return {
    declare(set) {
      forget(declared, set)
      declared = set
      folded.set(set.folded)
      targets.reset()
      for (const { slug, slo, destinations } of set.organizations.values()) {
        counters.start(slug, [...destinations.values(), other])
        for (const objective of organizationObjectives) {
          const target = slo[objective]?.target
          if (target !== undefined) targets.set({ organization: slug, objective }, target)
        }
      }
    },
    count(events, attempts, traced = false) {
      for (const { organization } of events) counters.events.inc({ organization: slugOf(organization) })
      for (const attempt of attempts) {
        const organization = slugOf(attempt.organization)
        counters.deliveries.inc({ organization, result: resultOf(attempt) })
        const known = declared.organizations.get(attempt.organization)
        if (!known) continue
        const destination = nameOf(known.destinations, attempt.destination)
        const labels = { organization, destination, result: attemptResultOf(attempt) }
        counters.attempts.inc(labels)
        if (traced && (labels.result === 'failed' || labels.result === 'dead'))
          noteCounted(counters.attempts, labels, traceOf(attempt), attempt.at + attempt.durationMs)
        counters.attemptSeconds.inc({ organization, destination }, attempt.durationMs / 1000)
        for (const [objective, result] of judgedOf(attempt, known.slo))
          counters.judged.inc({ organization, objective, result })
      }
    },
  }
}

const traceOf = ({ event, delivery, number, trigger }: AttemptRecord): string =>
  attemptTraceId({ event, delivery, attempt: number, trigger })

const nameOf = (names: ReadonlyMap<DestinationId, string>, id: DestinationId): string =>
  names.get(id) ?? other

function resultOf({ settlement }: AttemptRecord): (typeof results)[number] {
  switch (settlement.kind) {
    case 'delivered':
      return 'delivered'
    case 'retry':
      return 'retried'
    case 'dead':
      return 'dead'
    default:
      return settlement satisfies never
  }
}

function attemptResultOf({ outcome, settlement }: AttemptRecord): (typeof attemptResults)[number] {
  if (outcome === 'delivered') return 'delivered'
  if (settlement.kind === 'dead') return 'dead'
  return outcome === 'throttled' ? 'throttled' : 'failed'
}

/** What an attempt says of its organization's own objectives. Pure. */
export function judgedOf(
  attempt: Pick<
    AttemptRecord,
    'trigger' | 'number' | 'at' | 'durationMs' | 'receivedAt' | 'heldUp' | 'settlement'
  >,
  slo: { readonly [Name in OrganizationObjective]?: { readonly withinSeconds: number } },
): [OrganizationObjective, (typeof judgements)[number]][] {
  if (attempt.trigger !== 'route') return []
  const judged: [OrganizationObjective, (typeof judgements)[number]][] = []
  const { freshness, delivery } = slo
  if (freshness && attempt.number === 1) {
    const delayMs = attempt.at - attempt.receivedAt
    judged.push([
      'freshness',
      judgeFreshness(delayMs, freshness.withinSeconds * 1000, attempt.heldUp === true),
    ])
  }
  const ageMs = attempt.at + attempt.durationMs - attempt.receivedAt
  const ended = delivery && judgeDelivery(attempt.settlement, ageMs, delivery.withinSeconds * 1000)
  if (ended) judged.push(['delivery', ended])
  return judged
}

function openCounters(registry: Registry) {
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const events = counter(
    'fairlead_organization_events_total',
    'Events that came into the log, by organization that declares spec.slo; all others are other',
    ['organization'],
  )
  const deliveries = counter(
    'fairlead_organization_deliveries_total',
    'Attempts by what followed from them, by organization that declares spec.slo; all others are other',
    ['organization', 'result'],
  )
  const judged = counter(
    'fairlead_organization_objective_events_total',
    'Webhooks judged by an objective of spec.slo. excluded: their destination or its owner held them up',
    ['organization', 'objective', 'result'],
  )
  const attempts = counter(
    'fairlead_destination_attempts_total',
    'Attempts by destination, of organizations that declare spec.slo; 1,000 destinations at most, the rest are other',
    ['organization', 'destination', 'result'],
  )
  const attemptSeconds = counter(
    'fairlead_destination_attempt_seconds_total',
    'Seconds that attempts took together: with their number the mean',
    ['organization', 'destination'],
  )
  function start(organization: string, destinations: readonly string[]): void {
    startAtZero(events, { organization: [organization] })
    startAtZero(deliveries, { organization: [organization], result: results })
    startAtZero(judged, {
      organization: [organization],
      objective: organizationObjectives,
      result: judgements,
    })
    startAtZero(attempts, { organization: [organization], destination: destinations, result: attemptResults })
    startAtZero(attemptSeconds, { organization: [organization], destination: destinations })
  }
  function forgetDestination(organization: string, destination: string): void {
    for (const result of attemptResults) attempts.remove({ organization, destination, result })
    attemptSeconds.remove({ organization, destination })
  }
  start(other, [other])
  return { events, deliveries, judged, attempts, attemptSeconds, start, forgetDestination }
}
