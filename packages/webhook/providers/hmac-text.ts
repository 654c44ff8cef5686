import { createHmac } from 'node:crypto'

/** An HMAC of a short text: what handshakes answer with, and what samples are signed with. */
export function hmacText(
  hash: 'sha1' | 'sha256',
  key: string | Uint8Array,
  text: string | Uint8Array,
  encoding: 'hex' | 'base64',
): string {
  return createHmac(hash, key).update(text).digest(encoding)
}
