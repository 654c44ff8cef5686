/*
 * The words of a JSON text, read from its bytes without parsing it: `JSON.parse` costs 6 µs a KB. Nothing here
 * validates. On text that isn't JSON each function still returns a position at or before `end`, and never throws.
 */

/** Longer values are no id, type or time. */
const maxValueBytes = 1024
/** Strings that are longer than this are searched for their end by Buffer, which costs about 80 ns to begin. */
const shortStringBytes = 64

export const quote = 0x22
export const openBrace = 0x7b
export const openBracket = 0x5b
export const closeBracket = 0x5d
export const comma = 0x2c
const backslash = 0x5c
const closeBrace = 0x7d
const colon = 0x3a
const zero = 0x30
const nine = 0x39

/** A body as Buffer over the same bytes: its indexOf is native. */
export function bufferOf(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

/** Where the text begins. Some senders put a byte order mark first, which JSON.parse would refuse. */
export function startOf(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
}

export function skipBlank(body: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(body[at]!)) at++
  return at
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

/** From behind a name on: where its value begins, or the end. */
export function valueAfter(body: Uint8Array, nameEnd: number, end: number): number {
  const at = skipBlank(body, nameEnd, end)
  return body[at] === colon ? skipBlank(body, at + 1, end) : end
}

/** From behind a value on: where the next name or element begins, or the end where the object or array closes. */
export function nextItem(body: Uint8Array, valueEnd: number, end: number): number {
  const at = skipBlank(body, valueEnd, end)
  return body[at] === comma ? skipBlank(body, at + 1, end) : end
}

/** Just past a value of any kind. Nesting is counted and not recursed into, so that depth costs nothing. */
export function skipValue(body: Buffer, start: number, end: number): number {
  return skipTo(body, start, end, 0)
}

/** Just past the object or array that is open at `start`. */
export function skipRest(body: Buffer, start: number, end: number): number {
  return skipTo(body, start, end, 1)
}

function skipTo(body: Buffer, start: number, end: number, open: number): number {
  let depth = open
  let at = start
  while (at < end) {
    const byte = body[at]!
    if (byte === quote) {
      at = endOfString(body, at, end)
      if (depth === 0) return at
      continue
    }
    if (byte === openBrace || byte === openBracket) depth++
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at
      depth--
      if (depth === 0) return at + 1
    } else if (byte === comma && depth === 0) return at
    at++
  }
  return end
}

/** Just past the closing quote of the string that opens at `start`, or the end where the string doesn't close. */
export function endOfString(body: Buffer, start: number, end: number): number {
  const near = Math.min(end, start + shortStringBytes)
  let at = start + 1
  while (at < near) {
    const byte = body[at]
    if (byte === quote) return at + 1
    at += byte === backslash ? 2 : 1
  }
  return at < end ? endOfLongString(body, at, end) : end
}

/**
 * A long run without a quote is left to Buffer's search, which is begun once in 64 bytes at most: a string full of
 * escaped quotes (JSON inside JSON) is read byte by byte.
 */
function endOfLongString(body: Buffer, start: number, end: number): number {
  let at = start
  for (;;) {
    const found = body.indexOf(quote, at)
    if (found < 0 || found >= end) return end
    if (!isEscaped(body, at, found)) return found + 1
    at = found + 1
    const near = Math.min(end, at + shortStringBytes)
    while (at < near) {
      const byte = body[at]
      if (byte === quote) return at + 1
      at += byte === backslash ? 2 : 1
    }
    if (at >= end) return end
  }
}

/** Whether an odd number of backslashes stands before `found`; `from` is no escaped byte. */
function isEscaped(body: Buffer, from: number, found: number): boolean {
  let before = found
  while (before > from && body[before - 1] === backslash) before--
  return (found - before) % 2 === 1
}

/** Which of these names stands between two quotes, escaped or not; -1 for none. Those whose bit is set are passed over. */
export function nameAt(
  body: Buffer,
  start: number,
  end: number,
  names: readonly string[],
  passOver: number,
): number {
  for (let i = 0; i < names.length; i++) {
    if ((passOver & (1 << i)) === 0 && isPlainName(body, start, end, names[i]!)) return i
  }
  // Nearly every name has no escape: the search for a backslash runs once a name, not once for each wanted name.
  if (!hasEscape(body, start, end)) return -1
  const text = readString(body, start - 1, end + 1)
  const found = text === undefined ? -1 : names.indexOf(text)
  return found >= 0 && passOver & (1 << found) ? -1 : found
}

function isPlainName(body: Buffer, start: number, end: number, wanted: string): boolean {
  const { length } = wanted
  if (end - start !== length) return false
  let i = 0
  while (i < length && body[start + i] === wanted.charCodeAt(i)) i++
  return i === length
}

function hasEscape(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body[at] === backslash) return true
  return false
}

/** The text of a string, number, true or false that stands from `start` to `end`; undefined for anything else. */
export function readScalar(body: Buffer, start: number, end: number): string | undefined {
  if (body[start] === quote)
    return body[end - 1] === quote && end > start + 1 ? readString(body, start, end) : undefined
  if (end - start > maxValueBytes) return undefined
  const text = body.toString('latin1', start, end)
  if (isDigits(body, start, end)) return text
  return readOther(text.trimEnd())
}

/** Most numbers are ids and times: digits alone. */
function isDigits(body: Buffer, start: number, end: number): boolean {
  let at = start
  while (at < end && body[at]! >= zero && body[at]! <= nine) at++
  return at === end && at > start
}

function readOther(text: string): string | undefined {
  return /^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false)$/.test(text) ? text : undefined
}

/** The text between two quotes, escapes resolved; undefined where it is too long or isn't a JSON string. */
export function readString(body: Buffer, start: number, end: number): string | undefined {
  if (end - start - 2 > maxValueBytes) return undefined
  const last = Math.max(start + 1, end - 1)
  if (isPlain(body, start + 1, last)) return body.toString('latin1', start + 1, last)
  const text = body.toString('utf8', start + 1, last)
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return undefined
  }
}

/** Whether all bytes are ASCII and none begins an escape. */
function isPlain(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body[at]! >= 0x80 || body[at] === backslash) return false
  return true
}
