import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '@fairlead/daemon/log'

/** How soon a failed round is tried again. */
const retryMs = 2_000

/**
 * Calls a function now and then at an interval, counted from the end of the last call, until the signal aborts. A failure
 * is a log line with the name given, and is tried again sooner.
 */
export async function every(
  intervalMs: number,
  failed: string,
  work: () => Promise<unknown>,
  { signal, log }: { signal: AbortSignal; log: Log },
): Promise<void> {
  while (!signal.aborted) {
    let delayMs = intervalMs
    try {
      await work()
    } catch (err) {
      if (signal.aborted) return
      log.warn({ err }, failed)
      delayMs = Math.min(intervalMs, retryMs)
    }
    await wait(delayMs, undefined, { signal }).catch(() => {})
  }
}
