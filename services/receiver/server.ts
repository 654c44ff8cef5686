import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  type AddressInfo,
  createServer as createTcpServer,
  type ListenOptions,
  type Socket,
  type Server as TcpServer,
} from 'node:net'
import { type FramingFault, framingFault } from '@fairlead/daemon/framing'
import { openLeaving } from '@fairlead/daemon/leave'
import type { Reply } from './problem.ts'

export interface ServerLimits {
  /** Open connections; more are refused at once. Default 10,000. */
  maxConnections: number
  /** Bytes of a request's header. Default 32 KiB; more is answered 431. */
  maxHeaderBytes: number
  /** From a connection's first byte to the end of the header, ms. Default 10,000; then 408. */
  headersTimeoutMs: number
  /** From there to the end of the body, ms. Default 30,000; then 408. */
  requestTimeoutMs: number
  /** An idle connection is kept so long, ms. Default 75,000: longer than the 60 s of usual load balancers. */
  keepAliveTimeoutMs: number
}

export interface ServerOptions {
  readonly limits: ServerLimits
  /** 0: any that is free. */
  readonly port: number
  /** An address of this machine; all of them without one. */
  readonly host?: string
  readonly failed: (error: unknown) => void
}

/** Disposing it takes no more connections, answers what is in hand, and waits for that. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number
  /** Asks every client to connect anew, and waits until no connection has come for `quietMs`: see `Leaving`. */
  leave(quietMs: number): Promise<void>
}

/**
 * Listening sockets on the one port. libuv takes one connection from each in a turn of the event loop (since 1.45, its
 * pull request 3696): with one socket a few hundred a second are accepted where a turn takes milliseconds, and requests
 * that could be refused at once wait for seconds. Only Linux shares connections out among several (SO_REUSEPORT, socket(7)).
 */
const listeningSockets = process.platform === 'linux' ? 16 : 1
/** Connections that wait to be accepted, for each socket. Above that, TCP tries again after a second. */
const backlog = 1_024

/**
 * node:http as it is, with limits: nothing but `answer` lives between a socket and its reply.
 * @throws EADDRINUSE, also where another server would share the port
 */
export async function openServer(
  answer: (request: IncomingMessage) => Reply | Promise<Reply>,
  { limits, port, host, failed }: ServerOptions,
): Promise<RunningServer> {
  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: 2_000,
      noDelay: true,
    },
    (request, response) => {
      // A client that keeps its connection busy would hold up a stop for ever: it is asked to connect anew.
      const reply = (ready: Reply) => send(request, response, ready, server.listening && !leaving.begun)
      const replyFault = (error: unknown) => {
        failed(error)
        reply(internalError)
      }
      const fault = framingFault(request)
      if (fault) return send(request, response, faultReplies[fault], false)
      request.url = originForm(request.url ?? '/')
      try {
        const ready = answer(request)
        // An answer known at once is sent without a promise, which would cost much at thousands of refusals a second.
        if (ready instanceof Promise) ready.then(reply, replyFault).catch(failed)
        else reply(ready)
      } catch (error) {
        if (response.headersSent) failed(error)
        else replyFault(error)
      }
    },
  )
  const leaving = openLeaving(server)
  let connections = 0
  server.prependListener('connection', (socket: Socket) => {
    connections++
    socket.once('close', () => connections--)
    if (connections > limits.maxConnections) socket.destroy()
  })

  const more = Array.from({ length: listeningSockets - 1 }, () =>
    // As node:http makes its own: a client that has ended its side is still answered.
    createTcpServer({ noDelay: true, allowHalfOpen: true }, socket => server.emit('connection', socket)),
  )
  const all = [server, ...more]
  await using opened = new AsyncDisposableStack()
  opened.defer(async () => {
    const closed = all.filter(({ listening }) => listening).map(each => once(each.close(), 'close'))
    server.closeIdleConnections()
    await Promise.all(closed)
  })
  const reusePort = listeningSockets > 1
  if (reusePort) await refuseTakenPort(port, host)
  let bound = port
  for (const each of all) bound = await listen(each, { port: bound, host, backlog, reusePort })

  const held = opened.move()
  return {
    port: bound,
    leave: leaving.begin,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** With SO_REUSEPORT another process could share the port, which is never meant: a taken port is refused. */
async function refuseTakenPort(port: number, host: string | undefined): Promise<void> {
  const probe = createTcpServer()
  await listen(probe, { port, host })
  await once(probe.close(), 'close')
}

async function listen(server: TcpServer, options: ListenOptions): Promise<number> {
  server.listen(options)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const internalError: Reply = {
  status: 500,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '30' },
  body: '{"type":"about:blank","title":"This is a fault of ours; send it again","status":500,"code":"internal"}',
}

const faultReplies: Readonly<Record<FramingFault, Reply>> = {
  malformed: faultReply(400, 'malformed', 'This is no HTTP/1.1 request'),
  transfer_coding_unknown: faultReply(
    501,
    'transfer_coding_unknown',
    'Of transfer codings only chunked is known here; name a compression in Content-Encoding',
  ),
}

function faultReply(status: number, code: string, title: string): Reply {
  const body = JSON.stringify({ type: 'about:blank', title, status, code })
  return { status, headers: { 'content-type': 'application/problem+json' }, body }
}

/** Path and query of a request target; proxies may send it in absolute form (RFC 9112, 3.2.2). */
function originForm(target: string): string {
  if (target.startsWith('/')) return target
  const authority = /^https?:\/\/[^/?#]*/i.exec(target)?.[0]
  if (authority === undefined) return target
  const path = target.slice(authority.length)
  return path.startsWith('/') ? path : `/${path}`
}

/** Bytes of a refused body that are read away so that the connection can be used again. */
const drainableBytes = 64 * 1024

function send(request: IncomingMessage, response: ServerResponse, reply: Reply, keepAlive: boolean): void {
  const goesOn = keepAlive && (request.complete || declaredBytes(request) <= drainableBytes)
  const headers: string[] = []
  for (const name in reply.headers) headers.push(name, reply.headers[name]!)
  headers.push('content-length', `${Buffer.byteLength(reply.body)}`)
  if (!goesOn) headers.push('connection', 'close')
  response.writeHead(reply.status, headers)
  // As text, head and body are one write. What is unread of the request, node:http reads away.
  response.end(reply.body)
}

/** The body's length as the head declares it: without either header there is no body (RFC 9112, 6.3). */
function declaredBytes({ headers }: IncomingMessage): number {
  return 'transfer-encoding' in headers ? Number.POSITIVE_INFINITY : Number(headers['content-length'] ?? 0)
}
