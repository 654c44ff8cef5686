import type { Log } from '@fairlead/daemon/log'
import type { Kind, OperatorMetrics } from './metrics.ts'
import { type Next, openQueue, type Queue } from './queue.ts'
import type { OperatorTraces } from './traces.ts'

export interface ReconcileQueueOptions {
  readonly kind: Kind
  /** As `work` of a queue. */
  readonly reconcile: (key: string) => Promise<Next>
  /** Keys reconciled at one time. */
  readonly concurrency: number
  readonly log: Log
  readonly metrics: OperatorMetrics
  /** Absent: no collector is configured. */
  readonly traces?: OperatorTraces | undefined
}

/** The queue of one kind's keys: each reconciliation is measured, and its error is logged. */
export function openReconcileQueue(options: ReconcileQueueOptions): Queue {
  const { kind, reconcile, concurrency, log, metrics, traces } = options
  const queue = openQueue({
    concurrency,
    random: Math.random,
    async work(key) {
      const started = performance.now()
      let result: 'done' | 'retry' | 'failed' = 'failed'
      try {
        const act = () => reconcile(key)
        const next = await (traces ? traces.reconcile(kind, key, act) : act())
        result = next.kind === 'retry' ? 'retry' : 'done'
        return next
      } finally {
        metrics.reconciled(kind, result, (performance.now() - started) / 1000)
      }
    },
    onError(key, err, retryMs) {
      log.error({ [kind]: key, err, retryMs: Math.round(retryMs) }, `${kind}.failed`)
    },
  })
  metrics.waiting(kind, () => queue.size)
  return queue
}
