import type { Redis } from 'ioredis'
import { z } from 'zod'
import { canBeSecret, digestOf, newSecret } from '../auth/secret.ts'
import { redisPrefix } from '../redis.ts'

/** What a person began at Stripe, by the `state` that comes back: for one session and one organization, once, for ten minutes. */
interface ConnectStates {
  begin(begun: Begun): Promise<string>
  /** Takes it; undefined: there is none, or another session began it, for which it stays. */
  take(state: string, sessionId: string): Promise<Begun | undefined>
}

const begunSchema = z.object({ sessionId: z.string(), slug: z.string() })
type Begun = z.infer<typeof begunSchema>

export const stateMs = 10 * 60_000

const keyOf = (state: string) => `${redisPrefix}connect:${digestOf(state)}`

const takeOwn = `
local text = redis.call('get', KEYS[1])
if not text then return false end
if cjson.decode(text).sessionId ~= ARGV[1] then return false end
redis.call('del', KEYS[1])
return text`

export function openConnectStates(redis: Redis): ConnectStates {
  return {
    async begin(begun) {
      const state = newSecret()
      await redis.set(keyOf(state), JSON.stringify(begun), 'PX', stateMs)
      return state
    },
    async take(state, sessionId) {
      if (!canBeSecret(state)) return undefined
      const text = await redis.eval(takeOwn, 1, keyOf(state), sessionId)
      return typeof text === 'string' ? begunSchema.parse(JSON.parse(text)) : undefined
    },
  }
}
