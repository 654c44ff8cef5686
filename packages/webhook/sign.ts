import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  sign,
} from 'node:crypto'

/**
 * A key that signs what is delivered, opened once: passing bytes instead costs 10 µs a call on Node 24. A secret one
 * signs by HMAC-SHA256 (`v1`, 4 µs for 2 KB), a private one by ed25519 (`v1a`, ten times that).
 */
export type SigningKey = KeyObject

/** What stands before the 32 bytes of an ed25519 private key in PKCS #8 (RFC 8410, 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * Opens a Standard Webhooks secret:
 * - `whsec_` and 24 to 64 bytes in base64, which the destination knows too;
 * - `whsk_` and an ed25519 private key of 32 bytes in base64, or that and its public key (as Svix writes it), which the
 *   destination doesn't need: it verifies with `whpk_` (`publicKeyOf`).
 *
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md ("Signature scheme")
 * @throws TypeError, which doesn't tell the secret
 */
export function openSigningSecret(secret: string): SigningKey {
  if (secret.startsWith('whsk_')) return openPrivateKey(Buffer.from(secret.slice(5), 'base64'))
  const bytes = Buffer.from(secret.startsWith('whsec_') ? secret.slice(6) : '', 'base64')
  if (bytes.length < 24 || bytes.length > 64) {
    throw new TypeError(
      'a signing secret is whsec_ and 24 to 64 bytes in base64, or whsk_ and an ed25519 key',
    )
  }
  return createSecretKey(bytes)
}

function openPrivateKey(bytes: Buffer): SigningKey {
  if (bytes.length !== 32 && bytes.length !== 64) {
    throw new TypeError('an ed25519 signing secret is whsk_ and 32 or 64 bytes in base64')
  }
  const der = Buffer.concat([pkcs8Head, bytes.subarray(0, 32)])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  if (bytes.length === 64 && !publicBytes(key).equals(bytes.subarray(32))) {
    throw new TypeError("the public key in the whsk_ secret is another key's")
  }
  return key
}

/** `whpk_…`, the public key of an ed25519 key; undefined for a shared secret. */
export function publicKeyOf(key: SigningKey): string | undefined {
  return key.type === 'private' ? `whpk_${publicBytes(key).toString('base64')}` : undefined
}

function publicBytes(key: SigningKey): Buffer {
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url')
}

/**
 * The `webhook-signature` header: one signature for each live key (`v1` or `v1a`), so that a receiver that knows only
 * the old or only the new one accepts it.
 *
 * @param id the `webhook-id`; must not hold a dot
 * @param timestampSeconds the `webhook-timestamp`, Unix seconds
 */
export function signDelivery(
  id: string,
  timestampSeconds: number,
  body: Uint8Array,
  keys: readonly SigningKey[],
): string {
  const head = `${id}.${timestampSeconds}.`
  let header = ''
  for (const key of keys) {
    const signature = key.type === 'secret' ? hmac(head, body, key) : ed25519(head, body, key)
    header += header === '' ? signature : ` ${signature}`
  }
  return header
}

function hmac(head: string, body: Uint8Array, key: SigningKey): string {
  return `v1,${createHmac('sha256', key).update(head).update(body).digest('base64')}`
}

function ed25519(head: string, body: Uint8Array, key: SigningKey): string {
  return `v1a,${sign(null, Buffer.concat([Buffer.from(head), body]), key).toString('base64')}`
}
