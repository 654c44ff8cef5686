import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { contentTypeOf, type ExpositionFormat, endOf, formatFor } from './exposition.ts'

/** A readiness check: undefined when the process can do its work, otherwise a few words that say why not. */
export type ReadinessCheck = () => string | undefined | Promise<string | undefined>

/**
 * Probes and metrics of a process, on a port of their own:
 *
 *   /livez    200 as long as it answers at all; looks at no dependency, because a restart mends none
 *   /readyz   200 when there are checks and all of them pass, else 503; JSON says which one fails, why, and since when.
 *             A process adds its checks when it can work: before, it waits for what it depends on
 *   /metrics  Prometheus' text format, or OpenMetrics with exemplars, as the scraper asks
 */
export interface Health extends AsyncDisposable {
  readonly port: number
  /** Adds a check; dispose of what it returns to take it away. A check that takes longer than 2 s has failed. */
  check(name: string, check: ReadinessCheck): Disposable
  /** From now on not ready, so that no more work is sent here. There is no way back. */
  drain(): void
}

const checkTimeoutMs = 2_000

interface CheckResult {
  readonly name: string
  readonly ok: boolean
  readonly reason?: string
  readonly durationMs: number
  /** Unix time in ms of the last change between passing and failing. */
  readonly since: number
}

/** Starts to answer. @param options.port 0 takes a free one */
export async function openHealth(options: {
  readonly port: number
  readonly host?: string
  /** All that is exposed: `exposedText`. */
  readonly exposed: (format: ExpositionFormat) => Promise<string>
  /** Told of each scrape that was answered. */
  readonly scraped?: (seconds: number, bytes: number) => void
}): Promise<Health> {
  const { exposed, host = '0.0.0.0', scraped } = options
  const checks = new Map<string, { check: ReadinessCheck; last?: CheckResult }>()
  const startedAt = Date.now()
  let draining = false

  async function readiness(response: ServerResponse): Promise<void> {
    const results = await Promise.all(
      [...checks].map(async ([name, entry]) => {
        entry.last = await perform(name, entry.check, entry.last)
        return entry.last
      }),
    )
    const ready = !draining && results.length > 0 && results.every(({ ok }) => ok)
    const status = draining ? 'draining' : ready ? 'ready' : results.length === 0 ? 'starting' : 'unready'
    const described = results.map(({ since, ...rest }) => ({ ...rest, since: new Date(since).toISOString() }))
    sendJson(response, ready ? 200 : 503, { status, checks: described })
  }

  async function metrics({ headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedMs = performance.now()
    const format = formatFor(headers.accept)
    const body = Buffer.from(`${await exposed(format)}${endOf(format)}`)
    response.writeHead(200, { 'content-type': contentTypeOf(format) }).end(body)
    scraped?.((performance.now() - startedMs) / 1000, body.length)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end()
      return
    }
    switch (request.url?.split('?')[0]) {
      case '/livez':
        sendJson(response, 200, {
          status: 'alive',
          uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
        })
        return
      case '/readyz':
        await readiness(response)
        return
      case '/metrics':
        await metrics(request, response)
        return
      default:
        sendJson(response, 404, { status: 'not_found', paths: ['/livez', '/readyz', '/metrics'] })
    }
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) sendJson(response, 500, { status: 'failed', reason: messageOf(error) })
      else response.destroy()
    })
  })
  server.listen(options.port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')

  return {
    port: address.port,
    check(name, check) {
      if (checks.has(name)) throw new TypeError(`there is a readiness check named ${name} already`)
      checks.set(name, { check })
      return { [Symbol.dispose]: () => void checks.delete(name) }
    },
    drain() {
      draining = true
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function perform(
  name: string,
  check: ReadinessCheck,
  last: CheckResult | undefined,
): Promise<CheckResult> {
  const started = performance.now()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(resolve, checkTimeoutMs, `no answer in ${checkTimeoutMs} ms`)
  })
  const reason = await Promise.race([Promise.resolve().then(check).catch(messageOf), late])
  clearTimeout(timer)
  const ok = reason === undefined
  return {
    name,
    ok,
    ...(reason !== undefined && { reason }),
    durationMs: Math.round(performance.now() - started),
    since: last?.ok === ok ? last.since : Date.now(),
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
