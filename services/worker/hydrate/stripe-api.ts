import { setTimeout as wait } from 'node:timers/promises'
import { openTokenBucket, type TokenBucket } from '@fairlead/daemon/token-bucket'
import type { Answer } from '../egress/post.ts'
import { failureOf, type Sender } from '../egress/send.ts'

/** The version that fetched objects are rendered in: one that the ledger reads. */
export const stripeVersion = '2026-08-26.dahlia'

/** Bytes of one answer. A page of a hundred invoice lines has about 200 KB. */
const answerBytes = 4 * 1024 * 1024
const timeoutMs = 10_000
/** Requests a second of one organization: Stripe allows 25 in test mode, and the tenant has uses of its own for them. */
const perSecond = 15
/** Organizations whose rate is remembered. */
const mostBuckets = 10_000

export type Json = { readonly [key: string]: unknown }

/** An answer that is no object. `gone`: there is none; `refused`: the key may not; `later`: the same may work. */
export class StripeApiError extends Error {
  override readonly name = 'StripeApiError'
  readonly kind: 'gone' | 'refused' | 'later'

  constructor(kind: StripeApiError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

export interface AskedAs {
  /** A restricted key of the tenant's. */
  readonly key: string
  /** A connected account; empty: the key's own. */
  readonly account: string
  /** The organization's id. */
  readonly owner: string
}

export interface StripeApi {
  /**
   * An object of Stripe's API, when it was answered by Stripe's clock (seconds since 1970), and how long its text was.
   * @throws StripeApiError; what `signal` was aborted with
   */
  get(path: string, as: AskedAs, signal: AbortSignal): Promise<Fetched>
}

export interface Fetched {
  readonly object: Json
  readonly at: number
  readonly bytes: number
}

/**
 * Asks Stripe's API for objects, the way that deliveries go out: name resolved, address checked as it is dialled, no redirect, time and
 * size bounded.
 * @param baseUrl scheme, host and port
 */
export function openStripeApi(ask: Sender['ask'], baseUrl: string, now: () => number): StripeApi {
  const buckets = new Map<string, TokenBucket>()
  const takeTurn = async (owner: string, signal: AbortSignal): Promise<void> => {
    if (buckets.size >= mostBuckets) buckets.clear()
    const bucket = buckets.get(owner) ?? openTokenBucket({ perSecond })
    buckets.set(owner, bucket)
    for (let waitMs = bucket.take(now()); waitMs > 0; waitMs = bucket.take(now()))
      await wait(waitMs, undefined, { signal })
  }
  return {
    async get(path, { key, account, owner }, signal) {
      await takeTurn(owner, signal)
      const headers = [
        'authorization',
        `Bearer ${key}`,
        'stripe-version',
        stripeVersion,
        'accept',
        'application/json',
      ]
      if (account !== '') headers.push('stripe-account', account)
      const request = {
        url: `${baseUrl}${path}`,
        method: 'GET' as const,
        headers,
        body: new Uint8Array(),
        timeoutMs,
        answerBytes,
        owner,
        secretHeaders: new Set(['authorization']),
      }
      const answer = await ask(request, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        throw new StripeApiError('later', `the API of Stripe can not be asked: ${failureOf(error).kind}`)
      })
      return {
        object: objectOf(answer),
        at: timeOf(answer) ?? Math.floor(now() / 1000),
        bytes: answer.body.length,
      }
    },
  }
}

function objectOf({ status, body, cut }: Answer): Json {
  if (status === 404) throw new StripeApiError('gone', 'Stripe has no such object')
  if (status === 401 || status === 403) {
    throw new StripeApiError(
      'refused',
      `Stripe refuses the key for this (${status}): it needs to read what the ledger keeps`,
    )
  }
  if (status !== 200) throw new StripeApiError('later', `the API of Stripe answered ${status}`)
  if (cut) throw new StripeApiError('refused', `an object of Stripe has more than ${answerBytes} bytes`)
  const object = parse(body)
  if (!object) throw new StripeApiError('later', 'the API of Stripe answered no object')
  return object
}

/** Undefined for what is no JSON object, or holds a number that JavaScript can't hold exactly. */
function parse(body: Uint8Array): Json | undefined {
  try {
    const read: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true }).decode(body),
      (_, value: unknown) => {
        if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw new RangeError('beyond 2^53 − 1')
        return value
      },
    )
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Json) : undefined
  } catch {
    return undefined
  }
}

/** Of the answer's Date. */
function timeOf({ traffic }: Answer): number | undefined {
  const [, date] = /^date:\s*(.{20,40})$/im.exec(traffic.head) ?? []
  const ms = Date.parse(date ?? '')
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}
