/*
 * JSON of which a few schemes sign fields. It is parsed before its signature is checked, so it is looked through first:
 * JSON.parse takes a second for 8 MiB of `[`, and a hundred times the bytes in memory.
 */

/** No provider that signs fields nests deeper than ten. */
const maxDepth = 64
/** Values of all kinds together. Microsoft Graph's largest requests hold some 30,000. */
const maxValues = 100_000

/** A body's JSON object; undefined where the body isn't an object, or is beyond the bounds. */
export function parseFields(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (!isBoundedJson(body)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
    return isFields(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * A signed field's text, as providers join it: null and nothing are empty. Undefined for lists and objects, which are
 * never signed, and whose own `toString` could be the sender's.
 */
export function scalarText(value: unknown): string | undefined {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? undefined : String(value)
}

const quote = 0x22
const comma = 0x2c
const backslash = 0x5c

/** Counts nesting and values outside of strings in one pass. Validation is left to JSON.parse. */
export function isBoundedJson(body: Uint8Array): boolean {
  let depth = 0
  let values = 1
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]!
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === comma) values++
    // [ and {, which differ in one bit; ] and } likewise.
    else if ((byte | 0x20) === 0x7b) {
      depth++
      values++
    } else if ((byte | 0x20) === 0x7d) depth--
    else continue
    if (depth > maxDepth || values > maxValues) return false
  }
  return true
}
