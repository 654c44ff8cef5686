import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
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

/**
 * node:http as it is, with limits: nothing but `answer` lives between a socket and its reply.
 * @param isLeaving while true, each answer asks its client to connect anew: whoever keeps a connection doesn't notice
 * that a Service has no more connections for us, and would write into it while it is closed. Default: never
 */
export function openServer(
  answer: (request: IncomingMessage) => Promise<Reply>,
  limits: ServerLimits,
  failed: (error: unknown) => void,
  isLeaving: () => boolean = () => false,
): Server {
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
      answer(request)
        .catch((error: unknown) => {
          failed(error)
          return internalError
        })
        // A client that keeps its connection busy would hold up a stop for ever: it is told to go elsewhere.
        .then(reply => send(request, response, reply, server.listening && !isLeaving()))
        .catch(failed)
    },
  )
  server.maxConnections = limits.maxConnections
  return server
}

const internalError: Reply = {
  status: 500,
  headers: { 'content-type': 'application/problem+json', 'retry-after': '30' },
  body: '{"type":"about:blank","title":"This is a fault of ours; send it again","status":500,"code":"internal"}',
}

/** Bytes of a refused body that are read away so that the connection can be used again. */
const drainableBytes = 64 * 1024

function send(request: IncomingMessage, response: ServerResponse, reply: Reply, keepAlive: boolean): void {
  const unread = !request.complete
  const drain =
    unread && Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY) <= drainableBytes
  response.writeHead(reply.status, {
    ...reply.headers,
    'content-length': Buffer.byteLength(reply.body),
    ...((!keepAlive || (unread && !drain)) && { connection: 'close' }),
  })
  // As text, head and body are one write.
  response.end(reply.body)
  if (drain) request.resume()
}
