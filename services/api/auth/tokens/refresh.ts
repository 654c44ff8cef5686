import type { Redis } from 'ioredis'
import { redisPrefix } from '../../redis.ts'
import type { SignInKeys } from '../keys.ts'

/**
 * Refresh tokens of tools. A family begins with a sign-in; each use of a token gives the next one:
 *
 *   flr_<session>.<number>.<MAC under our key>
 *
 * Redis keeps which number is due, so nothing that is in it can be used. Whoever uses the one before again within 30 s, because its
 * answer was lost or two of its processes woke at once, gets the same successor. A later reuse means two have a copy: the family ends.
 */
export interface RefreshTokens {
  begin(sessionId: string): Promise<string>
  use(token: string, nowMs: number): Promise<Refreshed>
  end(sessionId: string): Promise<void>
}

export type Refreshed =
  | { readonly kind: 'refreshed'; readonly sessionId: string; readonly token: string }
  | { readonly kind: 'reused'; readonly sessionId: string }
  | { readonly kind: 'unknown' }

/** How long the token before is still answered, ms. */
export const graceMs = 30_000
/** The longest that a tool stays signed in, ms. */
export const familyMs = 90 * 86_400_000

const familyKey = (sessionId: string) => `${redisPrefix}family:${sessionId}`

const useToken = `
local due = tonumber(redis.call('hget', KEYS[1], 'due') or '-1')
local number = tonumber(ARGV[1])
if due < 0 or number > due then return -1 end
if number == due then
  redis.call('hset', KEYS[1], 'due', due + 1, 'at', ARGV[2])
  return due + 1
end
if number == due - 1 and tonumber(ARGV[2]) - tonumber(redis.call('hget', KEYS[1], 'at')) <= tonumber(ARGV[3]) then
  return due
end
redis.call('del', KEYS[1])
return -2`

export function openRefreshTokens(redis: Redis, keys: SignInKeys): RefreshTokens {
  const textOf = (sessionId: string, number: number) =>
    `flr_${sessionId}.${number}.${keys.macOf('refresh', `${sessionId}.${number}`)}`
  return {
    async begin(sessionId) {
      await redis
        .multi()
        .hset(familyKey(sessionId), { due: 1, at: 0 })
        .pexpire(familyKey(sessionId), familyMs)
        .exec()
      return textOf(sessionId, 1)
    },
    async use(token, nowMs) {
      const [, sessionId, number, mac] = /^flr_(ses_[0-9a-f]{24})\.(\d{1,9})\.([\w-]{43})$/.exec(token) ?? []
      if (!sessionId || !number || !mac) return { kind: 'unknown' }
      // Guesses end here, and so can't end anybody's family.
      if (!keys.isMacOf('refresh', mac, `${sessionId}.${number}`)) return { kind: 'unknown' }
      const due = Number(await redis.eval(useToken, 1, familyKey(sessionId), number, nowMs, graceMs))
      if (due === -1) return { kind: 'unknown' }
      if (due === -2) return { kind: 'reused', sessionId }
      return { kind: 'refreshed', sessionId, token: textOf(sessionId, due) }
    },
    end: async sessionId => void (await redis.del(familyKey(sessionId))),
  }
}
