import { monitorEventLoopDelay } from 'node:perf_hooks'
import { flowIntervalMs } from '@fairlead/receiver/flow'
import { pendingEventsMetric, waitingDeliveriesMetric } from '@fairlead/worker/metrics'
import type { Registry } from 'prom-client'
import type { ReceiverProcess } from './receiver-process.ts'

/** How much later than asked for the event loop came round since the last look, ms, on the mean. */
export interface LoopDelay extends Disposable {
  lateMs(): number
}

/** Measured from 0 to 0.4 ms at 500 webhooks a second, and from 2 to 50 ms where more come than the processors can do. */
const shortMs = 3
/** They count as short for so long after they last were. */
const shortForMs = 5_000

/**
 * Tells the receiver how far delivering is behind, because both share this machine's processors (see its `flow.ts`):
 * events that no worker has taken, and, while processors are short, deliveries parked for lanes that are full and do well.
 * At other times a full lane is its destination's pace, which is nothing to hold others up for.
 */
export function tellLag(
  registry: Registry,
  receiver: Pick<ReceiverProcess, 'lag'>,
  loop: LoopDelay = openLoopDelay(),
): Disposable {
  let shortUntilMs = 0
  const timer = setInterval(async () => {
    const now = performance.now()
    if (loop.lateMs() > shortMs) shortUntilMs = now + shortForMs
    const pending = await read(registry, pendingEventsMetric)
    const parked = now < shortUntilMs ? await read(registry, waitingDeliveriesMetric, 'busy') : 0
    receiver.lag(pending + parked)
  }, flowIntervalMs)
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      loop[Symbol.dispose]()
    },
  }
}

const resolutionMs = 10

function openLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  return {
    lateMs() {
      // What it records is from one of its ticks to the next.
      const lateMs = delays.mean / 1e6 - resolutionMs
      delays.reset()
      return lateMs
    },
    [Symbol.dispose]: () => void delays.disable(),
  }
}

async function read(registry: Registry, name: string, lane?: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get()
  return metric?.values.find(({ labels }) => lane === undefined || labels.lane === lane)?.value ?? 0
}
