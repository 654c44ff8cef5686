import type { IncomingHttpHeaders } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import type { Connection, Connections, Place, Waiter } from './connections.ts'
import { EgressError } from './egress-error.ts'

/** One POST: what goes out, and until when. */
export interface Post {
  readonly place: Place
  /** Names and values in turn, fit to be sent. */
  readonly headers: string[]
  readonly body: Uint8Array
  /** Milliseconds from the call, waiting for a connection included, to the end of the response. */
  readonly timeoutMs: number
  /** Bytes of the response's body that are kept; those after them are read and dropped. */
  readonly keepBytes: number
  /** Bytes of the response's body after which the connection is cut; the status counts all the same. */
  readonly maxBytes: number
}

export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders
  /** The first `keepBytes` of the body, as it came. */
  readonly body: Uint8Array
  /** There was more than `keepBytes`. */
  readonly cut: boolean
}

/** Interim answers (1xx) that are read before the final one; more than any server sends. */
const maxInterim = 16

/** What a peer's closing of a connection looks like: RST, a write after it, FIN before the answer. */
const closedByPeer = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/**
 * Posts on a borrowed connection. Resolves to the answer, whatever its status.
 *
 * A request that went out on a reused connection and found it closed before any byte of an answer is sent again once, on
 * a new connection: peers close idle connections just as they are reused, which is nobody's failure (RFC 9112, 9.3.1
 * leaves it to who knows that repeating is safe). A delivery may be repeated anyway, and carries its id.
 *
 * @throws what `signal` was aborted with; EgressError `FAIRLEAD_RESPONSE_TIMEOUT`, `ETIMEDOUT` (no connection in time),
 *   `HPE_INVALID_RESPONSE`, `HPE_TOO_MANY_INTERIM`; the errors of `Dial` and of undici
 */
export type Poster = (request: Post, signal: AbortSignal) => Promise<Answer>

export function openPoster(connections: Connections): Poster {
  const flights = new WeakMap<AbortSignal, Set<Exchange>>()
  return (request, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) reject(signal.reason)
      else new Exchange(connections, request, flightsOf(flights, signal), resolve, reject).begin(false)
    })
}

/** What is in flight under a signal, with one listener for all: a signal looks through its listeners at each change. */
function flightsOf(flights: WeakMap<AbortSignal, Set<Exchange>>, signal: AbortSignal): Set<Exchange> {
  const known = flights.get(signal)
  if (known) return known
  const flying = new Set<Exchange>()
  flights.set(signal, flying)
  signal.addEventListener('abort', () => {
    for (const exchange of flying) exchange.abort(signal.reason)
  })
  return flying
}

/** A class for the hot path's sake: undici calls eight methods of it for each request, which closures would make anew. */
class Exchange implements Waiter, Dispatcher.DispatchHandler {
  readonly #connections: Connections
  readonly #request: Post
  readonly #flying: Set<Exchange>
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  readonly #deadline: NodeJS.Timeout
  #connection: Connection | undefined
  #settled = false
  #again = false
  #sent = false
  #reused = false
  #answering = false
  #interim = 0
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #kept: Buffer[] = []
  #bytes = 0

  constructor(
    connections: Connections,
    request: Post,
    flying: Set<Exchange>,
    resolve: (answer: Answer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#connections = connections
    this.#request = request
    this.#flying = flying
    this.#resolve = resolve
    this.#reject = reject
    this.#deadline = setTimeout(expire, request.timeoutMs, this)
    flying.add(this)
  }

  begin(fresh: boolean): void {
    this.#connections.borrow(this.#request.place, this, fresh)
  }

  ready(connection: Connection): void {
    this.#connection = connection
    const { place, headers, body } = this.#request
    try {
      connection.client.dispatch({ path: place.target.path, method: 'POST', headers, body }, this)
    } catch (error) {
      // What undici finds unfit to be sent it throws, here perhaps into another request's giveBack.
      this.#fail(error)
    }
  }

  refused(error: Error): void {
    this.#fail(error)
  }

  /** The request is about to be written, on a connected socket. */
  onRequestStart(): void {
    this.#sent = true
    this.#reused = this.#connection!.requests++ > 0
  }

  onResponseStarted(): void {
    this.#answering = true
  }

  onResponseStart(_controller: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) {
      if (++this.#interim > maxInterim) {
        this.#fail(new EgressError('HPE_TOO_MANY_INTERIM', `more than ${maxInterim} interim answers`))
      }
      return
    }
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    if (this.#settled) return
    if (this.#bytes < this.#request.keepBytes) this.#kept.push(chunk)
    this.#bytes += chunk.length
    // Who answers 2xx has taken the delivery, however much it says about it: failing it would repeat it for nothing.
    if (this.#bytes > this.#request.maxBytes) this.#answer(false)
  }

  onResponseEnd(): void {
    this.#answer(true)
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#settled) return
    const code = 'code' in error ? String(error.code) : ''
    if (this.#reused && !this.#answering && !this.#again && closedByPeer.has(code)) {
      this.#again = true
      this.#reused = false
      this.#sent = false
      this.#giveBack(false)
      this.begin(true)
    } else if (error instanceof errors.HTTPParserError) {
      // undici 8.12 gives these no code.
      this.#fail(new EgressError('HPE_INVALID_RESPONSE', 'the answer is not HTTP', { cause: error }))
    } else this.#fail(error)
  }

  abort(reason: unknown): void {
    this.#fail(reason)
  }

  expire(): void {
    const { timeoutMs } = this.#request
    if (this.#sent) {
      this.#fail(new EgressError('FAIRLEAD_RESPONSE_TIMEOUT', `no complete answer within ${timeoutMs} ms`))
    } else if (this.#connection) {
      this.#fail(new EgressError('ETIMEDOUT', `no connection within ${timeoutMs} ms`))
    } else {
      // Its own requests before it are slow; whether the host can be reached is not known.
      const reason = `no free connection within ${timeoutMs} ms: too many requests to this host are under way`
      this.#fail(new EgressError('FAIRLEAD_RESPONSE_TIMEOUT', reason))
    }
  }

  #answer(complete: boolean): void {
    if (this.#settled) return
    const { keepBytes } = this.#request
    const body = this.#kept.length === 0 ? nothing : Buffer.concat(this.#kept).subarray(0, keepBytes)
    this.#settle()
    this.#giveBack(complete)
    this.#resolve({ status: this.#status, headers: this.#headers, body, cut: this.#bytes > keepBytes })
  }

  #fail(error: unknown): void {
    if (this.#settled) return
    this.#settle()
    if (this.#connection) this.#giveBack(false)
    else this.#connections.cancel(this.#request.place, this)
    this.#reject(error)
  }

  #settle(): void {
    this.#settled = true
    clearTimeout(this.#deadline)
    this.#flying.delete(this)
  }

  #giveBack(reusable: boolean): void {
    const connection = this.#connection!
    this.#connection = undefined
    this.#connections.giveBack(connection, reusable)
  }
}

const nothing = new Uint8Array(0)

function expire(exchange: Exchange): void {
  exchange.expire()
}
