import { readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { eventsOfPartition, partitionCount } from '@fairlead/wire/subjects'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Standing } from './standing.ts'

/** The streams, for metrics: what nats-server says of them, and how old the oldest event is that no worker is done with. */
export interface StreamStates {
  /** None where another process leads. Rejects where NATS doesn't answer within a second. */
  streams(): Promise<readonly StreamState[]>
  /** Looks at every partition, where this process leads. Rejects where NATS doesn't answer. */
  look(): Promise<void>
  /**
   * By partition the age of the oldest event that no worker is done with, ms, as the last look found it; 0: there is none. It grows where
   * the next look fails. Empty before the first look, and where another process leads.
   */
  unattemptedForMs(): ReadonlyMap<number, number>
}

export interface StreamState {
  readonly stream: string
  readonly messages: number
  readonly bytes: number
  /** Undefined: it has no limit. */
  readonly limitBytes: number | undefined
  /** Age of its oldest message; 0 where it is empty. */
  readonly oldestMs: number
  readonly replicasBehind: number
}

const askMs = 1_000
/** Between two looks, ms. */
export const lookEveryMs = 15_000

/** @param standing whether this process leads: one of several asks */
export function openStreamStates(
  nats: NatsConnection,
  standing: Pick<Standing, 'leading'>,
  now: () => number = Date.now,
): StreamStates {
  let asking: Promise<JetStreamManager> | undefined
  let ages = new Map<number, number>()
  let lookedMs = 0
  const managing = () => {
    asking ??= jetstreamManager(nats, { checkAPI: false, timeout: askMs })
    return asking
  }
  return {
    async streams() {
      if (!standing.leading) return []
      return await readStreams(await managing(), now())
    },
    async look() {
      if (!standing.leading) {
        ages = new Map()
        return
      }
      const manager = await managing()
      const partitions = Array.from({ length: partitionCount }, (_, partition) => partition)
      // The age of now: what is in hand now is done with long before the next look, and must not seem to wait until then.
      ages = new Map(
        await Promise.all(
          partitions.map(async partition => {
            const storedMs = await oldestOf(manager, partition)
            return [partition, storedMs === 0 ? 0 : Math.max(0, now() - storedMs)] as const
          }),
        ),
      )
      lookedMs = now()
    },
    unattemptedForMs() {
      // Where NATS doesn't answer, what waited at the last look counts as waiting: the alert must not stand still with the figure.
      const missedMs = Math.max(0, now() - lookedMs - lookEveryMs)
      return new Map([...ages].map(([partition, ms]) => [partition, ms === 0 ? 0 : ms + missedMs]))
    },
  }
}

/** All streams by name. Rejects where NATS doesn't answer within the manager's time. */
export const readStreams = (manager: JetStreamManager, nowMs: number): Promise<StreamState[]> =>
  Promise.all(Object.values(streamName).map(stream => stateOf(manager, stream, nowMs)))

async function stateOf(manager: JetStreamManager, stream: string, nowMs: number): Promise<StreamState> {
  const { state, config, cluster } = await manager.streams.info(stream)
  const replicas = cluster?.replicas ?? []
  return {
    stream,
    messages: state.messages,
    bytes: state.bytes,
    limitBytes: config.max_bytes > 0 ? config.max_bytes : undefined,
    oldestMs: state.messages > 0 ? Math.max(0, nowMs - Date.parse(state.first_ts)) : 0,
    replicasBehind: replicas.filter(({ current, offline }) => !current || offline === true).length,
  }
}

/** When the oldest event was stored that the worker's consumer has not acknowledged, Unix ms; 0: there is none. */
async function oldestOf(manager: JetStreamManager, partition: number): Promise<number> {
  const consumer = await manager.consumers.info(streamName.events, `worker-${partition}`).catch(error => {
    // No worker has ever had it: then every event of the partition waits.
    if (error instanceof Error && 'code' in error && error.code === consumerNotFound) return undefined
    throw error
  })
  if (consumer && consumer.num_pending === 0 && consumer.num_ack_pending === 0) return 0
  const seq = (consumer?.ack_floor.stream_seq ?? 0) + 1
  const subject = eventsOfPartition(partition)
  const oldest = await readNextOfLeader(manager, streamName.events, { subject, seq })
  return oldest ? oldest.time.getTime() : 0
}

const consumerNotFound = 10014
