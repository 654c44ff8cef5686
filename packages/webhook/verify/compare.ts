import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * The one comparison of secret-dependent bytes in this package. The lengths are public (an algorithm's digest has
 * one length, and senders know it); the bytes are compared in constant time.
 */
export function equal(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.byteLength === given.byteLength && timingSafeEqual(expected, given)
}

/** A text's digest, so that tokens of any length can be compared by `equal` without telling their length. */
export function tokenDigest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest()
}
