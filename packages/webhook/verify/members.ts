/**
 * Finds one member in a JSON text without parsing the rest: `JSON.parse` costs 6 µs a KB, and a receiver has no
 * other use for the value. It is no validator: on text that isn't JSON it finds something or nothing, and never
 * throws. Where a name stands twice it takes the first.
 */

/** Names from the root on; `0` is an array's first element. */
export type MemberPath = readonly string[]

/** How far an id or a type is looked for, in bytes: what identifies an event stands near its start. */
export const scanLimitBytes = 64 * 1024
/** Longer values are no id, type or time. */
const maxValueBytes = 1024

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const colon = 0x3a
const comma = 0x2c

/** The text of a string or number (or true, false) at a path; undefined for anything else. One pass. */
export function scanMember(
  body: Uint8Array,
  path: MemberPath,
  limitBytes = scanLimitBytes,
): string | undefined {
  const at = findValue(body, path, Math.min(body.byteLength, limitBytes))
  return at < 0 ? undefined : readScalar(body, at, Math.min(body.byteLength, limitBytes))
}

/** The first name of the root object that isn't among those to be passed over. */
export function scanFirstName(body: Uint8Array, passOver: readonly string[]): string | undefined {
  const end = Math.min(body.byteLength, scanLimitBytes)
  let at = skipBlank(body, startOf(body), end)
  if (body[at] !== openBrace) return undefined
  at = skipBlank(body, at + 1, end)
  while (at < end && body[at] === quote) {
    const nameEnd = endOfString(body, at, end)
    const name = readString(body, at, nameEnd)
    if (name !== undefined && !passOver.includes(name)) return name
    at = nextMember(body, valueAfter(body, nameEnd, end), end)
  }
  return undefined
}

function findValue(body: Uint8Array, path: MemberPath, end: number): number {
  let at = skipBlank(body, startOf(body), end)
  for (const segment of path) {
    if (body[at] === openBracket && segment === '0') {
      at = skipBlank(body, at + 1, end)
      if (body[at] === closeBracket) return -1
      continue
    }
    if (body[at] !== openBrace) return -1
    at = findName(body, skipBlank(body, at + 1, end), end, segment)
    if (at < 0) return -1
  }
  return at < end ? at : -1
}

/** From a name's opening quote on: where the value of the wanted name begins, or -1. */
function findName(body: Uint8Array, start: number, end: number, wanted: string): number {
  let at = start
  while (at < end && body[at] === quote) {
    const nameEnd = endOfString(body, at, end)
    const value = valueAfter(body, nameEnd, end)
    if (value >= end) return -1
    if (isName(body, at + 1, nameEnd - 1, wanted)) return value
    at = nextMember(body, value, end)
  }
  return -1
}

function isName(body: Uint8Array, start: number, end: number, wanted: string): boolean {
  if (end - start === wanted.length) {
    let i = 0
    while (i < wanted.length && body[start + i] === wanted.charCodeAt(i)) i++
    if (i === wanted.length) return true
  }
  // An escaped name is at most six bytes a character; nearly every name has no escape.
  if (end - start <= wanted.length || end - start > wanted.length * 6) return false
  return body.subarray(start, end).includes(backslash) && readString(body, start - 1, end + 1) === wanted
}

/** After a value: the next member's opening quote, or the end. */
function nextMember(body: Uint8Array, value: number, end: number): number {
  const at = skipBlank(body, skipValue(body, value, end), end)
  return body[at] === comma ? skipBlank(body, at + 1, end) : end
}

function valueAfter(body: Uint8Array, nameEnd: number, end: number): number {
  const at = skipBlank(body, nameEnd, end)
  return body[at] === colon ? skipBlank(body, at + 1, end) : end
}

/** Just past a value of any kind; nesting is counted, not recursed into, so depth costs nothing. */
function skipValue(body: Uint8Array, start: number, end: number): number {
  let depth = 0
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

/** Just past the closing quote of the string that opens at `start`, or the end where it doesn't close. */
function endOfString(body: Uint8Array, start: number, end: number): number {
  let at = start + 1
  while (at < end) {
    const byte = body[at]
    if (byte === backslash) at += 2
    else if (byte === quote) return at + 1
    else at++
  }
  return end
}

function readScalar(body: Uint8Array, start: number, end: number): string | undefined {
  if (body[start] === quote) {
    const close = endOfString(body, start, end)
    return body[close - 1] === quote && close > start + 1 ? readString(body, start, close) : undefined
  }
  let at = start
  while (at < end && at - start <= maxValueBytes && !isDelimiter(body[at]!)) at++
  // A number cut off by the limit would be another number.
  if (at === end && end < body.byteLength) return undefined
  const text = ascii(body, start, at)
  return /^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false)$/.test(text) ? text : undefined
}

/** The text between two quotes, escapes resolved; undefined where it is too long or isn't a JSON string. */
function readString(body: Uint8Array, start: number, end: number): string | undefined {
  if (end - start - 2 > maxValueBytes) return undefined
  const text = Buffer.from(body.buffer, body.byteOffset + start + 1, Math.max(0, end - start - 2)).toString()
  if (!text.includes('\\')) return text
  try {
    return JSON.parse(`"${text}"`) as string
  } catch {
    return undefined
  }
}

function ascii(body: Uint8Array, start: number, end: number): string {
  return Buffer.from(body.buffer, body.byteOffset + start, end - start).toString('latin1')
}

function skipBlank(body: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && isBlank(body[at]!)) at++
  return at
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function isDelimiter(byte: number): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isBlank(byte)
}

/** Some senders put a byte order mark first, which JSON.parse would refuse. */
function startOf(body: Uint8Array): number {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0
}
