import type { KeyFetch, KeyFetchOptions } from './scheme.ts'

/*
 * What providers publish, fetched for schemes: cached, bounded and shared.
 *
 *   asked ──▶ fresh copy? ──yes──▶ answer
 *               │ no
 *               ├─ a copy that still serves ──▶ answer, and fetch in the background
 *               ├─ failed a moment ago ──────▶ reject, fetch nothing
 *               └─ fetch (joined by everyone who asks meanwhile) ──▶ answer or reject
 */

export interface FetchKeysOptions {
  /** Default globalThis.fetch. */
  readonly fetch?: typeof fetch
  /** Unix milliseconds. Default Date.now. */
  readonly now?: () => number
  /** For one fetch, connecting and reading together; milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  /** Of one answer. Default 64 KiB: a JWKS has 2, a certificate chain 6. */
  readonly maxBytes?: number
  /** Addresses kept, the least recently used one leaves first. Default 256. */
  readonly maxEntries?: number
  /** How long a copy is used without asking again; milliseconds. Default 1 h. */
  readonly freshForMs?: number
  /** How long a copy serves while the provider can't be reached; milliseconds. Default 7 days. */
  readonly staleForMs?: number
  /** How long a failure is remembered, so that a flood of requests isn't a flood of fetches. Default 30 s. */
  readonly failureForMs?: number
}

export type KeyFetchErrorCode = 'not_https' | 'timed_out' | 'unreachable' | 'bad_status' | 'too_large'

/** Keys couldn't be fetched. The message is safe to show: it names the host only. */
export class KeyFetchError extends Error {
  override readonly name = 'KeyFetchError'
  readonly code: KeyFetchErrorCode

  constructor(code: KeyFetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

interface Entry {
  copy: { readonly text: string; readonly atMs: number } | undefined
  failure: { readonly error: KeyFetchError; readonly atMs: number } | undefined
  pending: Promise<string> | undefined
}

/** `fresh` is honoured no more often than this for one address: an unknown key id is an attacker's choice. */
const minRefreshMs = 60_000

/** Makes a KeyFetch with a cache of its own: one for each process. */
export function openKeyFetch(options: FetchKeysOptions = {}): KeyFetch {
  const settings = { ...defaults, ...options }
  const entries = new Map<string, Entry>()

  return async (url, asked = {}) => {
    const key = `${url}\n${asked.json ?? ''}`
    const entry = takeEntry(entries, key, settings.maxEntries)
    const nowMs = settings.now()
    const copy = entry.copy
    const ageMs = copy ? nowMs - copy.atMs : Number.POSITIVE_INFINITY
    if (copy && ageMs <= (asked.fresh ? minRefreshMs : settings.freshForMs)) return copy.text
    const failedLately = entry.failure && nowMs - entry.failure.atMs < settings.failureForMs
    if (copy && ageMs <= settings.staleForMs && (failedLately || !asked.fresh)) {
      if (!failedLately) refresh(entry, url, asked, settings).catch(() => undefined)
      return copy.text
    }
    if (failedLately) throw entry.failure!.error
    return refresh(entry, url, asked, settings)
  }
}

const defaults = {
  // Looked up at each call, so that a test or a runtime may replace the global one.
  fetch: (...args: Parameters<typeof fetch>) => fetch(...args),
  now: Date.now,
  timeoutMs: 5000,
  maxBytes: 64 * 1024,
  maxEntries: 256,
  freshForMs: 3_600_000,
  staleForMs: 7 * 24 * 3_600_000,
  failureForMs: 30_000,
} satisfies Required<FetchKeysOptions>

type Settings = Required<FetchKeysOptions>

function takeEntry(entries: Map<string, Entry>, key: string, maxEntries: number): Entry {
  const entry = entries.get(key) ?? { copy: undefined, failure: undefined, pending: undefined }
  // A map keeps the order of insertion: putting an entry again makes it the newest.
  entries.delete(key)
  entries.set(key, entry)
  if (entries.size > maxEntries) entries.delete(entries.keys().next().value!)
  return entry
}

/** Fetches once, however many ask meanwhile. */
function refresh(entry: Entry, url: string, asked: KeyFetchOptions, settings: Settings): Promise<string> {
  entry.pending ??= fetchText(url, asked, settings)
    .then(
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
    .finally(() => {
      entry.pending = undefined
    })
  return entry.pending
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

/** Reads no further than the limit, whatever content-length says. */
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
