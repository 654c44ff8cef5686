import { randomInt } from 'node:crypto'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import { redisPrefix } from '../../redis.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'
import { type SignInMethod, signInMethods } from '../sessions/record.ts'

/** Signing in a tool that has no browser (https://www.rfc-editor.org/rfc/rfc8628): it shows a code, a person types it and agrees. */
export interface Devices {
  begin(asked: { readonly peer: string; readonly agent: string }): Promise<Begun>
  /** What waits under a code, for the person who typed it. */
  look(userCode: string): Promise<DeviceRequest | undefined>
  /** @returns whether it still waited */
  decide(userCode: string, decision: Decision): Promise<boolean>
  poll(deviceCode: string, nowMs: number): Promise<Polled>
}

export interface Begun {
  readonly deviceCode: string
  /** `WDJB-MJHT` */
  readonly userCode: string
}

export type Decision =
  /** By a session; `provenAtMs` is its proof's time, since agreeing is no proof. */
  | {
      readonly kind: 'approved'
      readonly email: string
      readonly provenAtMs: number
      /** How that session was begun. */
      readonly provenBy: SignInMethod
    }
  | { readonly kind: 'denied' }

export type Polled =
  | {
      readonly kind: 'approved'
      readonly email: string
      readonly provenAtMs: number
      readonly provenBy?: SignInMethod
      readonly peer: string
      readonly agent: string
    }
  | { readonly kind: 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' }

const requestSchema = z.object({
  peer: z.string(),
  agent: z.string(),
  /** Absent: it waits. */
  decision: z
    .union([
      // An approval of an earlier version tells no proof: it counts as none.
      z.object({
        kind: z.literal('approved'),
        email: z.string(),
        provenAtMs: z.number().default(0),
        provenBy: z.enum(signInMethods).optional(),
      }),
      z.object({ kind: z.literal('denied') }),
    ])
    .optional(),
})
export type DeviceRequest = z.infer<typeof requestSchema>

export const deviceSeconds = 600
export const intervalSeconds = 5

/** Without vowels, so that no words come out, and without letters that look like digits: 20^8 codes. */
const letters = 'BCDFGHJKLMNPQRSTVWXZ'

const deviceKey = (digest: string) => `${redisPrefix}device:${digest}`
const userKey = (userCode: string) => `${redisPrefix}device-user:${userCode}`
const pollKey = (digest: string) => `${redisPrefix}device-poll:${digest}`

/** Decides a request that waits, once. */
const decideOnce = `
local text = redis.call('get', KEYS[1])
if not text then return 0 end
local request = cjson.decode(text)
if request.decision then return 0 end
request.decision = cjson.decode(ARGV[1])
redis.call('set', KEYS[1], cjson.encode(request), 'KEEPTTL')
return 1`

/** Takes a request that was decided: one poll gets it. */
const takeDecided = `
local text = redis.call('get', KEYS[1])
if not text then return false end
if cjson.decode(text).decision then redis.call('del', KEYS[1]) end
return text`

export function openDevices(redis: Redis): Devices {
  const keyOf = async (userCode: string) => {
    const code = readUserCode(userCode)
    const digest = code && (await redis.get(userKey(code)))
    return digest ? deviceKey(digest) : undefined
  }
  return {
    async begin(asked) {
      const deviceCode = newSecret()
      const code = Array.from({ length: 8 }, () => letters[randomInt(letters.length)]).join('')
      const digest = digestOf(deviceCode)
      await redis
        .multi()
        .set(deviceKey(digest), JSON.stringify(asked), 'EX', deviceSeconds)
        .set(userKey(code), digest, 'EX', deviceSeconds)
        .exec()
      return { deviceCode, userCode: `${code.slice(0, 4)}-${code.slice(4)}` }
    },
    async look(userCode) {
      const key = await keyOf(userCode)
      const text = key ? await redis.get(key) : null
      const request = text === null ? undefined : requestSchema.parse(JSON.parse(text))
      return request?.decision ? undefined : request
    },
    async decide(userCode, decision) {
      const key = await keyOf(userCode)
      return key !== undefined && (await redis.eval(decideOnce, 1, key, JSON.stringify(decision))) === 1
    },
    async poll(deviceCode, nowMs) {
      if (!canBeSecret(deviceCode)) return { kind: 'expired_token' }
      const digest = digestOf(deviceCode)
      const text = await redis.eval(takeDecided, 1, deviceKey(digest))
      if (typeof text !== 'string') return { kind: 'expired_token' }
      const { decision, peer, agent } = requestSchema.parse(JSON.parse(text))
      if (decision?.kind === 'denied') return { kind: 'access_denied' }
      if (decision) {
        const { email, provenAtMs, provenBy } = decision
        return { kind: 'approved', email, provenAtMs, peer, agent, ...(provenBy && { provenBy }) }
      }
      // A second less than was told: clocks differ.
      const pauseMs = (intervalSeconds - 1) * 1000
      const isFirst = await redis.set(pollKey(digest), String(nowMs), 'PX', pauseMs, 'NX')
      return { kind: isFirst === 'OK' ? 'authorization_pending' : 'slow_down' }
    },
  }
}

/** As a person types it: any case, with or without the dash. */
export function readUserCode(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[\s-]/g, '')
  return /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code) ? code : undefined
}
