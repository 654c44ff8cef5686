import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from './until.ts'

/** One request as it came in; the body is bytes. */
export interface Received {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as sent: repeated headers and letter case are kept. */
  readonly rawHeaders: readonly string[]
  readonly body: Buffer
  /** Unix time in ms when the request was complete. */
  readonly at: number
}

/** What a sink does with a request. */
export type Reply =
  | {
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string | Uint8Array
      readonly delayMs?: number
      /** Answers, and waits for `delayMs`, once this is fulfilled. */
      readonly after?: Promise<unknown>
    }
  /** Never answers; the connection stays open. */
  | { readonly hang: true }
  /** Sends headers, then one byte every `everyMs` for ever. */
  | { readonly dripEveryMs: number; readonly status?: number }
  /** Ends the connection without an answer. */
  | { readonly reset: true }

/** Decides on each request; `count` is its number, from 1. */
export type Script = (request: Received, count: number) => Reply

/** An HTTP server on loopback that records what it gets and answers by a script. */
export interface Sink extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly received: readonly Received[]
  /** Open connections, and how many there were in all. */
  readonly connections: { readonly open: number; readonly total: number }
  /** From now on answers by another script. */
  answer(script: Script | Reply): void
  /** The first request, also of those received already, that fits. @param options.deadlineMs default 25,000 */
  waitFor(fits: (request: Received) => boolean, options?: { readonly deadlineMs?: number }): Promise<Received>
  /** All requests once there are at least so many. */
  waitForCount(count: number, options?: { readonly deadlineMs?: number }): Promise<readonly Received[]>
}

/** Starts a sink on a free port. It answers 200 with an empty body unless told otherwise. */
export async function startSink(script: Script | Reply = { status: 200 }): Promise<Sink> {
  let answer = scriptOf(script)
  const received: Received[] = []
  const sockets = new Set<Socket>()
  const closing = new AbortController()
  let total = 0

  const server = createServer(async (request, response) => {
    const got = await record(request).catch(() => undefined)
    // The sender went away in the middle.
    if (!got) return
    received.push(got)
    await play(answer(got, received.length), response, closing.signal).catch(() => response.destroy())
  })
  server.on('connection', socket => {
    total++
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')

  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    received,
    get connections() {
      return { open: sockets.size, total }
    },
    answer: next => {
      answer = scriptOf(next)
    },
    waitFor: (fits, options) => until(() => received.find(fits), { what: 'a fitting request', ...options }),
    waitForCount: (count, options) =>
      until(() => received.length >= count && received, { what: `request number ${count}`, ...options }),
    async [Symbol.asyncDispose]() {
      closing.abort()
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

function scriptOf(script: Script | Reply): Script {
  return typeof script === 'function' ? script : () => script
}

async function record(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const { method = '', url = '', headers, rawHeaders } = request
  return { method, url, headers, rawHeaders, body: Buffer.concat(chunks), at: Date.now() }
}

async function play(reply: Reply, response: ServerResponse, signal: AbortSignal): Promise<void> {
  if ('hang' in reply) return
  if ('reset' in reply) {
    response.socket?.resetAndDestroy()
    return
  }
  if ('dripEveryMs' in reply) {
    response.writeHead(reply.status ?? 200)
    while (!response.destroyed) {
      response.write('.')
      await delay(reply.dripEveryMs, undefined, { signal })
    }
    return
  }
  if (reply.after) await reply.after
  if (reply.delayMs) await delay(reply.delayMs, undefined, { signal })
  response.writeHead(reply.status, reply.headers)
  response.end(reply.body)
}
