import { randomInt } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { redisPrefix } from '../../redis.ts'
import type { SignInKeys } from '../keys.ts'
import type { Limits } from '../limits.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'

/**
 * Proofs that are on their way by mail: a link, and a code beside it. Redis keeps digests.
 *
 *   link:<digest of its token>    → who it signs in, and the digest of the login cookie of the browser that asked
 *   code:<digest of that cookie>  → whom, the code's MAC, how often it was tried
 *
 * Both need the browser that asked: whoever else opens the link, a mail scanner say, gets no session, and uses nothing up.
 */
export interface Tickets {
  /** @param login the secret in the login cookie of the browser that asks */
  issue(
    asked: Asked,
    login: string,
    nowMs: number,
  ): Promise<{ readonly token: string; readonly code: string }>
  /** Reads a link without using it up, any number of times. */
  look(token: string): Promise<Ticket | undefined>
  /** Takes the link, once; undefined: there is none for this browser, and one for another browser stays. */
  redeem(token: string, login: string | undefined, lookFirst: LookFirst): Promise<Ticket | undefined>
  /** Takes the code, once; undefined: it is wrong, used, tried five times, or too many were wrong for this address. */
  redeemCode(code: string, login: string | undefined, lookFirst: LookFirst): Promise<Ticket | undefined>
}

/** Told whom a right proof signs in, before the proof is taken. Where it rejects the proof stays, and the call rejects with the same. */
export type LookFirst = (email: string) => Promise<void>

export interface Asked {
  readonly email: string
  readonly peer: string
  readonly agent: string
}

const ticketSchema = z.object({
  email: z.string(),
  peer: z.string(),
  agent: z.string(),
  askedAtMs: z.number(),
  /** Empty: printed on the terminal of this machine, for whichever browser there. */
  loginDigest: z.string(),
})
export type Ticket = z.infer<typeof ticketSchema>
const codeSchema = ticketSchema.extend({ mac: z.string() })

export const linkMs = 15 * 60_000
export const codeMs = 5 * 60_000
const mostTries = 5

const linkKey = (token: string) => `${redisPrefix}link:${digestOf(token)}`
const codeKey = (loginDigest: string) => `${redisPrefix}code:${loginDigest}`

/** Takes a link if it is of this browser: in one step, so that of many that redeem it at once one gets it. */
const redeemLink = `
local text = redis.call('get', KEYS[1])
if not text then return false end
if cjson.decode(text).loginDigest ~= ARGV[1] then return false end
redis.call('del', KEYS[1])
return text`

/** Counts a try; after the last the code is good for nothing, except for a right try that is under way. */
const tryCode = `
local text = redis.call('hget', KEYS[1], 'ticket')
if not text then return false end
local tries = redis.call('hincrby', KEYS[1], 'tries', 1)
if tries > tonumber(ARGV[1]) then return false end
return text`

/** Takes a code that proved right, if it still is the one that was compared. */
const takeCode = `
if redis.call('hget', KEYS[1], 'ticket') ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`

export function openTickets(redis: Redis, keys: SignInKeys, limits: Limits): Tickets {
  async function look(token: string): Promise<Ticket | undefined> {
    if (!canBeSecret(token)) return undefined
    const text = await redis.get(linkKey(token))
    return text === null ? undefined : ticketSchema.parse(JSON.parse(text))
  }

  return {
    async issue(asked, login, nowMs) {
      const token = newSecret()
      const code = String(randomInt(1_000_000)).padStart(6, '0')
      const loginDigest = digestOf(login)
      const ticket: Ticket = { ...asked, askedAtMs: nowMs, loginDigest }
      const withMac = JSON.stringify({ ...ticket, mac: keys.macOf('code', code + loginDigest) })
      await redis
        .multi()
        .set(linkKey(token), JSON.stringify(ticket), 'PX', linkMs)
        .del(codeKey(loginDigest))
        .hset(codeKey(loginDigest), { ticket: withMac, tries: 0 })
        .pexpire(codeKey(loginDigest), codeMs)
        .exec()
      return { token, code }
    },
    look,
    async redeem(token, login, lookFirst) {
      const ticket = canBeSecret(login) ? await look(token) : undefined
      if (!ticket || ticket.loginDigest !== digestOf(login!)) return undefined
      await lookFirst(ticket.email)
      return await take(redis, token, ticket.loginDigest)
    },
    async redeemCode(code, login, lookFirst) {
      if (!/^\d{6}$/.test(code) || !canBeSecret(login)) return undefined
      const loginDigest = digestOf(login)
      const text = await redis.eval(tryCode, 1, codeKey(loginDigest), mostTries)
      if (typeof text !== 'string') return undefined
      const { mac, ...ticket } = codeSchema.parse(JSON.parse(text))
      // Taken before the code is looked at: a hundred guesses at once are a hundred guesses.
      if (!(await limits.takeCode(ticket.email))) return undefined
      if (!keys.isMacOf('code', mac, code + loginDigest)) return undefined
      await limits.returnCode(ticket.email)
      await lookFirst(ticket.email)
      return (await redis.eval(takeCode, 1, codeKey(loginDigest), text)) === 1 ? ticket : undefined
    },
  }
}

/** Puts a link for the owner of this machine into Redis: it is printed, and answered on loopback alone. */
export async function issuePrinted(redis: Redis, email: string, nowMs: number): Promise<string> {
  const token = newSecret()
  const ticket: Ticket = { email, peer: '127.0.0.1', agent: 'npm start', askedAtMs: nowMs, loginDigest: '' }
  await redis.set(linkKey(token), JSON.stringify(ticket), 'PX', linkMs)
  return token
}

/** Takes a printed link. Which addresses may ask is the caller's to check. */
export const redeemPrinted = (redis: Redis, token: string): Promise<Ticket | undefined> =>
  take(redis, token, '')

async function take(redis: Redis, token: string, loginDigest: string): Promise<Ticket | undefined> {
  if (!canBeSecret(token)) return undefined
  const text = await redis.eval(redeemLink, 1, linkKey(token), loginDigest)
  return typeof text === 'string' ? ticketSchema.parse(JSON.parse(text)) : undefined
}
