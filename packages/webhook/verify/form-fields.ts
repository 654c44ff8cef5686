/*
 * Forms as the URL standard parses them (application/x-www-form-urlencoded), in time that grows with their length alone.
 * URLSearchParams of Node 24 takes 11 s for 2 MiB of `a&`: its time grows with the square of the names that have no `=`.
 * The bounds hold before a signature is checked, so a form beyond them is refused and never verified in part.
 */

/** More fields than any provider posts: Twilio's largest forms have some 200. */
export const maxFormFields = 2_000
/** Bytes of a form that a provider signs. */
export const maxFormBytes = 1024 * 1024

export interface FormField {
  readonly name: string
  readonly value: string
}

/** All fields in their order; undefined where the form is beyond its bounds. */
export function readForm(body: Uint8Array, maxBytes = maxFormBytes): readonly FormField[] | undefined {
  if (body.byteLength > maxBytes) return undefined
  return readFormText(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
}

/** As `readForm`, of text: a URL's query. Its length is the caller's to bound. */
export function readFormText(text: string): readonly FormField[] | undefined {
  const fields: FormField[] = []
  let separators = 0
  for (let at = 0; at <= text.length; ) {
    const found = text.indexOf('&', at)
    const end = found < 0 ? text.length : found
    if (end > at) fields.push(readField(text.slice(at, end)))
    // Empty fields are none, but each costs a look.
    if (separators++ >= maxFormFields) return undefined
    at = end + 1
  }
  return fields
}

/** The first value of a name, as `URLSearchParams.get` has it. */
export function formValue(fields: readonly FormField[], wanted: string): string | undefined {
  return fields.find(({ name }) => name === wanted)?.value
}

function readField(text: string): FormField {
  const equals = text.indexOf('=')
  return equals < 0
    ? { name: decodeField(text), value: '' }
    : { name: decodeField(text.slice(0, equals)), value: decodeField(text.slice(equals + 1)) }
}

/** Plus and percent decoded; a `%` that is no escape stays, and what isn't UTF-8 becomes U+FFFD. */
function decodeField(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? decodePercent(Buffer.from(spaced)) : spaced
}

const percent = 0x25

/** Written over itself, since decoded bytes are never more. decodeURIComponent would throw at the first false escape. */
function decodePercent(bytes: Buffer): string {
  let end = 0
  for (let at = 0; at < bytes.length; at++) {
    const high = bytes[at] === percent ? hexDigit(bytes[at + 1]) : -1
    const low = high < 0 ? -1 : hexDigit(bytes[at + 2])
    if (low < 0) bytes[end++] = bytes[at]!
    else {
      bytes[end++] = high * 16 + low
      at += 2
    }
  }
  return bytes.toString('utf8', 0, end)
}

/** The value of a hexadecimal digit's code; -1 for anything else. */
function hexDigit(code = 0): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}
