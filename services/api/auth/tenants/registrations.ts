import type { Redis } from 'ioredis'
import { z } from 'zod'
import { redisPrefix } from '../../redis.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'

/**
 * Registrations that wait for their address to be proved, in Redis under the digest of the token in the mail. Nothing else is made
 * meanwhile. Whoever has the mail and the password that was chosen completes one; either alone is nothing: somebody who registers
 * another's address doesn't get the mail, and its owner, who does, doesn't know the password.
 */
export interface Registrations {
  /** @returns the token for the mail; undefined: as many wait as may, and this one is dropped */
  begin(registration: Registration, nowMs: number): Promise<string | undefined>
  /** Counts a try; undefined: there is none, or it was tried five times. */
  look(token: string): Promise<Registration | undefined>
  end(token: string): Promise<void>
}

const registrationSchema = z.object({
  email: z.string(),
  /** Of the password, by argon2id. */
  digest: z.string(),
  slug: z.string(),
  displayName: z.string(),
})
export type Registration = z.infer<typeof registrationSchema>

const registrationMs = 24 * 3_600_000
const mostTries = 5
/** Registrations that wait at one time, of some 600 bytes each: strangers make them, and sessions need room in the same Redis. */
const mostWaiting = 10_000

/** Tokens' digests, by when their registration ends. */
const waitingKey = `${redisPrefix}registrations`

const keyOf = (token: string) => `${redisPrefix}registration:${digestOf(token)}`

const beginOne = `
redis.call('zremrangebyscore', KEYS[2], '-inf', ARGV[2])
if redis.call('zcard', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
redis.call('hset', KEYS[1], 'registration', ARGV[1], 'tries', '0')
redis.call('pexpire', KEYS[1], ARGV[3])
redis.call('zadd', KEYS[2], string.format('%d', ARGV[2] + ARGV[3]), KEYS[1])
redis.call('pexpire', KEYS[2], ARGV[3])
return 1`

const lookOnce = `
local text = redis.call('hget', KEYS[1], 'registration')
if not text then return false end
if redis.call('hincrby', KEYS[1], 'tries', 1) > tonumber(ARGV[1]) then return false end
return text`

export function openRegistrations(redis: Redis, most = mostWaiting): Registrations {
  return {
    async begin(registration, nowMs) {
      const token = newSecret()
      const text = JSON.stringify(registration)
      const begun = await redis.eval(beginOne, 2, keyOf(token), waitingKey, text, nowMs, registrationMs, most)
      return begun === 1 ? token : undefined
    },
    async look(token) {
      if (!canBeSecret(token)) return undefined
      const text = await redis.eval(lookOnce, 1, keyOf(token), mostTries)
      return typeof text === 'string' ? registrationSchema.parse(JSON.parse(text)) : undefined
    },
    async end(token) {
      await redis.multi().del(keyOf(token)).zrem(waitingKey, keyOf(token)).exec()
    },
  }
}
