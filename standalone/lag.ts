import { type Shortage, watchShortage } from '@fairlead/daemon/shortage'
import { flowIntervalMs } from '@fairlead/receiver/admission/flow'
import { pendingEventsMetric, waitingDeliveriesMetric } from '@fairlead/worker/metrics'
import type { Registry } from 'prom-client'
import type { ReceiverProcess } from './receiver-process.ts'

/**
 * Tells the receiver how far delivering is behind, because both share this machine's processors (see its `flow.ts`):
 * events that no worker has taken, and, while processors are short, deliveries parked for lanes that are full and do well.
 * At other times a full lane is its destination's pace, which is nothing to hold others up for.
 */
export function tellLag(
  registry: Registry,
  receiver: Pick<ReceiverProcess, 'lag'>,
  shortage: Shortage = watchShortage(),
): Disposable {
  const timer = setInterval(async () => {
    const pending = await read(registry, pendingEventsMetric)
    const parked = shortage.lasts ? await read(registry, waitingDeliveriesMetric, 'busy') : 0
    receiver.lag(pending + parked)
  }, flowIntervalMs)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      shortage[Symbol.dispose]()
    },
  }
}

async function read(registry: Registry, name: string, lane?: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get()
  return metric?.values.find(({ labels }) => lane === undefined || labels.lane === lane)?.value ?? 0
}
