import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { WireError } from './wire-error.ts'

/**
 * Secrets at rest, in Postgres and in the configuration bucket: AES-256-GCM with the id of its key in front.
 *
 *   v1.<key id>.<base64url of nonce (12 bytes), ciphertext, tag (16 bytes)>
 *
 * What a secret belongs to (`context`, such as `org_…/source/stripe`) is authenticated with it, so that a sealed
 * value copied into another organization's row doesn't open there. Nonces are random: a key is good for 2^32
 * seals (NIST SP 800-38D, 8.3), far more than it will meet; rotate it all the same.
 */
export interface Keyring {
  /** Seals with the newest key. */
  seal(secret: string, context: string): string
  /** Throws a WireError: `seal_key_unknown` (a key that was taken away too early) or `seal_unreadable`. */
  open(sealed: string, context: string): string
  /** Whether this was sealed with the newest key; if not, re-encryption has something to do. */
  isCurrent(sealed: string): boolean
  /**
   * 32 bytes by which a text can be recognized and not guessed (HMAC-SHA256). Another newest key, and a key that came or
   * went, give another digest of the same text.
   */
  digest(text: string): Buffer
}

/**
 * Opens the keys of `FAIRLEAD_ENCRYPTION_KEYS`: `id:base64 of 32 bytes`, comma-separated, the newest first. Throws
 * a WireError `seal_keys_invalid` that says which entry is wrong, never what it holds.
 */
export function openKeyring(text: string): Keyring {
  const keys = new Map<string, KeyObject>()
  for (const [index, entry] of text.split(',').entries()) {
    const separator = entry.indexOf(':')
    const id = entry.slice(0, separator).trim()
    const bytes = Buffer.from(entry.slice(separator + 1).trim(), 'base64')
    if (separator < 1 || !/^[A-Za-z0-9_-]{1,32}$/.test(id) || bytes.length !== 32 || keys.has(id)) {
      throw new WireError(
        'seal_keys_invalid',
        `entry ${index + 1} of FAIRLEAD_ENCRYPTION_KEYS is not an id of its own, a colon and 32 bytes in base64 ` +
          `(make one: echo "k1:$(openssl rand -base64 32)")`,
      )
    }
    keys.set(id, createSecretKey(bytes))
  }
  const [newest] = keys.keys()
  // A key of its own: the ones above are for AES alone.
  const digestKey = Buffer.from(
    hkdfSync('sha256', keys.get(newest!)!, '', `fairlead digest ${[...keys.keys()].join()}`, 32),
  )
  return {
    seal(secret, context) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', keys.get(newest!)!, nonce)
      cipher.setAAD(Buffer.from(context))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return `v1.${newest}.${Buffer.concat([nonce, text, cipher.getAuthTag()]).toString('base64url')}`
    },
    open(sealed, context) {
      const [version, id, data] = sealed.split('.')
      const bytes = Buffer.from(data ?? '', 'base64url')
      if (version !== 'v1' || !id || bytes.length < 28)
        throw new WireError('seal_unreadable', 'not a sealed secret')
      const key = keys.get(id)
      if (!key) throw new WireError('seal_key_unknown', `FAIRLEAD_ENCRYPTION_KEYS has no key ${id}`)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(context))
      decipher.setAuthTag(bytes.subarray(-16))
      try {
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new WireError('seal_unreadable', `a secret for ${context} does not open`, { cause })
      }
    },
    isCurrent: sealed => sealed.startsWith(`v1.${newest}.`),
    digest: text => createHmac('sha256', digestKey).update(text).digest(),
  }
}

/** The contexts of all sealed values, in one place because both ends must agree. */
export const sealContext = {
  /** Of an answer that is kept for repeats; the platform's has no organization. */
  idempotentAnswer: (organization: string): string => `${organization}/idempotency`,
  sourceSecret: (organization: string, source: string): string => `${organization}/source/${source}`,
  offeredSecret: (organization: string, source: string): string => `${organization}/source/${source}/offered`,
  hydrationKey: (organization: string): string => `${organization}/hydration`,
  signingSecret: (organization: string): string => `${organization}/signing`,
  destinationHeader: (organization: string, destination: string): string =>
    `${organization}/destination/${destination}/header`,
  destinationAuth: (organization: string, destination: string): string =>
    `${organization}/destination/${destination}/auth`,
}
