import type { Redis } from 'ioredis'
import { redisPrefix } from '../../redis.ts'
import { digestOf } from '../secret.ts'

/**
 * Delays between tries of passwords for one address, in Redis, so that all processes count together. Nobody is locked out: after five
 * wrong ones, each next try is looked at later, up to half a minute after the one before. A network from which the address has signed in
 * lately counts apart, so that a stranger who guesses elsewhere doesn't slow its owner. Addresses that are nobody's count just the same.
 */
export interface Delays {
  /**
   * Takes the place of a try, which counts as wrong until it proves right: a hundred guesses at once are a hundred.
   *
   * @returns how long to wait before the password is looked at, ms; or, refused, when to come again
   */
  take(email: string, network: string, nowMs: number): Promise<Place>
  /** The password was right: what was counted is forgotten, and the network is known from now on. */
  right(email: string, network: string): Promise<void>
  /** Whether the address has signed in from this network within 30 days. */
  isKnown(email: string, network: string): Promise<boolean>
}

type Place =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'refused'; readonly retryAfterSeconds: number }

/** Wrong tries that cost nothing. */
const free = 5
const mostGapMs = 30_000
/** A request isn't held longer than this; it is asked to come again. */
const mostHeldMs = 10_000
/**
 * After so long without a try all is forgotten, ms: sooner where no try has waited yet, so that tries of very many addresses don't fill
 * Redis.
 */
const rememberedMs = 86_400_000
const unslowedMs = 15 * 60_000
const knownSeconds = 30 * 86_400

const takePlace = `
local key = KEYS[1]
if redis.call('exists', KEYS[2]) == 1 then key = KEYS[3] end
local now = tonumber(ARGV[1])
local wrong = tonumber(redis.call('hget', key, 'wrong') or '0')
local begin = math.max(now, tonumber(redis.call('hget', key, 'next') or '0'))
if begin - now > tonumber(ARGV[2]) then return now - begin end
local gap = 0
if wrong >= tonumber(ARGV[3]) then gap = math.min(1000 * 2 ^ (wrong - tonumber(ARGV[3])), tonumber(ARGV[4])) end
redis.call('hset', key, 'wrong', string.format('%d', math.min(wrong + 1, 1000)), 'next', string.format('%d', begin + gap))
redis.call('pexpire', key, wrong >= tonumber(ARGV[3]) and ARGV[5] or ARGV[6])
return begin - now`

/** Forgets the count that this network's tries go to, and knows the network. */
const forgive = `
local key = KEYS[1]
if redis.call('exists', KEYS[2]) == 1 then key = KEYS[3] end
redis.call('del', key)
redis.call('set', KEYS[2], '1', 'EX', ARGV[1])`

export function openDelays(redis: Redis): Delays {
  const keysOf = (email: string, network: string) => {
    const both = digestOf(`${email} ${network}`)
    return [
      `${redisPrefix}password:${digestOf(email)}`,
      `${redisPrefix}password-network:${both}`,
      `${redisPrefix}password:${both}`,
    ] as const
  }
  return {
    async take(email, network, nowMs) {
      const bounds = [mostHeldMs, free, mostGapMs, rememberedMs, unslowedMs]
      const ms = Number(await redis.eval(takePlace, 3, ...keysOf(email, network), nowMs, ...bounds))
      return ms < 0
        ? { kind: 'refused', retryAfterSeconds: Math.max(1, Math.ceil((-ms - mostHeldMs) / 1000)) }
        : { kind: 'wait', ms }
    },
    right: async (email, network) =>
      void (await redis.eval(forgive, 3, ...keysOf(email, network), knownSeconds)),
    isKnown: async (email, network) => (await redis.exists(keysOf(email, network)[1])) === 1,
  }
}
