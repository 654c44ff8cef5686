/** How a signature is written. `hex` is lower case only: Stripe's and GitHub's own code compares it as text. */
export type Encoding = 'hex' | 'hex-any-case' | 'base64' | 'base64url'

/**
 * Decodes strictly: `Buffer.from` stops silently at the first bad character, so whatever doesn't decode to exactly
 * this text again is no signature. base64 must be padded, base64url must not (as Sanity and JWTs write it).
 */
export function decode(text: string, encoding: Encoding): Uint8Array | undefined {
  switch (encoding) {
    case 'hex':
      return isLowerCaseHex(text) ? Buffer.from(text, 'hex') : undefined
    case 'hex-any-case':
      return isLowerCaseHex(text.toLowerCase()) ? Buffer.from(text, 'hex') : undefined
    case 'base64':
    case 'base64url': {
      const bytes = Buffer.from(text, encoding)
      return bytes.byteLength > 0 && bytes.toString(encoding) === text ? bytes : undefined
    }
    default:
      throw new TypeError(`unknown encoding ${encoding satisfies never}`)
  }
}

function isLowerCaseHex(text: string): boolean {
  if (text.length === 0 || text.length % 2 !== 0) return false
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const isDigit = code >= 0x30 && code <= 0x39
    if (!isDigit && (code < 0x61 || code > 0x66)) return false
  }
  return true
}

/** How many characters a signature of so many bytes has in an encoding: anything else needs no decoding. */
export function encodedLength(bytes: number, encoding: Encoding): number {
  if (encoding === 'base64') return Math.ceil(bytes / 3) * 4
  if (encoding === 'base64url') return Math.ceil((bytes * 4) / 3)
  return bytes * 2
}
