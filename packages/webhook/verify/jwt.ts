import { createHash, createHmac, type KeyObject, verify as verifyWithKey } from 'node:crypto'
import type { InvalidVerdict, KeyFetch, SchemeConfig, Verdict, WebhookRequest } from '../scheme.ts'
import { equal } from './compare.ts'
import { decode } from './decode.ts'
import { headerText } from './header.ts'
import { openKey } from './key.ts'
import { type KeySet, parseKeySet, readKeySet } from './key-set.ts'
import { SchemeError } from './scheme-error.ts'
import { invalid } from './verdict.ts'

export type JwtAlgorithm = 'HS256' | 'HS384' | 'HS512' | 'RS256' | 'ES256'

/** A token signed by the provider, with what its claims must say. The algorithms are pinned, never read. */
export interface JwtDescriptor {
  readonly header: string
  /** Whether `Bearer ` stands before the token. */
  readonly bearer?: boolean
  readonly algorithms: readonly JwtAlgorithm[]
  /** Where public keys come from: an option of the source, else an address. HMAC keys are the secrets. */
  readonly published?: PublishedKeys
  readonly issuers?: readonly string[]
  /** The option that the `iss` claim must equal (LiveKit: the API key). */
  readonly issuerOption?: string
  /** The option that the `aud` claim must equal. */
  readonly audienceOption?: string
  /** The option that the `email` claim must equal, which must also be verified (Google). */
  readonly emailOption?: string
  readonly bodyHash?: {
    readonly claim: string
    readonly encoding: 'hex' | 'base64' | 'base64url'
    /** The claim is left out for an empty body (MessageBird). */
    readonly absentWhenEmpty?: boolean
  }
  /** The claim that holds the signed URL, or its SHA-256 in hex. */
  readonly url?: { readonly claim: string; readonly hashed: boolean }
  /** Claims that must be there. */
  readonly required: readonly ('exp' | 'iat' | 'nbf')[]
  /** How far clocks may differ for exp, nbf and iat; seconds. */
  readonly leewaySeconds: number
  /** True where a token still holds in the second it expires, leeway and all (Google's library; RFC 7519 says no). */
  readonly expiryIncluded?: boolean
  /** How old `iat` may be; seconds. Default: unbounded, unless the source sets a tolerance. */
  readonly maxAgeSeconds?: number
}

export interface PublishedKeys {
  /** Options that may hold the keys: a JWKS, or a map from key id to JWK or PEM. */
  readonly options: readonly string[]
  /** The request for a key that no option holds; undefined where the source lacks a setting that the request needs. */
  readonly request: (
    kid: string,
    config: SchemeConfig,
  ) => { readonly url: string; readonly json?: string } | undefined
  /** Reads the keys from the fetched document; default: a JWKS. */
  readonly read?: (text: string) => KeySet
}

/** Longer tokens are none: a provider's take a few hundred bytes. */
const maxTokenLength = 16 * 1024

interface Token {
  readonly alg: JwtAlgorithm
  readonly kid: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
  readonly signed: string
  readonly signature: Uint8Array
}

export type VerifyWithFetch = (request: WebhookRequest, nowMs: number) => Verdict | Promise<Verdict>

/** @throws SchemeError where a secret or option is missing that this scheme can't do without */
export function openJwt(scheme: JwtDescriptor, config: SchemeConfig, fetchKeys: KeyFetch): VerifyWithFetch {
  for (const name of [scheme.issuerOption, scheme.audienceOption]) {
    if (name !== undefined && typeof config.options?.[name] !== 'string') {
      throw new SchemeError(
        'option_missing',
        config.provider,
        `A source of ${config.provider} needs the option ${name}.`,
      )
    }
  }
  const checkClaims = openClaims(scheme, config)
  const check = scheme.published ? openPublished(scheme.published, config, fetchKeys) : openSecrets(config)
  return (request, nowMs) => {
    const token = readToken(scheme, request)
    if ('kind' in token) return token
    const finish = (matched: Verdict): Verdict =>
      matched.kind === 'invalid' ? matched : (checkClaims(token.claims, request, nowMs) ?? matched)
    const matched = check(token)
    return matched instanceof Promise ? matched.then(finish) : finish(matched)
  }
}

function readToken(scheme: JwtDescriptor, request: WebhookRequest): Token | InvalidVerdict {
  const header = headerText(request.headers, scheme.header)
  if (header === undefined || header === '') return invalid('signature_missing', `no header ${scheme.header}`)
  const isBearer = /^bearer /i.test(header)
  if (scheme.bearer && !isBearer) return invalid('signature_malformed', 'expected Bearer <JWT>')
  const text = isBearer ? header.slice('bearer '.length).trim() : header
  const parts = text.split('.', 4)
  const [head, payload, signature] = parts
  if (parts.length !== 3 || text.length > maxTokenLength) return invalid('signature_malformed', 'not a JWT')
  const fields = readJson(head!)
  const claims = readJson(payload!)
  if (!fields || !claims) return invalid('signature_malformed', 'not a JWT')
  const alg = scheme.algorithms.find(allowed => allowed === fields.alg)
  // A critical extension that isn't understood must refuse the token: RFC 7515, 4.1.11.
  if (!alg || fields.crit !== undefined) {
    return invalid('algorithm_not_allowed', `only ${scheme.algorithms.join(', ')} is accepted`)
  }
  const bytes = decode(signature!, 'base64url')
  if (!bytes) return invalid('signature_malformed', 'not a JWT')
  const kid = typeof fields.kid === 'string' ? fields.kid : undefined
  return { alg, kid, claims, signed: `${head}.${payload}`, signature: bytes }
}

function readJson(part: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = decode(part, 'base64url')
  if (!bytes) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function openSecrets(config: SchemeConfig): (token: Token) => Verdict {
  if (config.secrets.length === 0) {
    throw new SchemeError('secret_missing', config.provider, `A source of ${config.provider} needs a secret.`)
  }
  const keys = config.secrets.map(text => openKey(text, 'utf8', config.provider))
  return token => {
    const secret = keys.findIndex(key =>
      equal(createHmac(token.alg.replace('HS', 'sha'), key).update(token.signed).digest(), token.signature),
    )
    return secret < 0 ? invalid('signature_mismatch') : { kind: 'valid', secret }
  }
}

function openPublished(
  published: PublishedKeys,
  config: SchemeConfig,
  fetchKeys: KeyFetch,
): (token: Token) => Verdict | Promise<Verdict> {
  const configured = published.options.map(name => config.options?.[name]).find(value => value !== undefined)
  if (configured !== undefined) {
    const keys = typeof configured === 'string' ? parseKeySet(configured) : readKeySet(configured)
    return token => checkPublic(token, keys)
  }
  const read = rememberLast(published.read ?? parseKeySet)
  return async token => {
    const request = token.kid === undefined ? undefined : published.request(token.kid, config)
    if (!request) return invalid('key_unknown')
    const post = request.json === undefined ? {} : { json: request.json }
    try {
      const known = read(await fetchKeys(request.url, post))
      const keys = known.has(token.kid!)
        ? known
        : read(await fetchKeys(request.url, { ...post, fresh: true }))
      const verdict = checkPublic(token, keys)
      if (verdict.kind === 'valid') fetchKeys.prove?.(request.url, post)
      return verdict
    } catch (error) {
      return invalid('key_unavailable', error instanceof Error ? error.message : undefined)
    }
  }
}

/** The same text is parsed once: a key set is asked for with every request and changes every few days. */
function rememberLast(read: (text: string) => KeySet): (text: string) => KeySet {
  let last: { text: string; keys: KeySet } | undefined
  return text => {
    if (last?.text !== text) last = { text, keys: read(text) }
    return last.keys
  }
}

function checkPublic(token: Token, keys: KeySet): Verdict {
  const key: KeyObject | undefined = token.kid === undefined ? undefined : keys.get(token.kid)
  if (!key) return invalid('key_unknown', 'the provider publishes no key of this id')
  const fits =
    token.alg === 'RS256'
      ? key.asymmetricKeyType === 'rsa'
      : key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  if (!fits) return invalid('algorithm_not_allowed', `the key isn't one for ${token.alg}`)
  const signature = token.alg === 'ES256' ? derOf(token.signature) : token.signature
  const isRight =
    signature !== undefined && verifyWithKey('sha256', Buffer.from(token.signed), key, signature)
  return isRight ? { kind: 'valid' } : invalid('signature_mismatch')
}

/**
 * ES256's two numbers of 32 bytes (RFC 7518, 3.4) as the DER that OpenSSL verifies by default. Node's dsaEncoding would
 * do it too, but Workers take no KeyObject with options.
 */
function derOf(signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== 64) return undefined
  const numbers = [signature.subarray(0, 32), signature.subarray(32)].map(number => {
    const start = number.findIndex(byte => byte !== 0)
    const bytes = number.subarray(start < 0 ? 31 : start)
    // A number whose first bit is 1 would be negative in DER.
    const sign = bytes[0]! >= 0x80 ? [0] : []
    return [0x02, sign.length + bytes.length, ...sign, ...bytes]
  })
  const content = numbers.flat()
  return Uint8Array.from([0x30, content.length, ...content])
}

type CheckClaims = (
  claims: Token['claims'],
  request: WebhookRequest,
  nowMs: number,
) => InvalidVerdict | undefined

function openClaims(scheme: JwtDescriptor, config: SchemeConfig): CheckClaims {
  const option = (name: string | undefined) => (name === undefined ? undefined : config.options?.[name])
  const issuers: readonly unknown[] | undefined = scheme.issuerOption
    ? [option(scheme.issuerOption)]
    : scheme.issuers
  const audience = option(scheme.audienceOption)
  const email = option(scheme.emailOption)
  const setting = config.toleranceSeconds
  const past = typeof setting === 'object' ? setting.past : setting
  const maxAge = past === undefined ? scheme.maxAgeSeconds : past || undefined

  return (claims, request, nowMs) => {
    if (issuers && !issuers.includes(claims.iss)) return invalid('claims_invalid', 'iss is another one')
    if (audience !== undefined && ![claims.aud].flat().includes(audience)) {
      return invalid('claims_invalid', 'aud is another one')
    }
    if (email !== undefined && (claims.email !== email || claims.email_verified !== true)) {
      return invalid('claims_invalid', 'email is another one, or not verified')
    }
    return (
      checkTimes(claims, scheme, maxAge, Math.floor(nowMs / 1000)) ??
      checkUrl(claims, scheme, request.url) ??
      checkBody(claims, scheme, request.body)
    )
  }
}

function checkTimes(
  claims: Token['claims'],
  scheme: JwtDescriptor,
  maxAgeSeconds: number | undefined,
  now: number,
): InvalidVerdict | undefined {
  for (const name of ['exp', 'nbf', 'iat'] as const) {
    const value = claims[name]
    // Issuers' clocks run ahead of ours: iat only counts where a scheme bounds it.
    if (!scheme.required.includes(name) && (value === undefined || name === 'iat')) continue
    if (value === undefined) return invalid('timestamp_missing', `no claim ${name}`)
    if (typeof value !== 'number' || !Number.isFinite(value))
      return invalid('timestamp_malformed', `claim ${name}`)
    const overdue = name === 'exp' ? now - value : value - now
    const isOutside =
      name === 'exp'
        ? overdue >= scheme.leewaySeconds + (scheme.expiryIncluded ? 1 : 0)
        : overdue > scheme.leewaySeconds
    if (isOutside) {
      const detail = name === 'exp' ? `expired ${overdue} s ago` : `valid only in ${overdue} s (${name})`
      return invalid('timestamp_out_of_tolerance', detail)
    }
  }
  if (maxAgeSeconds !== undefined && typeof claims.iat === 'number' && now - claims.iat > maxAgeSeconds) {
    return invalid(
      'timestamp_out_of_tolerance',
      `issued ${now - claims.iat} s ago, ${maxAgeSeconds} s are allowed`,
    )
  }
  return undefined
}

function checkUrl(claims: Token['claims'], scheme: JwtDescriptor, url: string): InvalidVerdict | undefined {
  // Without the public URL there is nothing to compare with; a source behind a proxy should have it configured.
  if (!scheme.url || !/^https?:\/\//i.test(url)) return undefined
  const expected = scheme.url.hashed ? createHash('sha256').update(url).digest('hex') : url
  const claim = claims[scheme.url.claim]
  const isSame = typeof claim === 'string' && equal(Buffer.from(expected), Buffer.from(claim))
  return isSame ? undefined : invalid('claims_invalid', `${scheme.url.claim} isn't for the URL ${url}`)
}

function checkBody(
  claims: Token['claims'],
  scheme: JwtDescriptor,
  body: Uint8Array,
): InvalidVerdict | undefined {
  const rule = scheme.bodyHash
  if (!rule) return undefined
  const claim = claims[rule.claim]
  if (claim === undefined && rule.absentWhenEmpty && body.byteLength === 0) return undefined
  if (typeof claim !== 'string') return invalid('claims_invalid', `no claim ${rule.claim}`)
  const expected = createHash('sha256').update(body).digest()
  // Upstash has written its digest with and without padding.
  const text = rule.encoding === 'base64url' ? claim.replace(/(?<!=)=+$/, '') : claim
  const given = decode(text, rule.encoding)
  return given && equal(expected, given) ? undefined : invalid('body_hash_mismatch')
}
