import type { Redis } from 'ioredis'
import type { Buckets } from './buckets.ts'
import { dayOf, daysLookedUp, tickOf } from './ticks.ts'

/**
 * Keeps ids from filling a Redis that others share: people's sessions and codes are in it too. A full Redis refuses writes of
 * theirs (`noeviction`) or drops their keys (any other policy). So above three quarters of Redis' `maxmemory` the oldest ids are
 * forgotten, until two thirds are in use. A Redis without `maxmemory` has no bound.
 *
 * What is forgotten can be accepted again: JetStream's own window, the last minutes, is not in Redis.
 */
export interface BoundOptions {
  /** From one look at Redis' memory to the next, ms. Default 5,000. */
  readonly everyMs?: number
  ready(): boolean
  now(): number
  /** So many ids were forgotten before their 72 hours. */
  forgot(ids: number): void
}

const highest = 3 / 4
const lowest = 2 / 3

export function openBound(redis: Redis, buckets: Buckets, options: BoundOptions): AsyncDisposable {
  const { everyMs = 5_000, ready, now, forgot } = options
  let stopped = false
  let turn: Promise<void> | undefined
  const timer = setInterval(() => {
    if (!ready()) return
    turn ??= takeTurn()
      // Redis went away: a later turn looks again.
      .catch(() => {})
      .finally(() => {
        turn = undefined
      })
  }, everyMs)
  timer.unref()

  const isAbove = async (part: number): Promise<boolean> => {
    const { usedBytes, maxBytes } = readMemory(await redis.info('memory'))
    return maxBytes > 0 && usedBytes > maxBytes * part
  }

  async function takeTurn(): Promise<void> {
    if (!(await isAbove(highest))) return
    const newest = dayOf(tickOf(now()))
    let ids = 0
    try {
      for (let day = newest - daysLookedUp; day <= newest; day++) {
        for (let sixteenth = 0; sixteenth < 16; ) {
          const forgotten = await buckets.forget(day, sixteenth)
          ids += forgotten.ids
          if (forgotten.all) sixteenth += 1
          if (stopped || (forgotten.ids > 0 && !(await isAbove(lowest)))) return
        }
      }
    } finally {
      if (ids > 0) forgot(ids)
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      clearInterval(timer)
      await turn
    },
  }
}

/** https://redis.io/docs/latest/commands/info/, section memory. */
export function readMemory(info: string): { readonly usedBytes: number; readonly maxBytes: number } {
  const fields = new Map(
    info.split('\r\n').map((line): [string, string] => {
      const [field = '', value = ''] = line.split(':')
      return [field, value]
    }),
  )
  const read = (field: string) => Number(fields.get(field) ?? 0)
  return { usedBytes: read('used_memory'), maxBytes: read('maxmemory') }
}
