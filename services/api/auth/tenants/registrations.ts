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
  /** @returns the token for the mail */
  begin(registration: Registration): Promise<string>
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
type Registration = z.infer<typeof registrationSchema>

const registrationMs = 24 * 3_600_000
const mostTries = 5

const keyOf = (token: string) => `${redisPrefix}registration:${digestOf(token)}`

const lookOnce = `
local text = redis.call('hget', KEYS[1], 'registration')
if not text then return false end
if redis.call('hincrby', KEYS[1], 'tries', 1) > tonumber(ARGV[1]) then return false end
return text`

export function openRegistrations(redis: Redis): Registrations {
  return {
    async begin(registration) {
      const token = newSecret()
      await redis
        .multi()
        .hset(keyOf(token), { registration: JSON.stringify(registration), tries: 0 })
        .pexpire(keyOf(token), registrationMs)
        .exec()
      return token
    },
    async look(token) {
      if (!canBeSecret(token)) return undefined
      const text = await redis.eval(lookOnce, 1, keyOf(token), mostTries)
      return typeof text === 'string' ? registrationSchema.parse(JSON.parse(text)) : undefined
    },
    end: async token => void (await redis.del(keyOf(token))),
  }
}
