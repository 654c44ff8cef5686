import type { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { redisPrefix } from '../redis.ts'
import { digestOf } from './secret.ts'

/**
 * Bounds on signing in, shared by all processes through Redis. While Redis is away each process counts in its own memory: that is
 * no reason to refuse everyone.
 */
export interface Limits {
  /** One more mail to this address: 3 in 15 minutes, 10 a day. */
  takeMail(email: string): Promise<boolean>
  /**
   * One more invitation by an organization: 5 a day to this address, and 100 an hour to all. What other organizations send to the address
   * doesn't count: a stranger could make one, and use up what others have.
   */
  takeInvitation(organization: string, email: string): Promise<Taken>
  /** One more request for a mail from this network: 20 an hour. */
  takeRequest(peer: string): Promise<boolean>
  /** One more link or code tried from this network: 30 in 10 minutes. */
  takeTry(peer: string): Promise<boolean>
  /** One more sign-in begun by the provider of identities: 300 in 10 minutes from this network, each of which waits in Redis. */
  takeProvider(peer: string): Promise<boolean>
  /** One more password tried from this network: 100 in 10 minutes may be wrong. */
  takePassword(peer: string): Promise<boolean>
  /** The password was right. */
  returnPassword(peer: string): Promise<void>
  /** One more code tried for this address: ten a day may be wrong, however many codes are sent. Links don't count. */
  takeCode(email: string): Promise<boolean>
  /** The code was right. */
  returnCode(email: string): Promise<void>
}

/** `giveBack`: no mail went out after all. */
export type Taken =
  | { readonly kind: 'taken'; giveBack(): Promise<void> }
  | { readonly kind: 'refused'; readonly retryAfterSeconds: number }

const minute = 60
const day = 86_400

export function openLimits(redis: Redis): Limits {
  const limit = (name: string, points: number, duration: number) => {
    const rule = { keyPrefix: `${redisPrefix}limit:${name}`, points, duration }
    const insuranceLimiter = new RateLimiterMemory(rule)
    return new RateLimiterRedis({
      ...rule,
      storeClient: redis,
      rejectIfRedisNotReady: true,
      insuranceLimiter,
    })
  }
  const mails = limit('mail', 3, 15 * minute)
  const mailsOfDay = limit('mail-day', 10, day)
  const invitations = limit('invitation', 100, 60 * minute)
  const invited = limit('invited', 5, day)
  const requests = limit('request', 20, 60 * minute)
  const tries = limit('try', 30, 10 * minute)
  const providers = limit('provider', 300, 10 * minute)
  const passwords = limit('password', 100, 10 * minute)
  const codes = limit('code', 10, day)
  return {
    takeMail: async email =>
      (await take(mails, digestOf(email))) && (await take(mailsOfDay, digestOf(email))),
    takeInvitation: (organization, email) =>
      takeAll([
        [invited, digestOf(`${organization} ${email}`)],
        [invitations, organization],
      ]),
    takeRequest: peer => take(requests, networkOf(peer)),
    takeTry: peer => take(tries, networkOf(peer)),
    takeProvider: peer => take(providers, networkOf(peer)),
    takePassword: peer => take(passwords, networkOf(peer)),
    returnPassword: async peer => void (await passwords.reward(networkOf(peer), 1)),
    takeCode: email => take(codes, digestOf(email)),
    returnCode: async email => void (await codes.reward(digestOf(email), 1)),
  }
}

const take = async (limiter: RateLimiterRedis, key: string): Promise<boolean> =>
  (await consume(limiter, key)) === undefined

/** One of each limit, or of none: what is refused spends nothing, neither of the limit that refuses nor of those before it. */
async function takeAll(limits: readonly (readonly [RateLimiterRedis, string])[]): Promise<Taken> {
  const counted: (readonly [RateLimiterRedis, string])[] = []
  const giveBack = async () => {
    await Promise.all(counted.map(([limiter, key]) => limiter.reward(key, 1)))
  }
  for (const [limiter, key] of limits) {
    const refused = await consume(limiter, key)
    counted.push([limiter, key])
    if (!refused) continue
    await giveBack()
    return { kind: 'refused', retryAfterSeconds: Math.max(1, Math.ceil(refused.msBeforeNext / 1_000)) }
  }
  return { kind: 'taken', giveBack }
}

/** Undefined: it was taken. A refused one is counted too. */
async function consume(limiter: RateLimiterRedis, key: string): Promise<RateLimiterRes | undefined> {
  try {
    await limiter.consume(key)
    return undefined
  } catch (refused) {
    if (refused instanceof RateLimiterRes) return refused
    throw refused
  }
}

/** The /24 of an IPv4 address, the /56 of an IPv6 one: usually one customer of a provider. */
export function networkOf(peer: string): string {
  const v4 = /^(\d+\.\d+\.\d+)\.\d+$/.exec(peer)
  if (v4) return `${v4[1]}.0/24`
  const v6 = /^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):([0-9a-f]+)::\/64$/.exec(peer)
  if (!v6) return peer
  const group = Number.parseInt(v6[2]!, 16) & 0xff00
  return `${v6[1]}:${group.toString(16)}::/56`
}
