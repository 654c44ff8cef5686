import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * The command `send.ts URL SECRET PER_SECOND`: a provider. Posts signed GitHub webhooks at a rate, whatever the answers
 * do, until it is asked to stop (SIGTERM); then waits for the answers that are still out, and prints what became of each
 * as JSON, `Posted[]`. It runs in the cluster's network, as a process of its own.
 */
export interface Posted {
  /** The event's id; absent if it was never answered 2xx. */
  readonly id?: string
  /** When it was due, Unix time in ms. */
  readonly at: number
  /** Of every try, in order: a status, or the error's code. */
  readonly tries: readonly (number | string)[]
  /** From when it was due to its last answer, ms. */
  readonly tookMs: number
}

/** A provider repeats a refused webhook: here after half a second, for at most a minute and a half. */
const retryMs = 500
const giveUpMs = 90_000
/** One try. A receiver answers within 5 s whatever happens behind it; the rest is room for a machine that is busy. */
const timeoutMs = 30_000

async function post(url: string, secret: string): Promise<Posted> {
  const delivery = randomUUID()
  const body = JSON.stringify({ ref: 'refs/heads/main', delivery })
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
  }
  const at = Date.now()
  const tries: (number | string)[] = []
  for (;;) {
    try {
      const { status, id } = await postOnce(url, headers, body)
      tries.push(status)
      if (id !== undefined) return { id, at, tries, tookMs: Date.now() - at }
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException
      tries.push(code ?? name)
    }
    if (Date.now() - at > giveUpMs) return { at, tries, tookMs: Date.now() - at }
    await delay(retryMs)
  }
}

/** On a connection of its own: a provider's webhooks to one place come too seldom to keep one. */
async function postOnce(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<{ readonly status: number; readonly id?: string }> {
  const signal = AbortSignal.timeout(timeoutMs)
  const sent = request(url, { method: 'POST', headers, agent: false, signal }).end(body)
  // What breaks after the answer's head has been told by then.
  sent.on('error', () => {})
  const [answer] = (await once(sent, 'response', { signal })) as [IncomingMessage]
  const { id } = (await json(answer)) as { id?: string }
  const status = answer.statusCode ?? 0
  return status < 300 && id !== undefined ? { status, id } : { status }
}

if (import.meta.main) {
  const [url, secret, perSecond] = process.argv.slice(2)
  const stopping = new AbortController()
  // Whoever started it has ended, or wants it to: no signal passes the programs between (nsenter).
  process.stdin.once('close', () => stopping.abort()).resume()
  const posts: Promise<Posted>[] = []
  const startedMs = performance.now()
  while (!stopping.signal.aborted) {
    const due = ((performance.now() - startedMs) / 1_000) * Number(perSecond)
    while (posts.length < due) posts.push(post(url!, secret!))
    await delay(5)
  }
  process.stdout.write(JSON.stringify(await Promise.all(posts)))
}
