import { availableParallelism, loadavg } from 'node:os'

/**
 * How many processes want to run for each processor, 1 at least. A promise in milliseconds is for a machine with a free processor:
 * its limit in a test is multiplied by this.
 */
export const crowding = (): number => Math.max(1, loadavg()[0]! / availableParallelism())
