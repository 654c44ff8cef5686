import type { Log } from '@fairlead/daemon/log'
import type { Condition } from '../condition.ts'
import { openQueue, type Queue } from '../queue.ts'
import type { ReplayRows } from '../replay/act.ts'
import type { ReplayKey } from '../replay/observe.ts'
import { reconcile } from '../replay/reconcile.ts'
import { type Regarding, transitionsOf } from './announce.ts'
import type { KubernetesClient } from './client.ts'
import { openReplays, type Replays } from './replays.ts'
import type { Resources } from './resources.ts'

/** Replays looked at one time: few, because each asks the store for a count of attempts. */
const concurrency = 2

export interface ReplayQueue extends AsyncDisposable {
  readonly queue: Queue
  readonly resources: Replays
  /** Those of an Organization, `namespace/name`, that have not begun. */
  of(organization: string): readonly ReplayKey[]
}

/** The queue whose keys are Replays. */
export function openReplayQueue(context: {
  readonly client: KubernetesClient
  readonly log: Log
  readonly rows: ReplayRows
  /** The Organizations that they are for. */
  readonly resources: Resources
  readonly tell: (regarding: Regarding, transitions: readonly Condition[]) => void
}): ReplayQueue {
  const { client, log, rows, tell } = context
  const resources = openReplays(client, context.resources, (key, uid, status, before) => {
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
  const { declarations, holdings, report } = resources
  const queue = openQueue({
    concurrency,
    random: Math.random,
    work: async key => await reconcile(key, { declarations, holdings, report, rows, now: Date.now }),
    onError(replay, err, retryMs) {
      log.error({ replay, err, retryMs: Math.round(retryMs) }, 'replay.failed')
    },
  })
  return {
    queue,
    resources,
    of: organization => resources.ofOrganization(organization),
    [Symbol.asyncDispose]: () => queue[Symbol.asyncDispose](),
  }
}
