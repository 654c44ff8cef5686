import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Consent that a provider wants to be fetched (SNS' SubscribeURL), behind the answer to its handshake. The scheme has
 * verified the request and found the host to be the provider's own; here the fetch itself is bounded.
 */
export interface Confirmations extends AsyncDisposable {
  /** Never throws; how it ended is a line in the log. @param whose fields for that line */
  confirm(url: string, whose: object): void
}

export interface ConfirmationsOptions {
  readonly log: ConfirmationLog
  /** Default: Node's own. */
  readonly fetch?: typeof fetch
  /** From connecting to the head of the answer; the rest isn't read. Default 5,000. */
  readonly timeoutMs?: number
  /** Fetches at one time; further confirmations are left to the provider's next handshake. Default 4. */
  readonly maxAtOnce?: number
}

export interface ConfirmationLog {
  info(fields: object, message: 'handshake.confirmed'): void
  warn(fields: object, message: 'handshake.unconfirmed'): void
}

type Confirmation =
  | { readonly kind: 'confirmed' }
  | {
      readonly kind: 'unconfirmed'
      readonly reason: 'not_https' | 'too_many' | 'timed_out' | 'unreachable' | 'bad_status'
      readonly status?: number
    }

/** Disposing it waits for the fetches in hand, which their time-out ends. */
export function openConfirmations(options: ConfirmationsOptions): Confirmations {
  const { log, fetch: get = fetch, timeoutMs = 5_000, maxAtOnce = 4 } = options
  const inHand = new Map<string, Promise<void>>()

  const run = async (url: string, whose: object): Promise<void> => {
    await nextTurn()
    const startedMs = performance.now()
    const confirmation = await confirmOnce(url, get, timeoutMs)
    tell(confirmation, { ...whose, durationMs: performance.now() - startedMs })
  }
  const tell = (confirmation: Confirmation, fields: object): void => {
    const { kind, ...facts } = confirmation
    if (kind === 'confirmed') log.info(fields, 'handshake.confirmed')
    else log.warn({ ...fields, ...facts }, 'handshake.unconfirmed')
  }
  return {
    confirm(url, whose) {
      if (inHand.has(url)) return
      if (inHand.size >= maxAtOnce) return tell({ kind: 'unconfirmed', reason: 'too_many' }, whose)
      inHand.set(
        url,
        run(url, whose).finally(() => inHand.delete(url)),
      )
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(inHand.values())
    },
  }
}

/** One GET, without redirects; its body isn't read: the status says all. */
async function confirmOnce(url: string, get: typeof fetch, timeoutMs: number): Promise<Confirmation> {
  if (URL.parse(url)?.protocol !== 'https:') return { kind: 'unconfirmed', reason: 'not_https' }
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await get(url, { redirect: 'manual', signal })
    await response.body?.cancel()
    return response.ok
      ? { kind: 'confirmed' }
      : { kind: 'unconfirmed', reason: 'bad_status', status: response.status }
  } catch {
    return { kind: 'unconfirmed', reason: signal.aborted ? 'timed_out' : 'unreachable' }
  }
}
