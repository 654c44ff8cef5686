import type { Socket } from 'node:net'
import type { ClientCertificate, Dial, Dialling } from './dial.ts'
import { EgressError } from './egress-error.ts'
import { ResponseParser } from './response-parser.ts'
import type { Target } from './target.ts'

/** The other end of connections, and as whom Fairlead makes them: origin, owner, client certificate. */
export interface Remote {
  /** Equal for what may share connections. */
  readonly key: string
  readonly target: Target
  readonly certificate: ClientCertificate | undefined
}

/** What a connection tells whoever has it. */
export interface Holder {
  /** The request is about to be written, on a connected socket. */
  sending(): void
  /** Bytes of an answer have been read; see `parser`. */
  received(): void
  /** No answer, or no more of it: the error of `Dial`, of the parser, or of the socket. */
  lost(error: unknown): void
}

/** Errors of a socket that say that the peer cut it: RST, a write after it. */
const closedByPeer = new Set(['ECONNRESET', 'EPIPE'])
/** Bytes of a body that leave in one write with the head. */
const oneWriteBytes = 16 * 1024
/** Room for such a body and a head as long as servers take one. */
const scratchBytes = 64 * 1024

/** Where requests are put together, for all connections: a write that the kernel took at once has left it again. */
export interface Scratch {
  bytes: Buffer
}

export function openScratch(): Scratch {
  return { bytes: Buffer.allocUnsafeSlow(scratchBytes) }
}

/**
 * One connection of HTTP/1.1: a socket, which is dialled for the first request, and the answer that is being read. It
 * carries one request at a time. What comes while nobody holds it (bytes, an end, an error) ends it: `onUnasked`.
 */
export class Connection {
  readonly remote: Remote
  readonly parser: ResponseParser
  readonly openedMs = performance.now()
  /** Requests begun on it. */
  requests = 0
  /** How it was dialled. */
  readonly dialling: Dialling = {}
  /** When an idle one is closed. */
  expiresMs = 0
  readonly #dial: Dial
  readonly #scratch: Scratch
  readonly #onUnasked: (connection: Connection) => void
  readonly #dialling = new AbortController()
  #socket: Socket | undefined
  #holder: Holder | undefined
  #closed = false

  constructor(
    remote: Remote,
    dial: Dial,
    scratch: Scratch,
    maxHeadBytes: number,
    onUnasked: (connection: Connection) => void,
  ) {
    this.remote = remote
    this.parser = new ResponseParser({ maxHeadBytes })
    this.#dial = dial
    this.#scratch = scratch
    this.#onUnasked = onUnasked
  }

  get holder(): Holder | undefined {
    return this.#holder
  }

  /** The answer is there in full, the request is out, and both ends keep the connection. */
  get reusable(): boolean {
    return !this.#closed && this.parser.reusable && this.#socket?.writableLength === 0
  }

  /** Whoever holds it begins a request: the socket is dialled first, if there is none. */
  hold(holder: Holder): void {
    this.#holder = holder
    if (this.#socket) holder.sending()
    else this.#connect()
  }

  release(): void {
    this.#holder = undefined
  }

  /** @param head in Latin-1, with the empty line at its end */
  write(head: string, body: Uint8Array): void {
    const socket = this.#socket!
    this.requests++
    const length = head.length + body.length
    if (body.length > oneWriteBytes || length > scratchBytes) {
      socket.cork()
      socket.write(head, 'latin1')
      socket.write(body)
      socket.uncork()
      return
    }
    // TLS holds the bytes until they are encrypted, so that they need memory of their own.
    const own = this.remote.target.secure
    const bytes = own ? Buffer.allocUnsafe(length) : this.#scratch.bytes
    bytes.write(head, 0, head.length, 'latin1')
    bytes.set(body, head.length)
    socket.write(own ? bytes : bytes.subarray(0, length))
    if (!own && socket.writableLength > 0) this.#scratch.bytes = Buffer.allocUnsafeSlow(scratchBytes)
  }

  /** Resolves when nothing is left of it. */
  close(): Promise<void> {
    this.#closed = true
    this.#holder = undefined
    const socket = this.#socket
    if (!socket) this.#dialling.abort()
    if (!socket || socket.closed) return Promise.resolve()
    return new Promise(resolve => {
      socket.once('close', () => resolve())
      socket.destroy()
    })
  }

  #connect(): void {
    const { target, certificate } = this.remote
    const dialled = this.#dial(target, certificate, this.#dialling.signal, this.#onBytes, this.dialling)
    dialled.then(
      socket => this.#connected(socket),
      error => this.#lose(error),
    )
  }

  #connected(socket: Socket): void {
    this.#socket = socket
    if (this.#closed) {
      socket.destroy()
      return
    }
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onError)
    socket.on('close', this.#onEnd)
    if (socket.destroyed || !this.#holder) this.#onEnd()
    else this.#holder.sending()
  }

  readonly #onBytes = (length: number, bytes: Buffer): boolean => {
    const holder = this.#holder
    if (!holder || this.requests === 0) {
      // No request is out that this could answer.
      this.#lose(new EgressError('FAIRLEAD_NOT_HTTP', 'an answer came before the request'))
      return true
    }
    try {
      this.parser.push(bytes, length)
    } catch (error) {
      this.#lose(error)
      return true
    }
    holder.received()
    return true
  }

  readonly #onEnd = (): void => {
    if (this.#closed) return
    try {
      if (this.#holder) this.parser.end()
    } catch (error) {
      this.#lose(error)
      return
    }
    const holder = this.#holder
    if (holder) holder.received()
    else this.#onUnasked(this)
  }

  readonly #onError = (error: Error & { code?: string }): void => {
    const code = error.code ?? ''
    const told = closedByPeer.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
    // A socket that was connected: ETIMEDOUT, say, is no failure to connect.
    const lost = told
      ? error
      : new EgressError('ECONNRESET', `the connection was lost (${code})`, { cause: error })
    this.#lose(lost)
  }

  #lose(error: unknown): void {
    if (this.#closed) return
    const holder = this.#holder
    if (holder) holder.lost(error)
    else this.#onUnasked(this)
  }
}
