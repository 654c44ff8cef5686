/** A failure that is retried for as long as it lasts: since when it lasts, and a report of its reason now and then. */
export interface Trouble {
  /** Says that it failed. */
  failed(error: unknown): void
  /** Says that it succeeded. */
  over(): void
  /** Since when it has failed, on the clock of `performance.now()`; undefined while all is well. */
  readonly sinceMs: number | undefined
}

/** How often the same reason is reported, ms. */
const againMs = 30_000
/** Reasons that are remembered: some hold a sequence or an inbox, and are new each time. */
const mostRemembered = 16

/** @param report told the first failure at once, and the same reason again every 30 s */
export function openTrouble(
  report: (error: unknown) => void,
  now: () => number = () => performance.now(),
): Trouble {
  const reportedMs = new Map<string, number>()
  let sinceMs: number | undefined
  return {
    failed(error) {
      const nowMs = now()
      sinceMs ??= nowMs
      const reason = error instanceof Error ? error.message : String(error)
      if (nowMs - (reportedMs.get(reason) ?? Number.NEGATIVE_INFINITY) < againMs) return
      reportedMs.delete(reason)
      reportedMs.set(reason, nowMs)
      const [oldest] = reportedMs.keys()
      if (reportedMs.size > mostRemembered && oldest !== undefined) reportedMs.delete(oldest)
      report(error)
    },
    over() {
      sinceMs = undefined
    },
    get sinceMs() {
      return sinceMs
    },
  }
}

/** For how long the first of these has failed, ms; 0 where none does. */
export function failingForMs(
  troubles: Iterable<Pick<Trouble, 'sinceMs'>>,
  nowMs = performance.now(),
): number {
  let longest = 0
  for (const { sinceMs } of troubles) if (sinceMs !== undefined) longest = Math.max(longest, nowMs - sinceMs)
  return longest
}
