import { Gauge, Histogram, type Registry } from 'prom-client'
import type { ConditionReason } from './organization/condition.ts'

/** All metrics of the operator. */
export interface OperatorMetrics {
  /** `fairlead_reconciliation_seconds{result}`: result is done, retry or failed. */
  reconciled(result: 'done' | 'retry' | 'failed', seconds: number): void
  /** `fairlead_organizations{reason}`: Organizations by the reason of their condition Ready. */
  ready(counts: ReadonlyMap<ConditionReason, number>): void
  /** `fairlead_reconciliations_waiting`: keys that wait or are worked on. */
  waiting(count: () => number): void
  /** `fairlead_organization_file_faults`: what is wrong in files now. */
  fileFaults(count: number): void
  /** `fairlead_operator_leader`: 1 where this process is the one that acts. */
  leader(is: boolean): void
}

export function openOperatorMetrics(registry: Registry): OperatorMetrics {
  const seconds = new Histogram({
    name: 'fairlead_reconciliation_seconds',
    help: 'How long one reconciliation of an Organization took',
    labelNames: ['result'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  const organizations = new Gauge({
    name: 'fairlead_organizations',
    help: 'Organizations by the reason of their condition Ready',
    labelNames: ['reason'],
    registers: [registry],
  })
  const waiting = new Gauge({
    name: 'fairlead_reconciliations_waiting',
    help: 'Organizations that wait for their reconciliation, or are in it',
    registers: [registry],
    collect() {
      this.set(count())
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
  let count = () => 0
  waiting.set(0)
  return {
    reconciled: (result, duration) => seconds.observe({ result }, duration),
    ready(counts) {
      organizations.reset()
      for (const [reason, value] of counts) organizations.set({ reason }, value)
    },
    waiting: ask => {
      count = ask
    },
    fileFaults: value => faults.set(value),
    leader: is => leader.set(is ? 1 : 0),
  }
}
