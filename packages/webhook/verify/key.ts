import { createHash, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { decode } from './decode.ts'
import { SchemeError } from './scheme-error.ts'

/** How the text that a user copies from a provider's page becomes a key. */
export type KeyForm =
  /** The UTF-8 bytes of the text. */
  | 'utf8'
  | 'hex'
  | 'base64'
  /** Standard Webhooks: base64 after an optional `whsec_` (Supabase: `v1,whsec_`). */
  | 'whsec'
  /** OpenAI: as `whsec` where that prefix stands, else the text as it is. */
  | 'whsec-or-utf8'
  /** Replicate: base64 after the last `_`. */
  | 'base64-after-underscore'
  /** WooCommerce signs with the text after decoding HTML's five special characters in it. */
  | 'html'
  /** Braintree: the SHA-1 digest of the private key's text. */
  | 'sha1-of-utf8'
  /** Public keys: 32 raw bytes of ed25519, or a key in SPKI form. */
  | 'ed25519-hex'
  | 'ed25519-base64'
  | 'whpk'
  | 'spki-base64'
  | 'pem'

/** A key form in words, for people. */
export const keyFormTexts: Readonly<Record<KeyForm, string>> = {
  utf8: 'the bytes of the text as copied, nothing decoded',
  hex: 'decoded from hexadecimal',
  base64: 'decoded from base64',
  whsec: 'decoded from base64, after whsec_ where it stands',
  'whsec-or-utf8': 'decoded from base64 after whsec_; without that prefix the bytes of the text',
  'base64-after-underscore': 'decoded from base64, after the last underscore',
  html: 'the bytes of the text, after decoding &amp; &lt; &gt; &quot; &#039; in it',
  'sha1-of-utf8': 'the SHA-1 digest of the text',
  'ed25519-hex': 'an ed25519 public key, 32 bytes in hexadecimal',
  'ed25519-base64': 'an ed25519 public key, 32 bytes in base64',
  whpk: 'an ed25519 public key, 32 bytes in base64 after whpk_',
  'spki-base64': 'a public key, base64 of its SPKI (PEM without its first and last line)',
  pem: 'a public key in PEM',
}

/**
 * Makes the key once, when a source is opened: handing key bytes to createHmac costs 10 µs more on each call than a
 * KeyObject does (Node 24).
 *
 * @throws SchemeError `secret_undecodable` where the text isn't of this form
 */
export function openKey(text: string, form: KeyForm, provider: string): KeyObject {
  if (text === '') throw new SchemeError('secret_missing', provider, `A secret of ${provider} is empty.`)
  const undecodable = (cause?: unknown) =>
    new SchemeError(
      'secret_undecodable',
      provider,
      `A secret of ${provider} can't be read: its key must be ${keyFormTexts[form]}.`,
      { cause },
    )
  switch (form) {
    case 'utf8':
      return createSecretKey(text, 'utf8')
    case 'html':
      return createSecretKey(decodeHtml(text), 'utf8')
    case 'sha1-of-utf8':
      return createSecretKey(createHash('sha1').update(text).digest())
    case 'whsec-or-utf8':
      return openKey(text, text.startsWith('whsec_') ? 'whsec' : 'utf8', provider)
    case 'hex':
    case 'base64':
    case 'whsec':
    case 'base64-after-underscore': {
      const bytes = form === 'hex' ? decode(text, 'hex-any-case') : decodeBase64Key(afterPrefix(text, form))
      if (!bytes) throw undecodable()
      return createSecretKey(bytes)
    }
    case 'ed25519-hex':
    case 'ed25519-base64':
    case 'whpk': {
      const bytes =
        form === 'ed25519-hex' ? decode(text, 'hex-any-case') : decodeBase64Key(afterPrefix(text, form))
      if (bytes?.byteLength !== 32) throw undecodable()
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(bytes).toString('base64url') }
      return createPublicKey({ key: jwk, format: 'jwk' })
    }
    case 'spki-base64':
    case 'pem':
      try {
        if (text.includes('-----BEGIN')) return createPublicKey(text)
        const der = decodeBase64Key(text.replace(/\s+/g, ''))
        if (!der) throw new TypeError('not base64')
        return createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })
      } catch (cause) {
        throw undecodable(cause)
      }
    default:
      throw new TypeError(`unknown key form ${form satisfies never}`)
  }
}

function afterPrefix(text: string, form: KeyForm): string {
  if (form === 'whsec') return text.replace(/^(v1,)?whsec_/, '')
  if (form === 'whpk') return text.replace(/^whpk_/, '')
  if (form === 'base64-after-underscore') return text.slice(text.lastIndexOf('_') + 1)
  return text
}

/** Keys are copied by hand: missing padding is forgiven, a foreign character isn't. */
function decodeBase64Key(text: string): Uint8Array | undefined {
  const bare = text.replace(/(?<!=)=+$/, '')
  return decode(bare + '='.repeat((4 - (bare.length % 4)) % 4), 'base64')
}

// As WordPress' wp_specialchars_decode(…, ENT_QUOTES), which WooCommerce applies before signing.
function decodeHtml(text: string): string {
  return text
    .replace(/&#0*39;|&#x27;|&apos;/g, "'")
    .replace(/&quot;|&#0*34;|&#x22;/g, '"')
    .replace(/&lt;|&#0*60;|&#x3c;/gi, '<')
    .replace(/&gt;|&#0*62;|&#x3e;/gi, '>')
    .replace(/&amp;|&#0*38;|&#x26;/g, '&')
}
