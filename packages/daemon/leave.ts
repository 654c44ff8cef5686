import type { Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'

/** A client that never stops connecting doesn't hold up a stop for longer: requests in hand need the rest of the process' 25 s. */
const mostLeavingMs = 10_000

/** The setting for `begin`, ms: 0 to 60,000, default 0. */
export const drainDelayMs = z.coerce
  .number()
  .int()
  .min(0)
  .max(60_000)
  .default(0)
  .describe(
    'after a stop was asked for, connections are taken until none has come for so long, and for 10 s at most; in Kubernetes, until endpoints are updated',
  )

/** How a server leaves its Service: answers while connections still come, so that none meets a closed port. */
export interface Leaving {
  /**
   * True: each answer must ask its client to connect anew (`connection: close`). A client that keeps its connection
   * doesn't notice that the Service no longer sends connections here, and would write into it while it is closed.
   */
  readonly begun: boolean
  /**
   * Begins to leave.
   * @param quietMs resolves when no connection has come for so long. After 10 s, or `quietMs` where that is longer, it
   *   resolves whatever comes.
   */
  begin(quietMs: number): Promise<void>
}

/** @param server where connections come; follows them from now on */
export function openLeaving(server: Server): Leaving {
  let begun = false
  let lastMs = Number.NEGATIVE_INFINITY
  server.prependListener('connection', () => {
    lastMs = performance.now()
  })
  return {
    get begun() {
      return begun
    },
    async begin(quietMs) {
      begun = true
      const beganMs = performance.now()
      const endMs = beganMs + Math.max(quietMs, mostLeavingMs)
      const left = () => Math.min(Math.max(beganMs, lastMs) + quietMs, endMs) - performance.now()
      for (let waitMs = left(); waitMs > 0; waitMs = left()) await delay(waitMs)
    },
  }
}
