import type { WebhookRequest } from '../scheme.ts'
import { headerText } from './header.ts'
import { bufferOf } from './json-bytes.ts'

/*
 * multipart/form-data (RFC 7578) as far as a signature needs it: the names and texts of fields. Files are passed over
 * unread. One pass: the search stops only where a line begins with two dashes, and compares the boundary (70 bytes) there.
 */

/** Parts of a body that are read at most. */
const maxParts = 1000
/** Bytes of a part's headers at most. */
const maxHeadBytes = 8 * 1024

/** Whether to go on to the next part. `value` decodes the part's text, undefined where it isn't UTF-8. */
export type OnPart = (name: string, isFile: boolean, value: () => string | undefined) => boolean

/** Calls back for each part that has a name, in order, until it returns false or the body ends. Never throws. */
export function eachPart({ headers, body }: Pick<WebhookRequest, 'headers' | 'body'>, onPart: OnPart): void {
  const boundary = boundaryOf(headerText(headers, 'content-type') ?? '')
  if (boundary === undefined) return
  const bytes = bufferOf(body)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  let at = isAt(bytes, 0, delimiter) ? delimiter.length : nextDelimiter(bytes, 0, delimiter)?.after
  for (let parts = 0; at !== undefined && parts < maxParts; parts++) {
    // `--` behind the boundary ends the body.
    if (bytes[at] === 0x2d && bytes[at + 1] === 0x2d) return
    const next = nextDelimiter(bytes, at, delimiter)
    if (next === undefined) return
    if (!readPart(bytes, at, next.start, onPart)) return
    at = next.after
  }
}

function readPart(bytes: Buffer, start: number, end: number, onPart: OnPart): boolean {
  const part = bytes.subarray(start, end)
  const headEnd = part.subarray(0, maxHeadBytes).indexOf('\r\n\r\n')
  if (headEnd < 0) return true
  const head = part.toString('utf8', 0, headEnd)
  const name = dispositionValue(head, 'name')
  if (name === undefined) return true
  const isFile = /;[ \t]*filename\*?=/i.test(head)
  return onPart(name, isFile, () => utf8Text(part.subarray(headEnd + 4)))
}

function dispositionValue(head: string, parameter: string): string | undefined {
  const line = head.split('\r\n').find(text => /^content-disposition:/i.test(text))
  const found = line && new RegExp(`;[ \\t]*${parameter}=(?:"([^"]*)"|([^;\\s]*))`, 'i').exec(line)
  return found ? (found[1] ?? found[2]) : undefined
}

function boundaryOf(contentType: string): string | undefined {
  const found = /;[ \t]*boundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))/i.exec(contentType.slice(0, 512))
  return found ? (found[1] ?? found[2]) : undefined
}

const lineWithDashes = Buffer.from('\r\n--')

/** The next line that begins with the delimiter: where the line end before it stands, and where the delimiter ends. */
function nextDelimiter(
  bytes: Buffer,
  from: number,
  delimiter: Buffer,
): { readonly start: number; readonly after: number } | undefined {
  let at = from
  for (;;) {
    const start = bytes.indexOf(lineWithDashes, at)
    if (start < 0) return undefined
    if (isAt(bytes, start + 2, delimiter)) return { start, after: start + 2 + delimiter.length }
    at = start + 2
  }
}

function isAt(bytes: Buffer, at: number, text: Buffer): boolean {
  if (at + text.length > bytes.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false
  return true
}

function utf8Text(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
