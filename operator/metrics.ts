import { startAtZero } from '@fairlead/daemon/metrics'
import { Gauge, Histogram, type Registry } from 'prom-client'
import { type ConditionReason, readyReasons } from './organization/condition-types.ts'
import { type Phase, phases } from './replay/status-schema.ts'

/** The kinds that are reconciled, as log lines name them. */
export type Kind = 'organization' | 'replay'

/** All metrics of the operator. What is counted is asked for at each scrape, and only of the process that leads. */
export interface OperatorMetrics {
  /** `fairlead_reconciliation_seconds{kind,result}`: result is done, retry or failed. */
  reconciled(kind: Kind, result: 'done' | 'retry' | 'failed', seconds: number): void
  /** `fairlead_reconciliations_waiting{kind}`: keys that wait or are worked on. */
  waiting(kind: Kind, count: () => number): void
  /** `fairlead_organizations{reason}`: Organizations by the reason of their condition Ready. */
  organizations(count: () => ReadonlyMap<ConditionReason, number>): void
  /** `fairlead_replays{phase}`: Replays, as resources, by their phase; those that are deleted are no longer counted. */
  replays(count: () => ReadonlyMap<Phase, number>): void
  /** `fairlead_organization_file_faults`: faults in files now. */
  fileFaults(count: number): void
  /** `fairlead_operator_leader`: 1 where this process leads. */
  leader(is: boolean): void
}

/** The parts that every installation has. */
const components = ['receiver', 'worker', 'store', 'api', 'operator'] as const

export function openOperatorMetrics(registry: Registry): OperatorMetrics {
  let leads = false
  const waiting = new Map<Kind, () => number>()
  let organizations: () => ReadonlyMap<ConditionReason, number> = () => new Map()
  let replays: (() => ReadonlyMap<Phase, number>) | undefined

  const seconds = startAtZero(
    new Histogram({
      name: 'fairlead_reconciliation_seconds',
      help: 'How long one reconciliation of an Organization or a Replay took',
      labelNames: ['kind', 'result'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [registry],
    }),
    { kind: ['organization', 'replay'], result: ['done', 'retry', 'failed'] },
  )
  new Gauge({
    name: 'fairlead_component_expected',
    help: '1 for each part that an installation has, where this process leads: an alert names the part that nobody scrapes',
    labelNames: ['component'],
    registers: [registry],
    collect() {
      this.reset()
      if (leads) for (const component of components) this.set({ component }, 1)
    },
  })
  new Gauge({
    name: 'fairlead_reconciliations_waiting',
    help: 'Organizations and Replays that wait for their reconciliation, or are in it',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      for (const [kind, count] of waiting) this.set({ kind }, count())
    },
  })
  new Gauge({
    name: 'fairlead_organizations',
    help: 'Organizations by the reason of their condition Ready',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset()
      if (!leads) return
      const counts = organizations()
      for (const reason of readyReasons) this.set({ reason }, counts.get(reason) ?? 0)
    },
  })
  new Gauge({
    name: 'fairlead_replays',
    help: 'Replays by their phase',
    labelNames: ['phase'],
    registers: [registry],
    collect() {
      this.reset()
      const counts = leads ? replays?.() : undefined
      if (counts) for (const phase of phases) this.set({ phase }, counts.get(phase) ?? 0)
    },
  })
  const faults = new Gauge({
    name: 'fairlead_organization_file_faults',
    help: 'What is wrong in files of Organizations now',
    registers: [registry],
  })
  const leader = new Gauge({
    name: 'fairlead_operator_leader',
    help: '1 where this process is the one that acts',
    registers: [registry],
  })
  return {
    reconciled: (kind, result, duration) => seconds.observe({ kind, result }, duration),
    waiting: (kind, count) => waiting.set(kind, count),
    organizations: count => {
      organizations = count
    },
    replays: count => {
      replays = count
    },
    fileFaults: value => faults.set(value),
    leader(is) {
      leads = is
      leader.set(is ? 1 : 0)
    },
  }
}
