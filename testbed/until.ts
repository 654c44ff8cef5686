import { setTimeout as delay } from 'node:timers/promises'
import { crowdingNow } from './crowding.ts'

/** Pauses between two questions where none is given, ms. */
const pauseMs = { shortest: 10, longest: 100 }

/** The longest wait by the clock, ms, unless its deadline is longer: a test is ended after 180 s, and then nothing says what it waited for. */
const longestMs = 150_000

/**
 * Asks again and again until the answer is neither undefined nor false, and gives it back. Tests wait with this, never
 * with a sleep. An error thrown by `ask` counts as "not yet" and is the cause of the failure when time runs out.
 * @param options.deadlineMs time as a free processor has it: a second in which three processes want to run on each processor
 * counts for a third. A wait ends after 150 s by the clock in any case, or after its deadline where that is longer.
 * Default 25,000
 * @param options.everyMs the pause between two questions. Default: a tenth of the wait so far, 10 ms at least and 100 at most,
 * because a question each 10 ms for seconds keeps the processor from the tested program
 * @param options.crowdedBy how many processes want to run on each processor; default: as this machine says
 * @param options.what names the condition in the failure
 */
export async function until<T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  options: {
    readonly deadlineMs?: number
    readonly everyMs?: number
    readonly crowdedBy?: () => number
    readonly what?: string
  } = {},
): Promise<T> {
  const { deadlineMs = 25_000, everyMs, crowdedBy = crowdingNow, what = 'the condition' } = options
  const startedMs = performance.now()
  let countedMs = startedMs
  let leftMs = deadlineMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    const nowMs = performance.now()
    leftMs -= (nowMs - countedMs) / crowdedBy()
    countedMs = nowMs
    const waitedMs = nowMs - startedMs
    if (leftMs <= 0 || waitedMs >= Math.max(deadlineMs, longestMs)) {
      const byClock = `${Math.round(waitedMs / 1000)} s by the clock`
      throw new Error(`${what} didn't come true in ${deadlineMs} ms, ${byClock}`, { cause })
    }
    await delay(everyMs ?? pauseAfter(performance.now() - startedMs))
  }
}

const pauseAfter = (waitedMs: number): number =>
  Math.min(Math.max(waitedMs / 10, pauseMs.shortest), pauseMs.longest)
