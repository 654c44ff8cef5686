import { derOf, digest, encode, utf8 } from './encode.ts'
import { hmac } from './hmac.ts'
import { type DemoKeys, isPublic, keyBytes, otherKeys } from './keys.ts'
import type { ConsoleProvider, SignsJwt, SignsSignature, SignsToken } from './provider.ts'
import { type Added, signByRule } from './sign-by-rule.ts'

/** A request as a provider would send it. */
export interface Simulated {
  /** What it was signed with: with a wrong secret, that of another source. */
  readonly signedWith: DemoKeys
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What is broken on purpose. */
export const breaks = ['nothing', 'secret', 'time', 'byte'] as const
export type Break = (typeof breaks)[number]

/** Whether a provider's requests can be broken so that it shows. */
export function canBreak({ signs }: ConsoleProvider, broken: Break): boolean {
  switch (broken) {
    case 'nothing':
      return true
    case 'secret':
      return signs.kind !== 'unsigned' && signs.kind !== 'not here'
    case 'time':
      return signs.kind === 'signature' && signs.time !== null && !('member' in signs.time)
    case 'byte':
      // A token protects nothing of the body.
      return (
        signs.kind === 'signature' ||
        (signs.kind === 'jwt' && signs.bodyHash !== null) ||
        (signs.kind === 'rule' && signs.signsBody)
      )
    default:
      return broken satisfies never
  }
}

/** The URL that a demo source is said to have, for providers that sign it: none that the world could reach. */
export const demoUrl = (slug: string, source: string): string =>
  `https://simulator.example/webhooks/${slug}/${source}`

/** What LiveKit calls the key that it signs with. */
const demoIssuer = 'simulator'

/** The options of a demo source, as the provider's requests need them. */
export function demoOptions({ signs }: ConsoleProvider, url: string): Readonly<Record<string, unknown>> {
  const signsUrl =
    (signs.kind === 'signature' && signs.content.includes('{url}')) ||
    (signs.kind === 'jwt' && signs.url) ||
    (signs.kind === 'rule' && signs.signsUrl)
  return {
    ...(signs.kind === 'unsigned' && { acceptUnsigned: true }),
    ...(signs.kind === 'jwt' && signs.issuerOption && { [signs.issuerOption]: demoIssuer }),
    ...(signsUrl && { publicUrl: url }),
  }
}

/** The provider's sample with ids of its own, so that two of them are two events. */
export function freshBody({ sample, idMember }: ConsoleProvider, nowMs: number): string {
  const text = sample.body
    .replaceAll('{nowMs}', String(nowMs))
    .replaceAll('{nowSeconds}', String(Math.floor(nowMs / 1_000)))
  if (idMember === null) return text
  const ending = encode(crypto.getRandomValues(new Uint8Array(4)), 'hex')
  const start = text.indexOf(`"${idMember}":"`)
  const end = start < 0 ? -1 : text.indexOf('"', start + idMember.length + 4)
  return end - start < idMember.length + 4 + 8 ? text : text.slice(0, end - 8) + ending + text.slice(end)
}

interface Asked {
  readonly body: string
  readonly keys: DemoKeys
  /** As the provider was given it. */
  readonly url: string
  readonly nowMs: number
  readonly broken: Break
}

/** Signs as the provider does, at a time, with keys; what is broken is broken after that. */
export async function simulate(provider: ConsoleProvider, asked: Asked): Promise<Simulated> {
  const { sample, idHeaders, signs } = provider
  const headers: Record<string, string> = { 'content-type': sample.contentType, ...sample.headers }
  const own = signs.kind === 'signature' ? signs.idHeader : null
  for (const name of idHeaders) {
    if (name in headers || name === own) headers[name] = crypto.randomUUID()
  }
  const keys = asked.broken === 'secret' ? await otherKeys(provider, asked.keys) : asked.keys
  // An hour and a day: more than any provider's tolerance.
  const nowMs = asked.broken === 'time' ? asked.nowMs - 90_000_000 : asked.nowMs
  const signing = { ...asked, keys, nowMs, headers }
  const added = await addedBy(signs, signing)
  Object.assign(headers, added.headers)
  const body = added.body ?? asked.body
  return { signedWith: keys, headers, body: asked.broken === 'byte' ? changeByte(body) : body }
}

interface Signing extends Asked {
  readonly headers: Readonly<Record<string, string>>
}

async function addedBy(signs: ConsoleProvider['signs'], signing: Signing): Promise<Added> {
  switch (signs.kind) {
    case 'token':
      return { headers: tokenHeader(signs, signing) }
    case 'signature':
      return { headers: await signatureHeaders(signs, signing) }
    case 'jwt':
      return { headers: await jwtHeader(signs, signing) }
    case 'rule':
      return await signByRule(signs.rule, { ...signing, secret: signing.keys.secret ?? '' })
    case 'unsigned':
    case 'not here':
      return {}
    default:
      return signs satisfies never
  }
}

function tokenHeader({ header, scheme }: SignsToken, { keys: { secret = '' } }: Signing) {
  const token = scheme === 'Basic' ? encode(utf8(secret), 'base64') : secret
  return { [header]: scheme ? `${scheme} ${token}` : token }
}

async function signatureHeaders(
  signs: SignsSignature,
  { headers, body, keys, url, nowMs }: Signing,
): Promise<Record<string, string>> {
  const added: Record<string, string> = {}
  const id = signs.idHeader === null ? '' : (headers[signs.idHeader] ?? `msg_${crypto.randomUUID()}`)
  if (signs.idHeader !== null) added[signs.idHeader] = id
  const time = signs.time
  const timestamp = time ? writeTime(nowMs, time.unit) : ''
  if (time && 'header' in time) added[time.header] = timestamp
  const known: Readonly<Record<string, string>> = {
    '{timestamp}': timestamp,
    '{id}': id,
    '{method}': 'POST',
    '{secret}': keys.secret ?? '',
    '{body}': body,
    '{url}': url,
  }
  const text = signs.content.map(part => known[part] ?? part).join('')
  const labelled = signs.prefix + encode(await signatureOf(signs, keys, text), signs.encoding)
  const separator = signs.pair?.separator ?? ','
  const before = time && 'pair' in time ? `${time.pair}=${timestamp}${separator}` : ''
  added[signs.header] = signs.pair ? `${before}${signs.pair.name}=${labelled}` : labelled
  return added
}

async function signatureOf(
  { algorithm, key: form }: SignsSignature,
  keys: DemoKeys,
  text: string,
): Promise<Uint8Array> {
  switch (algorithm) {
    case 'sha1':
    case 'sha256':
      return digest(algorithm === 'sha1' ? 'SHA-1' : 'SHA-256', text)
    case 'ed25519':
      return new Uint8Array(await crypto.subtle.sign('Ed25519', keys.privateKey!, utf8(text)))
    case 'ecdsa-sha256': {
      const how = { name: 'ECDSA', hash: 'SHA-256' }
      return derOf(new Uint8Array(await crypto.subtle.sign(how, keys.privateKey!, utf8(text))))
    }
    default: {
      if (isPublic(form)) throw new TypeError(`${algorithm} takes a shared key`)
      return hmac(algorithm.replace('hmac-sha', 'SHA-'), keyBytes(keys.secret ?? '', form), text)
    }
  }
}

/** A JWT by HS256 over hashes of body and URL, good for a minute. */
async function jwtHeader(
  { header, bearer, issuer, issuerOption, bodyHash, url: urlClaim }: SignsJwt,
  { body, keys, url, nowMs }: Signing,
): Promise<Record<string, string>> {
  const now = Math.floor(nowMs / 1_000)
  const claims = {
    iss: issuerOption ? demoIssuer : (issuer ?? 'simulator'),
    iat: now,
    nbf: now - 1,
    exp: now + 60,
    jti: crypto.randomUUID(),
    ...(bodyHash && { [bodyHash.claim]: encode(await digest('SHA-256', body), bodyHash.encoding) }),
    ...(urlClaim && {
      [urlClaim.claim]: urlClaim.hashed ? encode(await digest('SHA-256', url), 'hex') : url,
    }),
  }
  const part = (value: object) => encode(utf8(JSON.stringify(value)), 'base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  const signature = await hmac('SHA-256', utf8(keys.secret ?? ''), signed)
  const token = `${signed}.${encode(signature, 'base64url')}`
  return { [header]: bearer ? `Bearer ${token}` : token }
}

function writeTime(nowMs: number, unit: 's' | 'ms' | 'iso'): string {
  if (unit === 'iso') return new Date(nowMs).toISOString()
  return String(unit === 's' ? Math.floor(nowMs / 1_000) : nowMs)
}

/** Changes one letter or digit, if it can at the end of a JSON string's value, so that the body stays JSON. */
function changeByte(body: string): string {
  let at = -1
  for (let i = 0; i < body.length; i++) {
    if (!/[b-y1-8]/.test(body[i]!)) continue
    if (at < 0) at = i
    if (body[i + 1] !== '"' || !/[,}\]]/.test(body[i + 2] ?? '')) continue
    at = i
    break
  }
  if (at < 0) return `${body} `
  return body.slice(0, at) + String.fromCharCode(body.charCodeAt(at) + 1) + body.slice(at + 1)
}
