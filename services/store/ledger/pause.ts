import { setImmediate } from 'node:timers/promises'

/** Longest that one organization's ledger keeps the process from its other work, ms: a fold's step of some milliseconds beside. */
const sliceMs = 5

/** Lets the process do its other work first, where this work has had its slice of time. */
export interface Pauses {
  isDue(): boolean
  take(): Promise<void>
}

export function openPauses(now: () => number = () => performance.now()): Pauses {
  let startMs = now()
  return {
    isDue: () => now() - startMs > sliceMs,
    async take() {
      await setImmediate()
      startMs = now()
    },
  }
}
