import { encode, fromBase64, fromHex, utf8 } from './encode.ts'
import type { ConsoleProvider, PublicForm, SharedForm } from './provider.ts'

/** Also where the types of browsers are not known. */
type PrivateKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** What a demo source is given, and what this browser signs with. Made here, and forgotten with the page. */
export interface DemoKeys {
  /** The source's secret; undefined: it has none. */
  readonly secret: string | undefined
  /** Signs what providers sign with a private key; the secret is its public half then. */
  readonly privateKey: PrivateKey | undefined
}

/** Keys of the form that a provider's keys have. */
export async function makeKeys({ signs }: ConsoleProvider): Promise<DemoKeys> {
  if (signs.kind === 'unsigned' || signs.kind === 'not here')
    return { secret: undefined, privateKey: undefined }
  const form = signs.kind === 'signature' ? signs.key : 'utf8'
  return isPublic(form) ? makePair(form) : { secret: sharedSecret(form), privateKey: undefined }
}

export const isPublic = (form: SharedForm | PublicForm): form is PublicForm =>
  form === 'ed25519-hex' || form === 'ed25519-base64' || form === 'whpk' || form === 'spki-base64'

function sharedSecret(form: SharedForm): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  switch (form) {
    case 'hex':
      return encode(bytes, 'hex')
    case 'base64':
      return encode(bytes, 'base64')
    case 'whsec':
    case 'base64-after-underscore':
      return `whsec_${encode(bytes, 'base64')}`
    case 'utf8':
    case 'html':
    case 'whsec-or-utf8':
      return `simulator-${encode(bytes, 'hex')}`
    default:
      return form satisfies never
  }
}

async function makePair(form: PublicForm): Promise<DemoKeys> {
  const algorithm = form === 'spki-base64' ? { name: 'ECDSA', namedCurve: 'P-256' } : { name: 'Ed25519' }
  const pair = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as Readonly<
    Record<'publicKey' | 'privateKey', PrivateKey>
  >
  const exported = await crypto.subtle.exportKey(form === 'spki-base64' ? 'spki' : 'raw', pair.publicKey)
  const bytes = new Uint8Array(exported)
  const text = encode(bytes, form === 'ed25519-hex' ? 'hex' : 'base64')
  return { secret: form === 'whpk' ? `whpk_${text}` : text, privateKey: pair.privateKey }
}

/** The bytes that a shared key stands for. */
export function keyBytes(secret: string, form: SharedForm): Uint8Array<ArrayBuffer> {
  switch (form) {
    case 'utf8':
    case 'html':
    case 'whsec-or-utf8':
      return utf8(secret)
    case 'hex':
      return fromHex(secret)
    case 'base64':
      return fromBase64(secret)
    case 'whsec':
    case 'base64-after-underscore':
      return fromBase64(secret.slice(secret.lastIndexOf('_') + 1))
    default:
      return form satisfies never
  }
}

/** The same keys but for one character of the secret, as when it was copied badly; or another private key. */
export async function otherKeys(provider: ConsoleProvider, keys: DemoKeys): Promise<DemoKeys> {
  if (keys.privateKey || keys.secret === undefined) return makeKeys(provider)
  const { secret } = keys
  const at = secret.length - 4
  return { ...keys, secret: secret.slice(0, at) + (secret[at] === 'a' ? 'b' : 'a') + secret.slice(at + 1) }
}
