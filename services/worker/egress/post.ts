import type { Connection, Holder, Remote } from './connection.ts'
import type { Connections, Waiter } from './connections.ts'
import { type Deadline, type Deadlines, type Expiring, openDeadlines } from './deadlines.ts'
import type { Dialling } from './dial.ts'
import { EgressError } from './egress-error.ts'

/** One POST: what goes out, and until when. */
export interface Post {
  readonly remote: Remote
  /** The head's lines from elsewhere, each with its line end: see `headers.ts`. */
  readonly headerLines: string
  readonly body: Uint8Array
  /** Milliseconds from the call, waiting for a connection included, to the end of the response. */
  readonly timeoutMs: number
  /** Bytes of the response's body that are kept; those after them are read and dropped. */
  readonly keepBytes: number
  /** Bytes of the response's body after which the connection is cut; the status counts all the same. */
  readonly maxBytes: number
  /** GET: without a body. Default: POST. */
  readonly method?: 'GET'
  /** Whether it goes out on a connection of its own that is dialled for it. Default: false. */
  readonly fresh?: boolean
}

/** An answer, and those of its headers that decide anything. */
export interface Answer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly location: string | undefined
  /** As in Content-Encoding, codings of Transfer-Encoding included. */
  readonly contentEncoding: string | undefined
  /** The first `keepBytes` of the body, as it came. */
  readonly body: Uint8Array
  /** There was more than `keepBytes`. */
  readonly cut: boolean
  readonly traffic: Traffic
}

/** What was seen of an exchange on its connection, however it ended. Times in milliseconds; undefined: not reached. */
export interface Traffic {
  readonly dialling: Dialling
  /** The connection had carried a request before. */
  readonly reused: boolean
  readonly waitMs: number | undefined
  readonly downloadMs: number | undefined
  /** Status line and header lines, each with a line feed; empty: there was no answer. */
  readonly head: string
  readonly headCut: boolean
}

/** How a POST ends: one of these is called, once. A failure is what `Poster` lists. */
export interface Ending {
  answered(answer: Answer): void
  /** @param traffic undefined where there was no connection */
  failed(error: unknown, traffic?: Traffic): void
}

/**
 * Posts on a borrowed connection. Ends with the answer, whatever its status.
 *
 * A request that went out on a reused connection and found it closed before any byte of an answer is sent again once, on
 * a new connection: peers close idle connections just as they are reused, which is nobody's failure (RFC 9112, 9.3.1
 * leaves it to who knows that repeating is safe). A delivery may be repeated anyway, and carries its id.
 *
 * It fails with what `signal` was aborted with; EgressError `FAIRLEAD_RESPONSE_TIMEOUT`, `ETIMEDOUT` (no connection in
 * time), `FAIRLEAD_NO_CONNECTION`, `FAIRLEAD_NOT_HTTP`, `FAIRLEAD_RESPONSE_TOO_LARGE`, `FAIRLEAD_STOPPED`, `ECONNRESET`;
 * the errors of `Dial`, net and tls.
 */
export interface Poster extends Disposable {
  post(request: Post, signal: AbortSignal, ending: Ending): void
}

export function openPoster(connections: Connections): Poster {
  const flights = new WeakMap<AbortSignal, Set<Exchange>>()
  const deadlines = openDeadlines()
  return {
    post(request, signal, ending) {
      if (signal.aborted) ending.failed(signal.reason)
      else
        new Exchange(connections, deadlines, request, flightsOf(flights, signal), ending).begin(
          request.fresh === true,
        )
    },
    [Symbol.dispose]: () => deadlines[Symbol.dispose](),
  }
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

/** Errors that a connection ends with which its peer has closed. */
const closedByPeer = new Set(['ECONNRESET', 'EPIPE'])

/** A request and its answer. A class for the hot path's sake: closures would be made anew for each request. */
class Exchange implements Waiter, Holder, Expiring {
  deadline: Deadline | undefined
  readonly #connections: Connections
  readonly #deadlines: Deadlines
  readonly #request: Post
  readonly #flying: Set<Exchange>
  readonly #ending: Ending
  #connection: Connection | undefined
  #finished = false
  #again = false
  #sent = false
  #reused = false
  #sentMs = 0
  #firstByteMs = 0

  constructor(
    connections: Connections,
    deadlines: Deadlines,
    request: Post,
    flying: Set<Exchange>,
    ending: Ending,
  ) {
    this.#connections = connections
    this.#deadlines = deadlines
    this.#request = request
    this.#flying = flying
    this.#ending = ending
    deadlines.begin(this, request.timeoutMs)
    flying.add(this)
  }

  begin(fresh: boolean): void {
    this.#connections.borrow(this.#request.remote, this, fresh)
  }

  ready(connection: Connection): void {
    this.#connection = connection
    connection.hold(this)
  }

  refused(error: Error): void {
    this.#fail(error)
  }

  sending(): void {
    const connection = this.#connection!
    const { remote, headerLines, body, keepBytes, maxBytes, method } = this.#request
    this.#sent = true
    this.#reused = connection.requests > 0
    connection.parser.reset(keepBytes, maxBytes)
    const { headBegins } = remote.target
    const head =
      method === 'GET'
        ? `GET${headBegins.slice('POST'.length)}${headerLines}\r\n`
        : `${headBegins}${headerLines}content-length: ${body.length}\r\n\r\n`
    connection.write(head, body)
    this.#sentMs = performance.now()
  }

  received(): void {
    const { parser } = this.#connection!
    if (this.#firstByteMs === 0) this.#firstByteMs = performance.now()
    if (!parser.over || this.#finished) return
    const { status, retryAfter, location, contentEncoding } = parser.head
    const { body, bodyCut: cut } = parser
    const traffic = this.#traffic(this.#connection!)
    const answer = { status, retryAfter, location, contentEncoding, body, cut, traffic }
    this.#finish()
    this.#giveBack()
    this.#ending.answered(answer)
  }

  lost(error: unknown): void {
    if (this.#finished) return
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const unanswered = this.#reused && !this.#connection!.parser.begun && closedByPeer.has(code)
    if (!unanswered || this.#again) {
      this.#fail(error)
      return
    }
    this.#again = true
    this.#reused = false
    this.#sent = false
    this.#sentMs = 0
    this.#giveBack()
    this.begin(true)
  }

  abort(reason: unknown): void {
    this.#fail(reason)
  }

  expire(): void {
    const { timeoutMs, remote } = this.#request
    if (this.#sent) {
      this.#fail(new EgressError('FAIRLEAD_RESPONSE_TIMEOUT', `no complete answer within ${timeoutMs} ms`))
    } else if (this.#connection) {
      this.#fail(new EgressError('ETIMEDOUT', `no connection within ${timeoutMs} ms`))
    } else if (this.#connections.isFull(remote)) {
      // Its own requests before it are slow; whether the host can be reached is not known.
      const reason = `no free connection within ${timeoutMs} ms: too many requests to this host are under way`
      this.#fail(new EgressError('FAIRLEAD_RESPONSE_TIMEOUT', reason))
    } else {
      const reason = `no free connection within ${timeoutMs} ms: the worker has as many as it may have`
      this.#fail(new EgressError('FAIRLEAD_NO_CONNECTION', reason))
    }
  }

  #fail(error: unknown): void {
    if (this.#finished) return
    this.#finish()
    const traffic = this.#connection && this.#traffic(this.#connection)
    if (this.#connection) this.#giveBack()
    else this.#connections.cancel(this.#request.remote, this)
    this.#ending.failed(error, traffic)
  }

  #traffic({ dialling, parser }: Connection): Traffic {
    const first = this.#firstByteMs
    return {
      dialling,
      reused: this.#reused,
      waitMs: first === 0 || this.#sentMs === 0 ? undefined : first - this.#sentMs,
      downloadMs: first === 0 ? undefined : performance.now() - first,
      head: first === 0 ? '' : parser.head.shown,
      headCut: parser.head.shownCut,
    }
  }

  #finish(): void {
    this.#finished = true
    this.#deadlines.end(this)
    this.#flying.delete(this)
  }

  #giveBack(): void {
    const connection = this.#connection!
    this.#connection = undefined
    this.#connections.giveBack(connection)
  }
}
