import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '@fairlead/daemon/log'

/** How soon a failed round is tried again. */
const retryMs = 2_000

/**
 * Calls functions, one after the other, now and then at an interval, counted from the end of the last call, until the signal
 * aborts. A failure is a log line with the function's name, ends no other's call, and the round is tried again sooner. Those of
 * one round share a connection to Postgres and a wake-up of this process.
 *
 * @param works by what the log says when one of them failed
 */
export async function every(
  intervalMs: number,
  works: Readonly<Record<string, () => Promise<unknown>>>,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<void> {
  while (!signal.aborted) {
    let delayMs = intervalMs
    for (const [failed, work] of Object.entries(works)) {
      try {
        await work()
      } catch (err) {
        if (signal.aborted) return
        log.warn({ err }, failed)
        delayMs = Math.min(intervalMs, retryMs)
      }
    }
    await wait(delayMs, undefined, { signal }).catch(() => {})
  }
}
