import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * The destinations of the samples, so that a newcomer sees every outcome of a delivery:
 *
 *   /healthy   answers 200 at once
 *   /flaky     answers 503 to the first two attempts of each event, then 200
 *   /broken    always answers 500
 *
 * Each answer echoes what was received, as JSON.
 */
export async function openEcho(
  port: number,
  host: string,
): Promise<AsyncDisposable & { readonly port: number }> {
  const attempts = new Map<string, number>()
  const server = createServer((request, response) => {
    answer(request, response, attempts).catch(() => response.destroy())
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

/** Enough to play with; the oldest event is forgotten first. */
const rememberedEvents = 10_000
const echoedBytes = 64 * 1024

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  attempts: Map<string, number>,
): Promise<void> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (bytes < echoedBytes) chunks.push(chunk)
    bytes += chunk.length
  }
  const event = String(request.headers['fairlead-event-id'] ?? '')
  const path = request.url?.split('?')[0]
  const attempt = (attempts.get(event) ?? 0) + 1
  let status = 200
  if (path === '/broken') status = 500
  if (path === '/flaky') {
    attempts.delete(event)
    attempts.set(event, attempt)
    if (attempts.size > rememberedEvents) attempts.delete(attempts.keys().next().value ?? '')
    if (attempt <= 2) status = 503
  }
  const body = Buffer.concat(chunks).subarray(0, echoedBytes).toString('utf8')
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ path, bytes, headers: request.headers, body }))
}
