/** How often the same failure is reported, ms. */
const againMs = 30_000
/** Different messages that are remembered: some hold a sequence or an inbox, and are new each time. */
const mostRemembered = 16

/**
 * Wraps a reporter of failures that are retried for as long as they last: the first is reported at once, the same
 * message again every 30 s.
 */
export function reportSeldom(
  report: (error: unknown) => void,
  now: () => number = () => performance.now(),
): (error: unknown) => void {
  const lastMs = new Map<string, number>()
  return error => {
    const message = error instanceof Error ? error.message : String(error)
    const nowMs = now()
    if (nowMs - (lastMs.get(message) ?? Number.NEGATIVE_INFINITY) < againMs) return
    lastMs.delete(message)
    lastMs.set(message, nowMs)
    const [oldest] = lastMs.keys()
    if (lastMs.size > mostRemembered && oldest !== undefined) lastMs.delete(oldest)
    report(error)
  }
}
