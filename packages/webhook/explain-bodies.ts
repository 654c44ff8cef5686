import { gunzipSync } from 'node:zlib'
import type { WebhookRequest } from './scheme.ts'
import { isBoundedJson } from './verify/fields.ts'
import { formValue, readFormText } from './verify/form-fields.ts'

/** Larger bodies are only tried with changes that need no parsing. */
const maxParsedBytes = 128 * 1024

/** Bodies larger than this are tried only with a newline more or less. */
const maxRewrittenBytes = 1024 * 1024

export interface BodyVariant {
  readonly body: Uint8Array
  /** The sentence about the body's change on its way, where the signature matches this variant. */
  readonly sentence: string
}

/** Variants of the body, each with one usual mishap on its way undone. */
export function* bodyVariants(request: WebhookRequest): Generator<BodyVariant> {
  const received = Buffer.from(request.body)
  yield* endVariants(received)
  if (received.byteLength > maxRewrittenBytes) return
  yield* encodingVariants(request, received)
  yield* lineVariants(received)
  if (received.byteLength <= maxParsedBytes) {
    yield* jsonVariants(received)
    yield* formVariants(received)
  }
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

function* encodingVariants(request: WebhookRequest, body: Buffer): Generator<BodyVariant> {
  if (body.subarray(0, 3).equals(byteOrderMark)) {
    yield {
      body: body.subarray(3),
      sentence: 'It matches without the byte order mark: something put one before the body.',
    }
  } else {
    yield {
      body: Buffer.concat([byteOrderMark, body]),
      sentence: 'It matches with a byte order mark before it: something cut that off.',
    }
  }
  yield { body: Buffer.alloc(0), sentence: 'It matches an empty body: something added one.' }
  const text = body.toString()
  if (body.some(byte => byte > 0x7f)) {
    // Read as Latin-1 and written as UTF-8: é became Ã©.
    yield {
      body: Buffer.from(text, 'latin1'),
      sentence: 'It matches the body written as Latin-1: something decoded and encoded it again.',
    }
    yield {
      body: Buffer.from(body.toString('latin1')),
      sentence: 'It matches the body written as UTF-8: something turned it into Latin-1.',
    }
  }
  if (request.headers['content-encoding'] === 'gzip' || (body[0] === 0x1f && body[1] === 0x8b)) {
    const plain = gunzip(body)
    if (plain)
      yield { body: plain, sentence: 'It matches the unpacked body: it was signed before it was compressed.' }
  }
}

function gunzip(body: Buffer): Buffer | undefined {
  try {
    return gunzipSync(body, { maxOutputLength: 8 * 1024 * 1024 })
  } catch {
    return undefined
  }
}

function* lineVariants(body: Buffer): Generator<BodyVariant> {
  const text = body.toString('latin1')
  const bytes = (changed: string) => Buffer.from(changed, 'latin1')
  if (text.includes('\r\n')) {
    yield {
      body: bytes(text.replaceAll('\r\n', '\n')),
      sentence: 'It matches with LF line ends: something turned them into CRLF.',
    }
  } else if (text.includes('\n')) {
    yield {
      body: bytes(text.replaceAll('\n', '\r\n')),
      sentence: 'It matches with CRLF line ends: something turned them into LF.',
    }
  }
  const trimmed = text.trim()
  if (trimmed !== text)
    yield { body: bytes(trimmed), sentence: 'It matches without the blanks around it: something added them.' }
}

function* endVariants(body: Buffer): Generator<BodyVariant> {
  let end = body.byteLength
  while (end > 0 && (body[end - 1] === 0x0a || body[end - 1] === 0x0d)) end--
  if (end < body.byteLength) {
    yield {
      body: body.subarray(0, end),
      sentence: 'It matches without the newline at the end: something added one.',
    }
  }
  for (const newline of ['\n', '\r\n']) {
    yield {
      body: Buffer.concat([body, Buffer.from(newline)]),
      sentence: 'It matches with a newline at the end: something cut it off.',
    }
  }
}

const rewritten = 'something parsed the JSON and wrote it again. Pass on the bytes as they come'

function* jsonVariants(body: Buffer): Generator<BodyVariant> {
  const value = parseJson(body)
  if (value === undefined) return
  const compact = JSON.stringify(value)
  const forms: [string, string][] = [
    [compact, 'as compact JSON'],
    [JSON.stringify(value, null, 2), 'as JSON indented by two blanks'],
    [JSON.stringify(value, null, 4), 'as JSON indented by four blanks'],
    [JSON.stringify(value, null, '\t'), 'as JSON indented by tabs'],
    [spaced(compact), 'as JSON with blanks after commas and colons, as Python writes it'],
    [JSON.stringify(sortKeys(value)), 'as JSON with its names sorted'],
  ]
  const received = body.toString()
  for (const [text, how] of forms) {
    for (const [form, and] of escapings(text)) {
      if (form !== received)
        yield { body: Buffer.from(form), sentence: `It matches ${how}${and}: ${rewritten}.` }
    }
  }
  for (const [form, and] of escapings(received)) {
    if (form !== received) yield { body: Buffer.from(form), sentence: `It matches${and}: ${rewritten}.` }
  }
}

/** The ways of writing the same strings: PHP escapes slashes, many senders everything beyond ASCII. */
function escapings(text: string): [string, string][] {
  const ascii = text.replace(
    /[\u0080-\uffff]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  const slashes = (form: string) => form.replace(/(?<!\\)\//g, '\\/')
  return [
    [text, ''],
    [ascii, ' with \\u escapes beyond ASCII'],
    [slashes(text), ' with escaped slashes'],
    [slashes(ascii), ' with \\u escapes and escaped slashes'],
    [text.replaceAll('\\/', '/'), ' with plain slashes'],
    [
      text.replace(/\\u([0-9a-f]{4})/gi, (_all, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
      ' without \\u escapes',
    ],
  ]
}

function parseJson(body: Buffer): unknown {
  if (!isBoundedJson(body)) return undefined
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** Blanks after the commas and colons of compact JSON, outside of its strings. */
function spaced(compact: string): string {
  return compact.replace(/"(?:[^"\\]|\\.)*"|[,:]/g, token => (token.length === 1 ? `${token} ` : token))
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sortKeys(member)]),
  )
}

/** JSON that came inside a form, and a form that a framework had decoded. */
function* formVariants(body: Buffer): Generator<BodyVariant> {
  const text = body.toString()
  if (/^\s*[[{]/.test(text)) {
    const form = `payload=${encodeURIComponent(text)}`
    yield {
      body: Buffer.from(form),
      sentence: 'It matches the form around this JSON: something took the field payload out.',
    }
    yield {
      body: Buffer.from(form.replaceAll('%20', '+')),
      sentence: 'It matches the form around this JSON: something took the field payload out.',
    }
    return
  }
  if (!/^[^=&\s]+=/.test(text)) return
  const fields = readFormText(text)
  if (!fields) return
  const written = new URLSearchParams(fields.map(({ name, value }): [string, string] => [name, value]))
  yield {
    body: Buffer.from(written.toString()),
    sentence: 'It matches the form written again: something decoded and encoded it.',
  }
  const payload = formValue(fields, 'payload')
  if (payload)
    yield {
      body: Buffer.from(payload),
      sentence: 'It matches the field payload alone: something put it into a form.',
    }
}
