import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks again and again until the answer is neither undefined nor false, and gives it back. Tests wait with this, never
 * with a sleep. An error thrown by `ask` counts as "not yet" and is the cause of the failure when time runs out.
 * @param options.deadlineMs default 25,000: slow machines run these tests too
 * @param options.what names the condition in the failure
 */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly deadlineMs?: number; readonly everyMs?: number; readonly what?: string } = {},
): Promise<T> {
  const { deadlineMs = 25_000, everyMs = 10, what = 'the condition' } = options
  const deadline = performance.now() + deadlineMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline)
      throw new Error(`${what} didn't come true in ${deadlineMs} ms`, { cause })
    await delay(everyMs)
  }
}
