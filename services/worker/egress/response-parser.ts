import { EgressError } from './egress-error.ts'
import { notHttp, notHttpAtAll, ResponseHead } from './response-head.ts'

/**
 * Reads one answer of HTTP/1.1 from the bytes of a connection, however they are cut:
 *
 *   head ─ 1xx ─▶ head          ┌─▶ length ───────────────────────────────┐
 *     └─ else ──────────────────┼─▶ until_close ──(the peer closes)───────┼─▶ complete
 *                               └─▶ chunk_size ─▶ chunk_data ─▶ chunk_end ┤
 *                                     │   ▲─────────────────────────┘     │    any body beyond its bound ─▶ cut
 *                                     └─(last)─▶ trailer ─────────────────┘
 *
 * It holds at most a head line, and the first bytes of the body. One for each connection: `reset` begins anew.
 */
export interface ParserLimits {
  /** Bytes of a head (of each interim one too). */
  readonly maxHeadBytes: number
}

type State =
  | 'head'
  | 'length'
  | 'until_close'
  | 'chunk_size'
  | 'chunk_data'
  | 'chunk_end'
  | 'trailer'
  | 'complete'
  | 'cut'

/** Interim answers (1xx) that are read before the final one; more than any server sends. */
const maxInterim = 16
/** Bytes of all chunk extensions of an answer, and of its trailer. Nothing in them is of use. */
const maxAsideBytes = 16 * 1024
/** Bytes of a line with a chunk's size and extensions. */
const maxChunkLineBytes = 4096
const statusLineBegins = 'HTTP/1.'
/** A head is taken in pieces of so many bytes, so that a large body behind it is not read as text. */
const headWindow = 2048
const chunkWindow = 128

export class ResponseParser {
  readonly head = new ResponseHead()
  readonly #limits: ParserLimits
  #state: State = 'head'
  #interim = 0
  /** A line's beginning, until the rest of it is there. */
  #partial = ''
  #beginningChecked = false
  #headBytes = 0
  #asideBytes = 0
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left = 0
  #kept: Buffer[] = []
  #keptBytes = 0
  #keepBytes = 0
  #maxBytes = 0
  #bodyBytes = 0
  #begun = false
  #surplus = false
  #persistent = false

  constructor(limits: ParserLimits) {
    this.#limits = limits
  }

  /**
   * @param keepBytes of the body; those after them are read and dropped
   * @param maxBytes of the body, after which the answer is over, and its connection too
   */
  reset(keepBytes: number, maxBytes: number): void {
    this.head.reset()
    this.head.lenient = false
    this.#state = 'head'
    this.#interim = 0
    this.#partial = ''
    this.#beginningChecked = false
    this.#headBytes = 0
    this.#asideBytes = 0
    this.#left = 0
    if (this.#keptBytes > 0) this.#kept = []
    this.#keptBytes = 0
    this.#keepBytes = keepBytes
    this.#maxBytes = maxBytes
    this.#bodyBytes = 0
    this.#begun = false
    this.#surplus = false
    this.#persistent = false
  }

  /** A byte of an answer has come. */
  get begun(): boolean {
    return this.#begun
  }

  /** The answer is there, in full or up to its bound. */
  get over(): boolean {
    return this.#state === 'complete' || this.#state === 'cut'
  }

  /** The connection may carry another request: nothing in the answer leaves a doubt about where it ended. */
  get reusable(): boolean {
    return this.#state === 'complete' && this.#persistent && !this.head.lenient && !this.#surplus
  }

  /** The first `keepBytes` of the body, as it came. */
  get body(): Uint8Array {
    if (this.#keptBytes === 0) return nothing
    return this.#kept.length === 1 ? this.#kept[0]! : Buffer.concat(this.#kept)
  }

  /** There was more of the body than is kept. */
  get bodyCut(): boolean {
    return this.#bodyBytes > this.#keepBytes
  }

  /**
   * Takes the first `length` of `bytes`, and keeps none of that memory.
   * @throws EgressError `FAIRLEAD_NOT_HTTP`, `FAIRLEAD_RESPONSE_TOO_LARGE`; the connection can't be used any more then
   */
  push(bytes: Buffer, length: number): void {
    let at = 0
    if (length > 0) this.#begun = true
    while (at < length) {
      switch (this.#state) {
        case 'length':
        case 'chunk_data':
        case 'until_close':
          at = this.#take(bytes, at, length)
          break
        case 'complete':
        case 'cut':
          this.#surplus = true
          return
        default:
          at = this.#takeLines(bytes, at, length)
      }
    }
  }

  /**
   * The peer has closed: the end of a body that has no other.
   * @throws EgressError `ECONNRESET`
   */
  end(): void {
    if (this.#state === 'until_close') this.#state = 'complete'
    if (this.over) return
    throw new EgressError(
      'ECONNRESET',
      this.#begun ? 'closed before the end of its answer' : 'closed without an answer',
    )
  }

  #take(bytes: Buffer, at: number, length: number): number {
    const count = this.#state === 'until_close' ? length - at : Math.min(this.#left, length - at)
    const keep = Math.min(count, this.#keepBytes - this.#keptBytes)
    if (keep > 0) {
      this.#kept.push(Buffer.from(bytes.subarray(at, at + keep)))
      this.#keptBytes += keep
    }
    this.#bodyBytes += count
    this.#left -= count
    if (this.#bodyBytes > this.#maxBytes) this.#state = 'cut'
    else if (this.#state === 'length' && this.#left === 0) this.#state = 'complete'
    else if (this.#state === 'chunk_data' && this.#left === 0) this.#state = 'chunk_end'
    return at + count
  }

  #takeLines(bytes: Buffer, at: number, length: number): number {
    const window = this.#state === 'head' ? headWindow : chunkWindow
    const text = bytes.toString('latin1', at, Math.min(length, at + window))
    let start = 0
    while (start < text.length) {
      const feed = text.indexOf('\n', start)
      if (feed < 0) {
        this.#keepPartial(text.slice(start))
        return at + text.length
      }
      if (this.#partial === '') this.#line(text, start, feed)
      else {
        const whole = this.#partial + text.slice(start, feed)
        this.#partial = ''
        this.#line(whole, 0, whole.length)
      }
      start = feed + 1
      if (this.#state !== 'head' && this.#state !== 'trailer') return at + start
    }
    return at + start
  }

  /** The beginning of a line. What it shows to be wrong is said without waiting for its end, which may never come. */
  #keepPartial(text: string): void {
    this.#partial += text
    const { length } = this.#partial
    if (this.#state === 'chunk_end' && this.#partial !== '\r') throw wrongChunk()
    if (this.#state === 'head' && !this.head.begun && !this.#beginningChecked) {
      this.#checkBeginning(this.#partial, 0, length)
      this.#beginningChecked = length >= statusLineBegins.length
    }
    // Its line feed is still to come.
    this.#bound(length + 1)
  }

  #checkBeginning(text: string, start: number, end: number): void {
    const begins = text.slice(start, Math.min(end, start + statusLineBegins.length))
    if (begins !== '\r' && !statusLineBegins.startsWith(begins)) throw notHttpAtAll(text.slice(start, end))
  }

  #line(text: string, start: number, feed: number): void {
    const end = feed > start && text.charCodeAt(feed - 1) === 13 ? feed - 1 : feed
    // RFC 9112, 2.2: a line feed alone may end a line.
    if (end === feed) this.head.lenient = true
    switch (this.#state) {
      case 'head':
        if (!this.head.begun && start !== end) this.#checkBeginning(text, start, end)
        this.#bound(feed - start + 1)
        this.#headBytes += feed - start + 1
        this.#beginningChecked = false
        if (this.head.line(text, start, end)) this.#headIsOver()
        break
      case 'chunk_size':
        this.#bound(feed - start + 1)
        this.#chunkSize(text.slice(start, end))
        break
      case 'chunk_end':
        if (start !== end) throw wrongChunk()
        this.#state = 'chunk_size'
        break
      case 'trailer':
        this.#bound(feed - start + 1)
        this.#asideBytes += feed - start + 1
        if (start === end) this.#state = 'complete'
        break
      default:
        throw new TypeError(`no line is read in the state ${this.#state}`)
    }
  }

  /** @param more bytes of the line that is being read, its line feed counted */
  #bound(more: number): void {
    const { maxHeadBytes } = this.#limits
    if (this.#state === 'head' && this.#headBytes + more > maxHeadBytes) {
      throw tooLarge(`the head of the answer has more than ${maxHeadBytes} bytes`)
    }
    if (this.#state === 'chunk_size' && more > maxChunkLineBytes) throw tooLarge(aside)
    if (this.#state === 'trailer' && this.#asideBytes + more > maxAsideBytes) throw tooLarge(aside)
  }

  #headIsOver(): void {
    const { head } = this
    this.#headBytes = 0
    if (head.status >= 100 && head.status < 200) {
      // RFC 9110, 15.2: any number of them, asked for or not. 101 would hand over the connection to something else.
      if (head.status === 101) throw notHttp('the answer is 101: it changes the protocol, unasked')
      if (++this.#interim > maxInterim) throw notHttp(`more than ${maxInterim} interim answers`)
      head.reset()
      return
    }
    this.#persistent = head.persistent
    if (head.bodiless) {
      // Bytes that were sent all the same would be taken for the next answer.
      const empty = head.contentLength === undefined || head.contentLength === '0'
      if (!empty || head.transferEncoding !== undefined) head.lenient = true
      this.#state = 'complete'
      return
    }
    const framing = head.framing()
    switch (framing.kind) {
      case 'length':
        this.#left = framing.bytes
        this.#state = framing.bytes === 0 ? 'complete' : 'length'
        break
      case 'chunked':
        this.#state = 'chunk_size'
        break
      case 'until_close':
        this.#persistent = false
        this.#state = 'until_close'
        break
      default:
        framing satisfies never
    }
  }

  /** RFC 9112, 7.1: a number in hex, and extensions, which are not understood and so ignored. */
  #chunkSize(line: string): void {
    // Any number of zeros may stand before it; what is too long to be a size is no safe number.
    const [whole, digits] = /^([0-9A-Fa-f]+)[ \t]*(?=;|$)/.exec(line) ?? []
    if (whole === undefined || digits === undefined) throw notHttp('a chunk does not begin with its size')
    const size = Number.parseInt(digits, 16)
    if (!Number.isSafeInteger(size)) throw notHttp('a chunk has a size that no body has')
    if (whole.length !== digits.length) this.head.lenient = true
    this.#asideBytes += line.length - Math.min(digits.length, longestSize)
    if (this.#asideBytes > maxAsideBytes) throw tooLarge(aside)
    this.#left = size
    this.#state = size === 0 ? 'trailer' : 'chunk_data'
  }
}

/** Digits of a size that has no zeros before it. */
const longestSize = 16
const nothing = new Uint8Array(0)
const aside = 'chunk extensions and trailer are longer than any server needs'

function wrongChunk(): EgressError {
  return notHttp('a chunk is longer than it says')
}

function tooLarge(message: string): EgressError {
  return new EgressError('FAIRLEAD_RESPONSE_TOO_LARGE', message)
}
