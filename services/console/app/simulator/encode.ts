export type Encoding = 'hex' | 'base64' | 'base64url'

export function encode(bytes: Uint8Array, encoding: Encoding): string {
  if (encoding === 'hex') return [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
  const text = btoa(String.fromCharCode(...bytes))
  return encoding === 'base64' ? text : text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

export const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))

export const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), character => character.charCodeAt(0))

export async function digest(hash: 'SHA-1' | 'SHA-256', text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest(hash, utf8(text)))
}

/** An ECDSA signature as DER, where WebCrypto gives r and s one after the other (RFC 3279, 2.2.3). */
export function derOf(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2
  const [r, s] = [integer(signature.subarray(0, half)), integer(signature.subarray(half))]
  return Uint8Array.of(0x30, r.length + s.length, ...r, ...s)
}

function integer(bytes: Uint8Array): number[] {
  const start = bytes.findIndex(byte => byte !== 0)
  const digits = [...bytes.subarray(start < 0 ? bytes.length - 1 : start)]
  // A first bit of 1 would make it negative.
  const value = digits[0]! >= 0x80 ? [0, ...digits] : digits
  return [0x02, value.length, ...value]
}
