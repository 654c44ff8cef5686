import { createHash, createHmac, createPrivateKey, sign as signWithKey } from 'node:crypto'
import type { Provider, SignSample } from './providers/provider.ts'
import { findProvider } from './providers/table.ts'
import type { SchemeConfig, WebhookRequest } from './scheme.ts'
import { customProvider } from './verify/custom.ts'
import type { SignatureDescriptor } from './verify/descriptor.ts'
import type { JwtDescriptor } from './verify/jwt.ts'
import { openKey } from './verify/key.ts'
import { SchemeError } from './verify/scheme-error.ts'
import { withChosenAlgorithm } from './verify/signature.ts'
import type { TimestampUnit } from './verify/timestamp.ts'
import type { TokenDescriptor } from './verify/token.ts'

export interface SampleOptions {
  /** As configured at the source. For public-key schemes it can't sign: give `privateKey`. */
  readonly secret?: string
  readonly options?: Readonly<Record<string, unknown>>
  /** Only with the provider `custom`. */
  readonly scheme?: unknown
  /** The public URL that the request will be sent to; signed by some. Default https://hooks.example.com/webhook. */
  readonly url?: string
  /** The time that is signed, Unix milliseconds. */
  readonly nowMs: number
  /** For ids: 0 ≤ random() < 1. */
  readonly random: () => number
  /** The text to send instead of the provider's sample. */
  readonly body?: string | Uint8Array
  /** PEM, where requests are signed with a private key that only the provider has: for tests. */
  readonly privateKey?: string
}

/**
 * A realistic request of a provider's, signed as the provider would, for a simulator or a test.
 *
 * @throws SchemeError `cannot_sign` where only the provider holds the key; others as openScheme
 */
export function sampleRequest(provider: string, options: SampleOptions): WebhookRequest {
  const config: SchemeConfig = {
    provider,
    secrets: options.secret === undefined ? [] : [options.secret],
    ...(options.options && { options: options.options }),
    ...(options.scheme !== undefined && { scheme: options.scheme }),
  }
  const row = provider === 'custom' ? customProvider(config) : findProvider(provider)
  if (!row) throw new SchemeError('unknown_provider', provider, `There is no provider ${provider}.`)
  const request = unsignedSample(row, options)
  const signed = signOf(row)(request, config, options)
  return {
    ...request,
    headers: { ...request.headers, ...signed.headers },
    ...(signed.url !== undefined && { url: signed.url }),
    ...(signed.body !== undefined && { body: Buffer.from(signed.body) }),
  }
}

function unsignedSample(row: Provider, options: SampleOptions): WebhookRequest {
  const text = row.sample.body
    .replaceAll('{nowMs}', String(options.nowMs))
    .replaceAll('{nowSeconds}', String(Math.floor(options.nowMs / 1000)))
  const body = Buffer.from(options.body ?? withFreshId(text, row, options.random))
  const headers: Record<string, string> = {
    'content-type': row.sample.contentType ?? 'application/json',
    ...row.sample.headers,
  }
  for (const rule of row.identity.id ?? []) {
    if ('header' in rule && (headers[rule.header] !== undefined || isSignedId(row, rule.header))) {
      headers[rule.header] = freshId(options.random)
    }
  }
  return { method: 'POST', url: options.url ?? 'https://hooks.example.com/webhook', headers, body }
}

function isSignedId(row: Provider, header: string): boolean {
  return row.scheme.kind === 'signature' && row.scheme.id === header
}

function freshId(random: () => number): string {
  const digits = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Gives a top-level `id` of letters and digits another ending, so that two samples are two events. */
function withFreshId(body: string, row: Provider, random: () => number): string {
  const rule = row.identity.id?.[0]
  if (!rule || !('member' in rule) || rule.member.includes('.')) return body
  const ending = Array.from({ length: 8 }, () => Math.floor(random() * 36).toString(36)).join('')
  return body.replace(
    new RegExp(`("${rule.member}":")([A-Za-z0-9_-]*?)[A-Za-z0-9]{8}(")`),
    (_all, before, start, after) => `${before}${start}${ending}${after}`,
  )
}

function signOf(row: Provider): SignSample {
  const scheme = row.scheme
  switch (scheme.kind) {
    case 'signature':
      return (request, config, signing) =>
        signatureSigner(withChosenAlgorithm(scheme, config))(request, config, signing)
    case 'token':
      return tokenSigner(scheme)
    case 'jwt':
      return jwtSigner(scheme)
    case 'unsigned':
      return () => ({})
    case 'code':
      if (scheme.sign) return scheme.sign
      throw cannotSign(row.name)
    default:
      throw new TypeError(`unknown scheme ${scheme satisfies never}`)
  }
}

function cannotSign(provider: string): SchemeError {
  return new SchemeError('cannot_sign', provider, `Only ${provider} has the key that signs its requests.`)
}

function needSecret(config: SchemeConfig): string {
  const secret = config.secrets[0]
  if (secret) return secret
  throw new SchemeError('secret_missing', config.provider, `Signing as ${config.provider} needs a secret.`)
}

function signatureSigner(scheme: SignatureDescriptor): SignSample {
  return (request, config, { nowMs, random, privateKey }) => {
    const headers: Record<string, string> = {}
    const id = scheme.id === undefined ? '' : String(request.headers[scheme.id] ?? `msg_${freshId(random)}`)
    if (scheme.id !== undefined) headers[scheme.id] = id
    const place = scheme.timestamp
    const timestamp = place ? writeTime(nowMs, place.unit) : ''
    if (place && 'header' in place) headers[place.header] = timestamp
    const fill = (secret: string): Buffer =>
      Buffer.concat(
        scheme.content.map(part => {
          if (part === '{body}') return request.body
          const known: Record<string, string> = {
            '{timestamp}': timestamp,
            '{id}': id,
            '{url}': request.url,
            '{method}': request.method,
            '{secret}': secret,
          }
          return Buffer.from(known[part] ?? part)
        }),
      )
    const signature = rawSignature(scheme, config, fill, privateKey).toString(
      scheme.encoding === 'hex-any-case' ? 'hex' : scheme.encoding,
    )
    const labelled = `${scheme.prefix ?? ''}${signature}`
    const header = scheme.headers[0]!.replace('{n}', '1')
    const time = place && 'pair' in place ? `${place.pair}=${timestamp}${scheme.pair?.separator ?? ','}` : ''
    headers[header] = scheme.pair ? `${time}${scheme.pair.name}=${labelled}` : labelled
    return { headers }
  }
}

function rawSignature(
  scheme: SignatureDescriptor,
  config: SchemeConfig,
  fill: (secret: string) => Buffer,
  privateKey: string | undefined,
): Buffer {
  const { algorithm } = scheme
  if (algorithm === 'ed25519' || algorithm === 'ecdsa-sha256' || algorithm === 'rsa-sha256') {
    if (privateKey === undefined) throw cannotSign(config.provider)
    return signWithKey(algorithm === 'ed25519' ? null : 'sha256', fill(''), createPrivateKey(privateKey))
  }
  const secret = needSecret(config)
  const hash = algorithm.replace('hmac-', '')
  if (!algorithm.startsWith('hmac-')) return createHash(hash).update(fill(secret)).digest()
  return createHmac(hash, openKey(secret, scheme.key ?? 'utf8', config.provider))
    .update(fill(secret))
    .digest()
}

function writeTime(nowMs: number, unit: TimestampUnit): string {
  if (unit === 'iso') return new Date(nowMs).toISOString()
  return String(unit === 's' ? Math.floor(nowMs / 1000) : nowMs)
}

function tokenSigner(scheme: TokenDescriptor): SignSample {
  return (request, config) => {
    const secret = needSecret(config)
    const place = scheme.places[0]!
    if ('query' in place) {
      const separator = request.url.includes('?') ? '&' : '?'
      return { url: `${request.url}${separator}${place.query}=${encodeURIComponent(secret)}` }
    }
    const named = scheme.headerOption === undefined ? undefined : config.options?.[scheme.headerOption]
    const header = typeof named === 'string' ? named.toLowerCase() : place.header
    const token = place.scheme === 'Basic' ? Buffer.from(secret).toString('base64') : secret
    return { headers: { [header]: place.scheme ? `${place.scheme} ${token}` : token } }
  }
}

function jwtSigner(scheme: JwtDescriptor): SignSample {
  return (request, config, { nowMs, random, privateKey }) => {
    const algorithm = scheme.algorithms[0]!
    const header = { alg: algorithm, typ: 'JWT', ...(scheme.published && { kid: 'sample' }) }
    const signed = [header, sampleClaims(scheme, config, request, nowMs, random)]
      .map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = algorithm.startsWith('HS')
      ? createHmac(algorithm.replace('HS', 'sha'), needSecret(config)).update(signed).digest()
      : signPublic(algorithm, signed, config.provider, privateKey)
    const token = `${signed}.${signature.toString('base64url')}`
    return { headers: { [scheme.header]: scheme.bearer ? `Bearer ${token}` : token } }
  }
}

function signPublic(
  algorithm: string,
  text: string,
  provider: string,
  privateKey: string | undefined,
): Buffer {
  if (privateKey === undefined) throw cannotSign(provider)
  const key = createPrivateKey(privateKey)
  return signWithKey(
    'sha256',
    Buffer.from(text),
    algorithm === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key,
  )
}

function sampleClaims(
  scheme: JwtDescriptor,
  config: SchemeConfig,
  request: WebhookRequest,
  nowMs: number,
  random: () => number,
): Record<string, unknown> {
  const now = Math.floor(nowMs / 1000)
  const option = (name: string | undefined) => (name === undefined ? undefined : config.options?.[name])
  const { bodyHash, url } = scheme
  const isLeftOut = bodyHash?.absentWhenEmpty && request.body.byteLength === 0
  const urlClaim = url?.hashed ? createHash('sha256').update(request.url).digest('hex') : request.url
  return {
    iss: option(scheme.issuerOption) ?? scheme.issuers?.[0],
    aud: option(scheme.audienceOption),
    ...(scheme.emailOption && { email: option(scheme.emailOption), email_verified: true }),
    iat: now,
    nbf: now,
    exp: now + 300,
    jti: freshId(random),
    ...(bodyHash &&
      !isLeftOut && {
        [bodyHash.claim]: createHash('sha256').update(request.body).digest(bodyHash.encoding),
      }),
    ...(url && { [url.claim]: urlClaim }),
  }
}
