import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * Where probes arrive, and where the upgrade's gate asks:
 *
 *   POST /arrivals/<slug>   what a worker delivers
 *   GET  /report?seconds=N  what became of the probes of the last N seconds
 */
export interface Sink extends AsyncDisposable {
  readonly port: number
}

export interface SinkOptions {
  readonly host: string
  readonly port: number
  /**
   * The status to answer a delivery with, once it is kept as far as NATS takes it. Whoever is killed before has not answered, and it comes
   * again; after a 2xx that was forgotten a probe would be on its way for ever.
   */
  arrived(slug: string, headers: IncomingHttpHeaders, body: string): Promise<number>
  report(seconds: number): unknown
}

const mostBytes = 64 * 1024

export async function openSink({ host, port, arrived, report }: SinkOptions): Promise<Sink> {
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://prober')
    const [, what, slug = ''] = url.pathname.split('/')
    if (incoming.method === 'POST' && what === 'arrivals') {
      const body = await readBody(incoming)
      response.writeHead(body === undefined ? 413 : await arrived(slug, incoming.headers, body)).end()
      return
    }
    if (incoming.method === 'GET' && what === 'report') {
      const seconds = Number(url.searchParams.get('seconds') ?? 600)
      const told = Number.isFinite(seconds) && seconds > 0 ? report(Math.min(seconds, 3_600)) : undefined
      response
        .writeHead(told ? 200 : 400, { 'content-type': 'application/json' })
        .end(JSON.stringify(told ?? {}))
      return
    }
    response.writeHead(404).end()
  }

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
