import { createHash } from 'node:crypto'
import { parseRetryAfter } from '@fairlead/webhook/classify'
import { z } from 'zod'
import { excerpt } from './excerpt.ts'
import type { Answer } from './post.ts'
import { failureOf, type OutgoingRequest, type Sender } from './send.ts'

/**
 * Access tokens by OAuth 2.0 client credentials (RFC 6749, 4.4): fetched when first needed, kept until a little before
 * they expire, fetched anew beside the deliveries that still use the old one. One fetch at a time for each grant.
 */
export interface TokenGrant {
  readonly tokenUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes?: readonly string[] | undefined
  /** Not in the RFC, but demanded by some authorization servers. */
  readonly audience?: string | undefined
  /** How the client says who it is: Basic (which every server must know) or in the form. Default `header`. */
  readonly credentialsIn?: 'header' | 'body' | undefined
}

export interface TokenOptions {
  /** The sender's way out, with its guard: a token endpoint is as foreign as a destination. */
  readonly ask: Sender['ask']
  /** Milliseconds for one fetch. Default 10 000. */
  readonly timeoutMs?: number
  /** Tokens that are kept. Default 10 000; the one fetched longest ago goes first. */
  readonly maxTokens?: number
}

/** Who needs a token, and how long: connections and tokens are kept apart between owners (organizations). */
export interface Caller {
  readonly owner: string
  readonly nowMs: number
  /** Ends the waiting. */
  readonly signal: AbortSignal
}

/** `reason` is a sentence without secrets. */
export interface TokenFailure {
  readonly kind: 'failed'
  readonly reason: string
  readonly retryAfterMs?: number
}

export type TokenResult = { readonly kind: 'token'; readonly token: string } | TokenFailure

export interface Tokens extends Disposable {
  /** @throws what `caller.signal` was aborted with; an AbortError once disposed */
  get(grant: TokenGrant, caller: Caller): TokenResult | Promise<TokenResult>
  forget(grant: TokenGrant, owner: string): void
}

interface Entry {
  result?: TokenResult
  /** From now on fetched anew, while `result` is still good. */
  refreshAtMs: number
  /** From now on `result` isn't good any more. */
  untilMs: number
  fetching?: Promise<TokenResult> | undefined
}

/** Where the server doesn't say (RFC 6749, 5.1 only recommends it). */
const defaultLifetimeMs = 300_000
/** A token is renewed when a tenth of its life is left, at most a minute. */
const longestEarlyMs = 60_000
/** A failure is told to everyone who asks so soon after it, so that a broken endpoint isn't asked for each delivery. */
const failureHoldsMs = 2000

export function openTokens(options: TokenOptions): Tokens {
  const entries = new Map<string, Entry>()
  const keys = new WeakMap<TokenGrant, string>()
  const closing = new AbortController()

  function entryOf(grant: TokenGrant, owner: string): Entry {
    const key = `${owner} ${keyOf(keys, grant)}`
    let entry = entries.get(key)
    if (!entry) {
      for (const oldest of entries.keys()) {
        if (entries.size < (options.maxTokens ?? 10_000)) break
        entries.delete(oldest)
      }
      entry = { refreshAtMs: 0, untilMs: 0 }
      entries.set(key, entry)
    }
    return entry
  }

  function fetchInto(entry: Entry, grant: TokenGrant, { owner, nowMs }: Caller): Promise<TokenResult> {
    entry.fetching ??= fetchToken(grant, owner, nowMs).then(
      ({ result, lifetimeMs }) => {
        entry.fetching = undefined
        // A refresh that failed leaves the old token in use as long as it is good.
        const keepsOld = result.kind === 'failed' && entry.result?.kind === 'token' && nowMs < entry.untilMs
        if (keepsOld) entry.refreshAtMs = nowMs + lifetimeMs
        else {
          entry.result = result
          entry.untilMs = nowMs + lifetimeMs
          entry.refreshAtMs = entry.untilMs - Math.min(lifetimeMs / 10, longestEarlyMs)
        }
        return result
      },
      error => {
        entry.fetching = undefined
        throw error
      },
    )
    return entry.fetching
  }

  async function fetchToken(grant: TokenGrant, owner: string, nowMs: number) {
    const request = { ...tokenRequest(grant), timeoutMs: options.timeoutMs ?? 10_000, owner }
    let answer: Answer
    try {
      answer = await options.ask(request, closing.signal)
    } catch (error) {
      closing.signal.throwIfAborted()
      const { kind, reason } = { reason: '', ...failureOf(error) }
      return failed(`the token endpoint can not be asked: ${kind}${reason && ` (${reason})`}`)
    }
    return readAnswer(answer, [...request.headers, 'client-secret', grant.clientSecret], nowMs)
  }

  return {
    get(grant, caller) {
      const entry = entryOf(grant, caller.owner)
      if (entry.result && caller.nowMs < entry.untilMs) {
        if (caller.nowMs >= entry.refreshAtMs && entry.result.kind === 'token') {
          fetchInto(entry, grant, caller).catch(() => {})
        }
        return entry.result
      }
      if (caller.signal.aborted) return Promise.reject(caller.signal.reason)
      return unlessAborted(fetchInto(entry, grant, caller), caller.signal)
    },
    forget(grant, owner) {
      entries.delete(`${owner} ${keyOf(keys, grant)}`)
    },
    [Symbol.dispose]: () => closing.abort(),
  }
}

function keyOf(keys: WeakMap<TokenGrant, string>, grant: TokenGrant): string {
  let key = keys.get(grant)
  if (key === undefined) {
    const { tokenUrl, clientId, clientSecret, scopes, audience, credentialsIn } = grant
    const all = JSON.stringify([tokenUrl, clientId, clientSecret, scopes, audience, credentialsIn])
    key = createHash('sha256').update(all).digest('base64')
    keys.set(grant, key)
  }
  return key
}

/** RFC 6749, 4.4.2; the client's credentials as in 2.3.1. */
function tokenRequest(grant: TokenGrant): Pick<OutgoingRequest, 'url' | 'headers' | 'body'> {
  const form = new URLSearchParams({ grant_type: 'client_credentials' })
  if (grant.scopes && grant.scopes.length > 0) form.set('scope', grant.scopes.join(' '))
  if (grant.audience !== undefined) form.set('audience', grant.audience)
  const headers = ['content-type', 'application/x-www-form-urlencoded', 'accept', 'application/json']
  if (grant.credentialsIn === 'body') {
    form.set('client_id', grant.clientId)
    form.set('client_secret', grant.clientSecret)
  } else {
    const pair = `${formEncoded(grant.clientId)}:${formEncoded(grant.clientSecret)}`
    headers.push('authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
  }
  return { url: grant.tokenUrl, headers, body: Buffer.from(form.toString()) }
}

function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** RFC 6749, 5.1. A token is visible ASCII (RFC 6750, 2.1), so that it can stand in a header. */
const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,16384}$/),
  token_type: z
    .string()
    .regex(/^bearer$/i)
    .default('bearer'),
  expires_in: z.coerce.number().positive().max(31_536_000).nullish(),
})

function readAnswer(answer: Answer, secrets: readonly string[], nowMs: number) {
  if (answer.status !== 200) {
    const said = excerpt(answer, secrets)
    const retryAfterMs = parseRetryAfter(answer.retryAfter, nowMs)
    return failed(`the token endpoint answered ${answer.status}${said && `: ${said}`}`, retryAfterMs)
  }
  const read = tokenAnswer.safeParse(parseJson(answer.body))
  if (!read.success) return failed('the token endpoint answered no bearer token')
  const { access_token: token, expires_in: seconds } = read.data
  const result: TokenResult = { kind: 'token', token }
  return { result, lifetimeMs: seconds ? seconds * 1000 : defaultLifetimeMs }
}

function failed(reason: string, retryAfterMs?: number) {
  const result: TokenResult = { kind: 'failed', reason, ...(retryAfterMs !== undefined && { retryAfterMs }) }
  return { result, lifetimeMs: failureHoldsMs }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
