import type { Redis } from 'ioredis'

/** Up to when each receiver has written its accepted events: a receiver that crashes leaves its last line. */
export interface Roll {
  /** Of this receiver. */
  readonly name: string
  /** All that this receiver accepted before that moment is written. */
  sign(upToMs: number): Promise<void>
  /** Receivers whose last line is older. */
  absent(beforeMs: number): Promise<readonly Absent[]>
  /** False if another has struck it already. */
  strike(name: string): Promise<boolean>
}

export interface Absent {
  readonly name: string
  readonly upToMs: number
}

/** @param name of this receiver, never used again after it */
export function openRoll(redis: Redis, generation: string, name: string): Roll {
  const key = `fairlead:{seen}:${generation}:receivers`
  return {
    name,
    async sign(upToMs) {
      await redis.hset(key, name, upToMs)
    },
    async absent(beforeMs) {
      return Object.entries(await redis.hgetall(key))
        .map(([other, text]) => ({ name: other, upToMs: Number(text) }))
        .filter(({ name: other, upToMs }) => other !== name && upToMs < beforeMs)
    },
    async strike(other) {
      return (await redis.hdel(key, other)) === 1
    },
  }
}
