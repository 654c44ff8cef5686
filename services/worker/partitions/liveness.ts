/**
 * Which workers are alive, judged by heartbeats that arrive through the watch of one bucket. Pure: the clock is passed in.
 *
 * The watch tells entries in the bucket's order. So when a worker's own heartbeat comes back, every heartbeat that was
 * stored before it has been heard, and silence is measured up to that moment only. A worker that was stopped, or cut
 * off, hears the others before it judges them. The time in which it heard nothing counts against nobody.
 */
export interface Liveness {
  /** A heartbeat arrived, of another worker or of this one. */
  heard(worker: string, nowMs: number): void
  /** A worker ended in order. */
  left(worker: string): void
  /**
   * The workers that are alive, this one included. An owner whose heartbeat was never heard is alive until this worker
   * has listened for as long as a silent one may be. Undefined while this worker hears nothing, not even itself.
   */
  alive(owners: Iterable<string>, nowMs: number): ReadonlySet<string> | undefined
}

export const heartbeatMs = 1_000
/** A worker that is silent for longer is dead. */
export const deadAfterMs = 3_000
/** This worker is deaf when its own heartbeat has not come back for longer: one beat, and as long again for its way. */
const deafAfterMs = 2 * heartbeatMs
/** Names of workers are forgotten when they have been silent for longer. */
const forgetAfterMs = 60_000

export function openLiveness(me: string): Liveness {
  const heardMs = new Map<string, number>()
  /** When this worker heard itself last, and since when it has done so without a gap. */
  let echoMs = Number.NEGATIVE_INFINITY
  let listeningSinceMs = Number.NEGATIVE_INFINITY

  const silentMs = (worker: string): number =>
    echoMs - Math.max(listeningSinceMs, heardMs.get(worker) ?? Number.NEGATIVE_INFINITY)

  return {
    heard(worker, nowMs) {
      if (worker !== me) {
        heardMs.set(worker, nowMs)
        return
      }
      if (nowMs - echoMs > deafAfterMs) listeningSinceMs = nowMs
      echoMs = nowMs
      for (const name of heardMs.keys()) if (silentMs(name) > forgetAfterMs) heardMs.delete(name)
    },
    left: worker => heardMs.delete(worker),
    alive(owners, nowMs) {
      if (nowMs - echoMs > deafAfterMs) return undefined
      const names = new Set([...heardMs.keys(), ...owners])
      return new Set([me, ...[...names].filter(name => silentMs(name) <= deadAfterMs)])
    },
  }
}
