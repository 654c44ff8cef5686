import { EgressError } from './egress-error.ts'

/** Header lines of one head; more than any server sends. */
const maxHeaders = 256
/** Characters of a head that are kept as they came, for people. */
const maxShown = 2048

/** RFC 9110, 5.6.2, by character code. */
const isToken = new Uint8Array(256)
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  isToken[character.charCodeAt(0)] = 1
}

/** The headers that decide anything. All others are only looked over for their form. */
type Known =
  | 'connection'
  | 'contentEncoding'
  | 'contentLength'
  | 'keepAlive'
  | 'location'
  | 'retryAfter'
  | 'transferEncoding'

/** By length first, because that tells most headers apart from these without a look at their letters. */
function knownOf(text: string, start: number, end: number): Known | undefined {
  switch (end - start) {
    case 8:
      return is('location', text, start, end) ? 'location' : undefined
    case 10:
      if (is('keep-alive', text, start, end)) return 'keepAlive'
      return is('connection', text, start, end) ? 'connection' : undefined
    case 11:
      return is('retry-after', text, start, end) ? 'retryAfter' : undefined
    case 14:
      return is('content-length', text, start, end) ? 'contentLength' : undefined
    case 16:
      return is('content-encoding', text, start, end) ? 'contentEncoding' : undefined
    case 17:
      return is('transfer-encoding', text, start, end) ? 'transferEncoding' : undefined
    default:
      return undefined
  }
}

/** Whether that part of a text is a name, in whatever letter case. */
function is(name: string, text: string, start: number, end: number): boolean {
  return text.startsWith(name, start) || text.slice(start, end).toLowerCase() === name
}

/** How the end of an answer's body is found (RFC 9112, 6.3). */
export type Framing =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until_close' }

/**
 * An answer's status line and headers, line by line. Strict where the end of the answer depends on it; where RFC 9110 and
 * 9112 oblige or allow a recipient to read on, it does, and says `lenient`.
 */
export class ResponseHead {
  status = 0
  /** Status line and header lines as they came, each with a line feed: the first 2,048 characters, to the end of a line. */
  shown = ''
  /** There is more of the head than `shown`. */
  shownCut = false
  /** Something in it is not as a sender must write it. Its connection is not used again. */
  lenient = false
  contentEncoding: string | undefined
  location: string | undefined
  retryAfter: string | undefined
  contentLength: string | undefined
  transferEncoding: string | undefined
  connection: string | undefined
  keepAlive: string | undefined
  #minor = 1
  #headers = 0
  #begun = false
  /** The header whose value may go on in the next line (obs-fold). */
  #open: Known | undefined
  #value = ''

  /** Before the next head. `lenient` is left: it holds for the whole answer. */
  reset(): void {
    this.status = 0
    this.shown = ''
    this.shownCut = false
    this.#begun = false
    this.#headers = 0
    this.#open = undefined
    this.contentEncoding = undefined
    this.location = undefined
    this.retryAfter = undefined
    this.contentLength = undefined
    this.transferEncoding = undefined
    this.connection = undefined
    this.keepAlive = undefined
  }

  get begun(): boolean {
    return this.#begun
  }

  /**
   * One line of `text`, without its line end.
   * @returns whether it ends the head
   * @throws EgressError `FAIRLEAD_NOT_HTTP`
   */
  line(text: string, start: number, end: number): boolean {
    if (start !== end) this.#show(text, start, end)
    if (!this.#begun) {
      // Some servers send an empty line too many after the body before.
      if (start === end) this.lenient = true
      else this.#statusLine(text, start, end)
      return false
    }
    const first = text.charCodeAt(start)
    if (start !== end && (first === 32 || first === 9)) {
      this.#fold(text, start, end)
      return false
    }
    this.#commit()
    if (start === end) return true
    if (++this.#headers > maxHeaders) throw notHttp(`the answer has more than ${maxHeaders} header lines`)
    this.#header(text, start, end)
    return false
  }

  #show(text: string, start: number, end: number): void {
    if (this.shownCut || this.shown.length + end - start >= maxShown) this.shownCut = true
    else this.shown += `${text.slice(start, end)}\n`
  }

  /** RFC 9112, 4: `HTTP/1.1 200 OK`. The reason phrase and the space before it may be absent. */
  #statusLine(text: string, start: number, end: number): void {
    const minor = text.charCodeAt(start + 7) - 48
    if (!text.startsWith('HTTP/1.', start) || !(minor >= 0 && minor <= 9))
      throw notHttpAtAll(text.slice(start))
    let at = start + 8
    while (at < end && isBlank(text.charCodeAt(at))) at++
    if (at !== start + 9 || text.charCodeAt(start + 8) !== 32) this.lenient = true
    const digits = text.slice(at, Math.min(end, at + 3))
    const after = at + 3 < end ? text.charCodeAt(at + 3) : 32
    if (at === start + 8 || !/^\d{3}$/.test(digits) || !isBlank(after)) {
      throw notHttp('the status line has no status of three digits')
    }
    this.status = Number(digits)
    this.#minor = minor
    this.#begun = true
  }

  #header(text: string, start: number, end: number): void {
    let at = start
    while (at < end && isToken[text.charCodeAt(at)] === 1) at++
    const nameEnd = at
    while (at < end && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at++
    if (nameEnd === start || at === end || text.charCodeAt(at) !== 58) {
      throw notHttp('a header line has no name and colon')
    }
    // A proxy must remove this blank (RFC 9112, 5.1), so that a recipient does no wrong in doing so.
    if (at !== nameEnd) this.lenient = true
    this.#open = knownOf(text, start, nameEnd)
    if (this.#open) this.#value = text.slice(at + 1, end)
  }

  /** RFC 9112, 5.2: a line that begins with a blank goes on with the value before; the break counts as a space. */
  #fold(text: string, start: number, end: number): void {
    this.lenient = true
    // Before the first header it is a line of nothing (RFC 9112, 2.2).
    if (this.#open) this.#value = `${trim(this.#value)} ${trim(text.slice(start, end))}`
  }

  #commit(): void {
    const name = this.#open
    if (!name) return
    this.#open = undefined
    let value = trim(this.#value)
    if (value.includes('\r') || value.includes('\0')) {
      // RFC 9110, 5.5.
      this.lenient = true
      value = trim(value.replace(/[\r\0]/g, ' '))
    }
    const before = this[name]
    if (before === undefined) this[name] = value
    // Of what is no list the first counts, as node does it.
    else if (name !== 'location' && name !== 'retryAfter') this[name] = `${before}, ${value}`
  }

  /** @throws EgressError `FAIRLEAD_NOT_HTTP` where the end of the answer can't be told for sure */
  framing(): Framing {
    const codings = this.transferEncoding === undefined ? [] : listOf(this.transferEncoding)
    if (codings.length === 0 || (codings.length === 1 && codings[0] === 'identity')) {
      if (this.transferEncoding !== undefined) this.lenient = true
      return this.#length()
    }
    const isChunked = codings.at(-1) === 'chunked'
    if (isChunked && codings.indexOf('chunked') !== codings.length - 1) {
      throw notHttp('Transfer-Encoding is chunked twice')
    }
    // RFC 9112, 6.1: both at once, or in HTTP/1.0, may be an attempt to smuggle.
    if (!isChunked || this.contentLength !== undefined || this.#minor === 0) this.lenient = true
    const outer = isChunked ? codings.slice(0, -1) : codings
    if (outer.length > 0) {
      this.contentEncoding = [this.contentEncoding ?? [], ...outer].flat().join(', ')
    }
    // RFC 9112, 6.3: where chunked is not the last coding the body ends with the connection.
    return { kind: isChunked ? 'chunked' : 'until_close' }
  }

  /** RFC 9112, 6.3, and 9110, 8.6: the same number may be said more than once. */
  #length(): Framing {
    if (this.contentLength === undefined) return { kind: 'until_close' }
    const numbers = this.contentLength
      .split(',')
      .map(text => (/^[ \t]*\d{1,15}[ \t]*$/.test(text) ? Number(text) : NaN))
    const bytes = numbers[0]!
    if (numbers.some(Number.isNaN)) throw notHttp('Content-Length is no number')
    if (numbers.some(number => number !== bytes)) throw notHttp('Content-Length is said twice, differently')
    return { kind: 'length', bytes }
  }

  /** No body follows, whatever the headers say (RFC 9112, 6.3). */
  get bodiless(): boolean {
    return this.status === 204 || this.status === 304
  }

  /** Whether the sender keeps the connection (RFC 9112, 9.3). */
  get persistent(): boolean {
    if (this.connection === undefined) return this.#minor > 0
    const options = listOf(this.connection)
    return !options.includes('close') && (this.#minor > 0 || options.includes('keep-alive'))
  }

  /** Milliseconds that the sender says it keeps an idle connection; undefined where it doesn't say. */
  get keepAliveMs(): number | undefined {
    if (this.keepAlive === undefined) return undefined
    const [, seconds] = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,7})/i.exec(this.keepAlive) ?? []
    return seconds === undefined ? undefined : Number(seconds) * 1000
  }
}

/** What a line that is no status line is, in words. */
export function notHttpAtAll(text: string): EgressError {
  return notHttp(
    /^HTTP\/\d/.test(text) ? 'the answer is not HTTP/1.1, but another version' : 'the answer is not HTTP',
  )
}

export function notHttp(message: string): EgressError {
  return new EgressError('FAIRLEAD_NOT_HTTP', message)
}

/** What RFC 9112, 4, lets stand between the words of a status line. */
function isBlank(code: number): boolean {
  return code === 32 || code === 9 || code === 11 || code === 12 || code === 13
}

/** A list's elements in lower case; empty ones don't count (RFC 9110, 5.6.1). */
function listOf(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map(trim)
    .filter(element => element !== '')
}

/** Without the blanks and tabs around (OWS). `String.trim` would take more: a no-break space is a byte of the value. */
function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9)) start++
  while (end > start && (text.charCodeAt(end - 1) === 32 || text.charCodeAt(end - 1) === 9)) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}
