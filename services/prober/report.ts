import { setTimeout as delay } from 'node:timers/promises'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Log } from '@fairlead/daemon/log'
import { ProbeState } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Standing } from './partition.ts'
import type { Probed } from './rounds.ts'

const everyMs = 5_000

/** Tells the store how each partition stands, for the condition `Delivering`, until the signal aborts. */
export async function tellStore(
  store: Pick<StoreClient, 'organizations'>,
  probed: () => readonly Probed[],
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  let told = true
  while (!signal.aborted) {
    const nowMs = Date.now()
    const reports = probed().flatMap(({ partition }) => {
      const standing = partition.standing(nowMs)
      if (standing.kind === 'unknown') return []
      const { lastArrivalMs } = partition
      return [
        {
          partition: partition.number,
          ...stateOf(standing),
          ...(lastArrivalMs !== undefined && { lastArrivalAt: timestampFromMs(lastArrivalMs) }),
        },
      ]
    })
    try {
      if (reports.length > 0) await store.organizations.reportProbes({ reports }, { timeoutMs: everyMs })
      told = true
    } catch (err) {
      if (told) log.warn({ err }, 'probes.untold')
      told = false
    }
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
}

function stateOf(standing: Exclude<Standing, { kind: 'unknown' }>) {
  switch (standing.kind) {
    case 'arriving':
      return { state: ProbeState.ARRIVING, message: '' }
    case 'failing':
      return { state: ProbeState.FAILING, message: standing.message }
    default:
      return standing satisfies never
  }
}
