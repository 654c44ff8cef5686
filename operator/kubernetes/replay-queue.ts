import type { Log } from '@fairlead/daemon/log'
import type { Condition } from '../condition.ts'
import type { OperatorMetrics } from '../metrics.ts'
import type { Queue } from '../queue.ts'
import { openReconcileQueue } from '../reconcile-queue.ts'
import type { ReplayRows } from '../replay/act.ts'
import { reconcile } from '../replay/reconcile.ts'
import type { Phase, ReplayStatus } from '../replay/status-schema.ts'
import type { OperatorTraces } from '../traces.ts'
import { type Regarding, transitionsOf } from './announce.ts'
import type { KubernetesClient } from './client.ts'
import type { Organizations } from './organizations.ts'
import { openReplays, type Replays } from './replays.ts'

/** Replays looked at one time: few, because each asks the store for a count of attempts. */
const concurrency = 2

export interface ReplayQueue extends AsyncDisposable {
  readonly queue: Queue
  readonly objects: Replays
}

/** The queue whose keys are Replays. */
export function openReplayQueue(context: {
  readonly client: KubernetesClient
  readonly log: Log
  readonly metrics: OperatorMetrics
  readonly rows: ReplayRows
  /** The Organizations that they are for. */
  readonly organizations: Organizations
  readonly tell: (regarding: Regarding, transitions: readonly Condition[]) => void
  readonly traces: OperatorTraces | undefined
}): ReplayQueue {
  const { client, log, metrics, rows, organizations, tell, traces } = context
  const objects = openReplays(client, organizations, (key, uid, status, before) => {
    // Complete changes only together with Ready, and says no more.
    const [ready] = transitionsOf(status, before).filter(({ type }) => type === 'Ready')
    if (!ready) return
    tell({ kind: 'Replay', key, uid }, [ready])
    const line = {
      replay: key,
      replayId: status.replayId,
      phase: status.phase,
      reason: ready.reason,
      detail: ready.message,
    }
    if (ready.status === 'True') log.info(line, 'replay.reconciled')
    else log.warn(line, 'replay.reconciled')
  })
  const { declarations, holdings, report, statuses } = objects
  const queue = openReconcileQueue({
    kind: 'replay',
    reconcile: key => reconcile(key, { declarations, holdings, report, rows, now: Date.now }),
    concurrency,
    log,
    metrics,
    traces,
  })
  metrics.replays(() => countPhases(statuses.values()))
  return {
    queue,
    objects,
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}

function countPhases(statuses: Iterable<ReplayStatus>): ReadonlyMap<Phase, number> {
  const counts = new Map<Phase, number>()
  for (const { phase } of statuses) if (phase) counts.set(phase, (counts.get(phase) ?? 0) + 1)
  return counts
}
