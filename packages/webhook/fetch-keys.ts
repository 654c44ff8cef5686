import { type Address, openAddresses, openThrottle } from './key-addresses.ts'
import type { KeyFetch, KeyFetchOptions } from './scheme.ts'

/*
 * Fetches keys that providers publish, for schemes: cached, bounded, and once for all who ask at the same time.
 *
 *   asked ──▶ fresh copy? ──yes──▶ answer
 *               │ no
 *               ├─ a copy that still serves ──▶ answer, and fetch in the background
 *               ├─ failed a moment ago ──────▶ reject, fetch nothing
 *               ├─ being fetched ────────────▶ join
 *               ├─ not proven, and the rate of its asker or of all is used up ──▶ reject, fetch nothing
 *               └─ fetch ──▶ answer or reject
 *
 * Many addresses come from requests whose signature isn't checked yet: a stranger chose them. An address is proven once
 * a signature was right with the key that it holds. Proven and unproven ones are kept apart, so that no number of
 * made-up addresses pushes out a provider's own.
 */

export interface FetchKeysOptions {
  /** Default globalThis.fetch. */
  readonly fetch?: typeof fetch
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number
  /** Time of a fetch, connecting and reading together; milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  /** Size of an answer. Default 64 KiB: a JWKS has 2, a certificate chain 6. */
  readonly maxBytes?: number
  /** Proven addresses kept; the least recently used leaves first. Default 256. */
  readonly maxEntries?: number
  /** Unproven addresses kept, with their copies and failures. Default 64. */
  readonly maxUnproven?: number
  /** Fetches of unproven addresses under way at one time, of all askers together. Default 16. */
  readonly maxFetches?: number
  /** Burst of an asker's token bucket: unproven addresses fetched without a wait. Default 8. */
  readonly burst?: number
  /** Time until an asker's bucket gains a token; milliseconds. Default 10 s. */
  readonly everyMs?: number
  /** How long a copy is used without asking again; milliseconds. Default 1 h. */
  readonly freshForMs?: number
  /** How long a copy serves while the provider can't be reached; milliseconds. Default 7 days. */
  readonly staleForMs?: number
  /** How long a failure is remembered, so that a flood of requests isn't a flood of fetches. Default 30 s. */
  readonly failureForMs?: number
}

export type KeyFetchErrorCode =
  | 'not_https'
  | 'timed_out'
  | 'unreachable'
  | 'bad_status'
  | 'too_large'
  | 'throttled'

/** Keys couldn't be fetched. The message is safe to show: it names the host only. */
export class KeyFetchError extends Error {
  override readonly name = 'KeyFetchError'
  readonly code: KeyFetchErrorCode

  constructor(code: KeyFetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** `fresh` is honoured no more often than this for one address: an unknown key id is an attacker's choice. */
const minRefreshMs = 60_000

/** Makes a KeyFetch with a cache of its own: one for each process. */
export function openKeyFetch(options: FetchKeysOptions = {}): KeyFetch {
  const settings = { ...defaults, ...options }
  const addresses = openAddresses<KeyFetchError>(settings)
  const mayFetch = openThrottle(settings)
  let fetching = 0

  /** Fetches an address once: callers that ask meanwhile share the fetch. */
  function join(address: Address<KeyFetchError>, url: string, asked: KeyFetchOptions): Promise<string> {
    const { entry } = address
    if (entry.pending) return entry.pending
    if (!address.proven && (fetching >= settings.maxFetches || !mayFetch(asked.asker ?? ''))) {
      return Promise.reject(
        new KeyFetchError('throttled', 'Keys of addresses that nobody has proven are asked for too often.'),
      )
    }
    fetching++
    entry.pending = refresh(entry, url, asked, settings).finally(() => {
      entry.pending = undefined
      fetching--
    })
    return entry.pending
  }

  async function fetchKey(url: string, asked: KeyFetchOptions = {}): Promise<string> {
    const address = addresses.take(keyOf(url, asked))
    const { copy, failure } = address.entry
    const nowMs = settings.now()
    const ageMs = copy ? nowMs - copy.atMs : Number.POSITIVE_INFINITY
    if (copy && ageMs <= (asked.fresh ? minRefreshMs : settings.freshForMs)) return copy.text
    const failedLately = failure && nowMs - failure.atMs < settings.failureForMs
    if (copy && ageMs <= settings.staleForMs && (failedLately || !asked.fresh)) {
      if (!failedLately) join(address, url, asked).catch(() => undefined)
      return copy.text
    }
    if (failedLately) throw failure.error
    return join(address, url, asked)
  }

  return Object.assign(fetchKey, {
    prove: (url: string, asked: KeyFetchOptions = {}) => addresses.prove(keyOf(url, asked)),
  })
}

/** The shared cache as a source sees it: its unproven addresses are fetched at its own rate. */
export function keyFetchFor(keys: KeyFetch, asker: string): KeyFetch {
  const ask: KeyFetch = (url, options) => keys(url, { ...options, asker })
  return keys.prove ? Object.assign(ask, { prove: keys.prove }) : ask
}

const keyOf = (url: string, { json = '' }: KeyFetchOptions): string => `${url}\n${json}`

const defaults = {
  // Looked up at each call, so that a test or a runtime may replace the global one.
  fetch: (...args: Parameters<typeof fetch>) => fetch(...args),
  now: Date.now,
  timeoutMs: 5000,
  maxBytes: 64 * 1024,
  maxEntries: 256,
  maxUnproven: 64,
  maxFetches: 16,
  burst: 8,
  everyMs: 10_000,
  freshForMs: 3_600_000,
  staleForMs: 7 * 24 * 3_600_000,
  failureForMs: 30_000,
} satisfies Required<FetchKeysOptions>

type Settings = Required<FetchKeysOptions>

function refresh(
  entry: Address<KeyFetchError>['entry'],
  url: string,
  asked: KeyFetchOptions,
  settings: Settings,
): Promise<string> {
  return fetchText(url, asked, settings).then(
    text => {
      entry.copy = { text, atMs: settings.now() }
      entry.failure = undefined
      return text
    },
    (error: KeyFetchError) => {
      entry.failure = { error, atMs: settings.now() }
      throw error
    },
  )
}

async function fetchText(text: string, asked: KeyFetchOptions, settings: Settings): Promise<string> {
  const url = URL.parse(text)
  if (url?.protocol !== 'https:') throw new KeyFetchError('not_https', 'Keys are fetched by https only.')
  const signal = AbortSignal.timeout(settings.timeoutMs)
  try {
    const response = await settings.fetch(url, {
      redirect: 'manual',
      signal,
      ...(asked.json !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: asked.json,
      }),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new KeyFetchError('bad_status', `${url.host} answered ${response.status} instead of its keys.`)
    }
    return await readText(response, settings.maxBytes, url.host)
  } catch (error) {
    if (error instanceof KeyFetchError) throw error
    if (signal.aborted) {
      throw new KeyFetchError('timed_out', `${url.host} didn't answer in ${settings.timeoutMs} ms.`, {
        cause: error,
      })
    }
    throw new KeyFetchError('unreachable', `${url.host} can't be reached.`, { cause: error })
  }
}

/** Stops reading at the limit, whatever content-length says. */
async function readText(response: Response, maxBytes: number, host: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength
    // Leaving the loop cancels the stream.
    if (size > maxBytes) throw new KeyFetchError('too_large', `${host} answered more than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
