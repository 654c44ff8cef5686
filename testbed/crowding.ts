import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'

/**
 * How many processes want to run for each processor, 1 at least. A promise in milliseconds is for a machine with a free processor:
 * its limit in a test is multiplied by this.
 */
export const crowding = (): number => Math.max(1, loadavg()[0]! / availableParallelism())

/** As `crowding`, and at once where it has begun: the load of a machine is a mean of the last minute. */
export function crowdingNow(): number {
  return Math.max(crowding(), runnable() / availableParallelism())
}

/** Threads that run or want to, at this moment; 0 where no file says so. */
function runnable(): number {
  try {
    // proc_loadavg(5): three means, then `runnable/all`.
    return Number.parseInt(readFileSync('/proc/loadavg', 'utf8').split(' ')[3]!, 10)
  } catch {
    return 0
  }
}
