import { lookup } from 'node:dns/promises'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { Target } from './cover.ts'
import type { Probe } from './probe.ts'
import { signProbe } from './sign.ts'

/** How long a receiver or the API may take to answer, ms. */
const answerMs = 5_000
/** How often receivers are looked up. */
const lookupMs = 15_000

export type Sent =
  | { readonly kind: 'accepted'; readonly event: string }
  | { readonly kind: 'refused'; readonly why: string }

/** Posts a probe, as its provider would. @param receiver scheme, host and port. @param more headers besides */
export async function sendProbe(
  receiver: string,
  { identity }: Target,
  probe: Probe,
  nowMs: number,
  more: Readonly<Record<string, string>> = {},
): Promise<Sent> {
  const { source, id, body } = probe
  const signed = signProbe(source, { id, body, secret: identity.sourceSecrets[source], nowMs })
  const headers = { 'content-type': 'application/json', 'user-agent': 'fairlead-prober', ...signed, ...more }
  try {
    const { status, text } = await ask(`${receiver}/webhooks/${identity.slug}/${source}`, {
      method: 'POST',
      headers,
      body,
    })
    const event = status >= 200 && status < 300 ? eventOf(text) : undefined
    return event
      ? { kind: 'accepted', event }
      : { kind: 'refused', why: `${status} ${text.slice(0, 100)} of ${receiver}` }
  } catch (error) {
    return { kind: 'refused', why: `${error instanceof Error ? error.message : error} of ${receiver}` }
  }
}

/** What the API says of an event. `unknown`: it could not be asked. */
export type Logged = 'success' | 'open' | 'absent' | 'unknown'

export async function askLog(apiUrl: string, { identity }: Target, event: string): Promise<Logged> {
  try {
    const headers = { authorization: `Bearer ${identity.apiKey}` }
    const url = `${apiUrl}/api/v1/organizations/${identity.slug}/events/${event}`
    const { status, text } = await ask(url, { method: 'GET', headers })
    if (status === 404) return 'absent'
    if (status !== 200) return 'unknown'
    return (JSON.parse(text) as { status?: unknown }).status === 'success' ? 'success' : 'open'
  } catch {
    return 'unknown'
  }
}

/** One request on a connection of its own: a connection that is kept would always lead to the same receiver. */
async function ask(
  url: string,
  {
    method,
    headers,
    body,
  }: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string },
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
  const make = url.startsWith('https:') ? secureRequest : request
  const signal = AbortSignal.timeout(answerMs)
  const outgoing = make(url, { method, headers, agent: false, signal }, async response => {
    try {
      const chunks: Buffer[] = []
      let bytes = 0
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > 1024 ** 2) throw new Error('the answer is longer than 1 MiB')
        chunks.push(chunk)
      }
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
    } catch (error) {
      reject(error)
    }
  })
  outgoing.on('error', reject)
  outgoing.end(body)
  return promise
}

function eventOf(text: string): string | undefined {
  try {
    const { id } = JSON.parse(text) as { id?: unknown }
    return typeof id === 'string' ? id : undefined
  } catch {
    return undefined
  }
}

/** The receivers that are probed in turn: the public URL, then each address that a name resolves to. */
export interface Receivers {
  at(turn: number): string
  /** Looks the name up, until the signal aborts. */
  follow(signal: AbortSignal): Promise<void>
}

/** @param name `host:port`; empty: none but the public URL */
export function openReceivers(publicUrl: string, name: string): Receivers {
  const [host = '', port = '80'] = name.split(/:(?=\d+$)/)
  let all = [publicUrl]
  return {
    at: turn => all[turn % all.length]!,
    async follow(signal) {
      while (name !== '' && !signal.aborted) {
        try {
          const found = await lookup(host, { all: true })
          const addresses = found
            .map(({ address, family }) => (family === 6 ? `[${address}]` : address))
            .sort()
          all = [publicUrl, ...addresses.map(address => `http://${address}:${port}`)]
        } catch {
          // A name without addresses has no receiver: the public URL tells that.
          all = [publicUrl]
        }
        await delay(lookupMs, undefined, { signal }).catch(() => {})
      }
    },
  }
}
