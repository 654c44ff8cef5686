import type { ConsoleProvider, SignsHmac } from './provider.ts'

/** A request as a provider would send it. */
export interface Simulated {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What is broken on purpose. */
export const breaks = ['nothing', 'secret', 'time', 'byte'] as const
export type Break = (typeof breaks)[number]

/** A secret of the form that a provider's keys have, made here for a demo source and nothing else. */
export function makeSecret({ signs }: ConsoleProvider): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const key = signs.kind === 'hmac' ? signs.key : 'utf8'
  switch (key) {
    case 'hex':
      return hexOf(bytes)
    case 'base64':
      return base64Of(bytes)
    case 'whsec':
    case 'base64-after-underscore':
      return `whsec_${base64Of(bytes)}`
    case 'utf8':
    case 'html':
    case 'whsec-or-utf8':
      return `simulator-${hexOf(bytes)}`
    default:
      return key satisfies never
  }
}

/** The provider's sample with ids of its own, so that two of them are two events. */
export function freshBody({ sample, idMember }: ConsoleProvider, nowMs: number): string {
  const text = sample.body
    .replaceAll('{nowMs}', String(nowMs))
    .replaceAll('{nowSeconds}', String(Math.floor(nowMs / 1_000)))
  if (idMember === null) return text
  const ending = hexOf(crypto.getRandomValues(new Uint8Array(4)))
  const start = text.indexOf(`"${idMember}":"`)
  const end = start < 0 ? -1 : text.indexOf('"', start + idMember.length + 4)
  return end - start < idMember.length + 4 + 8 ? text : text.slice(0, end - 8) + ending + text.slice(end)
}

/** Signs as the provider does, at a time, with a secret; what is broken is broken after that. */
export async function simulate(
  provider: ConsoleProvider,
  asked: { readonly body: string; readonly secret: string; readonly nowMs: number; readonly broken: Break },
): Promise<Simulated> {
  const { sample, idHeaders, signs } = provider
  const headers: Record<string, string> = { 'content-type': sample.contentType, ...sample.headers }
  const own = signs.kind === 'hmac' ? signs.idHeader : null
  for (const name of idHeaders) {
    if (name in headers || name === own) headers[name] = crypto.randomUUID()
  }
  const secret = asked.broken === 'secret' ? otherEnding(asked.secret) : asked.secret
  // An hour and a day: more than any provider's tolerance.
  const nowMs = asked.broken === 'time' ? asked.nowMs - 90_000_000 : asked.nowMs
  const body = asked.body
  if (signs.kind === 'token') {
    const token = signs.scheme === 'Basic' ? base64Of(new TextEncoder().encode(secret)) : secret
    headers[signs.header] = signs.scheme ? `${signs.scheme} ${token}` : token
  } else if (signs.kind === 'hmac') {
    Object.assign(headers, await signedHeaders(signs, headers, body, secret, nowMs))
  }
  return { headers, body: asked.broken === 'byte' ? changeByte(body) : body }
}

async function signedHeaders(
  signs: SignsHmac,
  headers: Readonly<Record<string, string>>,
  body: string,
  secret: string,
  nowMs: number,
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
    '{secret}': secret,
    '{body}': body,
  }
  const signed = signs.content.map(part => known[part] ?? part).join('')
  const key = await crypto.subtle.importKey(
    'raw',
    keyBytes(secret, signs.key),
    { name: 'HMAC', hash: signs.hash },
    false,
    ['sign'],
  )
  const digest = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(signed))
  const labelled = signs.prefix + encode(new Uint8Array(digest), signs.encoding)
  const separator = signs.pair?.separator ?? ','
  const before = time && 'pair' in time ? `${time.pair}=${timestamp}${separator}` : ''
  added[signs.header] = signs.pair ? `${before}${signs.pair.name}=${labelled}` : labelled
  return added
}

function keyBytes(secret: string, form: SignsHmac['key']): Uint8Array<ArrayBuffer> {
  switch (form) {
    case 'utf8':
    case 'html':
    case 'whsec-or-utf8':
      return new TextEncoder().encode(secret)
    case 'hex':
      return Uint8Array.from(secret.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
    case 'base64':
      return fromBase64(secret)
    case 'whsec':
    case 'base64-after-underscore':
      return fromBase64(secret.slice(secret.lastIndexOf('_') + 1))
    default:
      return form satisfies never
  }
}

function writeTime(nowMs: number, unit: 's' | 'ms' | 'iso'): string {
  if (unit === 'iso') return new Date(nowMs).toISOString()
  return String(unit === 's' ? Math.floor(nowMs / 1_000) : nowMs)
}

function encode(bytes: Uint8Array, encoding: SignsHmac['encoding']): string {
  if (encoding === 'hex') return hexOf(bytes)
  const text = base64Of(bytes)
  return encoding === 'base64' ? text : text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The same secret but for one character near its end, as when it was copied badly. */
function otherEnding(secret: string): string {
  const at = secret.length - 4
  return secret.slice(0, at) + (secret[at] === 'a' ? 'b' : 'a') + secret.slice(at + 1)
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

const hexOf = (bytes: Uint8Array): string =>
  [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
const base64Of = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
const fromBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), character => character.charCodeAt(0))
