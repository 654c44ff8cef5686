import { createHash, generateKeyPairSync, type KeyObject, sign as signWithKey } from 'node:crypto'
import { type Formula, hmac, json, now, type Vector, vector } from './formula.ts'

/* JSON Web Tokens, made by hand: RFC 7515 says what is signed. */

const secret = 'shared-secret-1'
const other = 'shared-secret-2'
const sha256 = (text: string, encoding: 'hex' | 'base64' | 'base64url') =>
  createHash('sha256').update(text).digest(encoding)
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

type Claims = Readonly<Record<string, unknown>>

function hs(claims: Claims, key = secret, alg = 'HS256'): string {
  const signed = `${part({ alg, typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${hmac(`sha${alg.slice(2)}`, key, signed, 'base64url')}`
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
function signed(claims: Claims, alg: 'RS256' | 'ES256', kid = 'k1', key: KeyObject = keyOf(alg)): string {
  const text = `${part({ alg, typ: 'JWT', kid })}.${part(claims)}`
  const bytes = signWithKey('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' })
  return `${text}.${bytes.toString('base64url')}`
}
const keyOf = (alg: 'RS256' | 'ES256') => (alg === 'RS256' ? rsa : ec).privateKey

const url = 'https://hooks.example.com/in?example=42'
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

const google = {
  iss: 'https://accounts.google.com',
  aud: 'https://hooks.example.com/push',
  email: 'push@project.iam.gserviceaccount.com',
  email_verified: true,
}
const googleOptions = {
  audience: google.aud,
  email: google.email,
  certs: { k1: rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString() },
}
const jwk = ec.publicKey.export({ format: 'jwk' })
const qstash = (body: string, at = now): Claims => ({
  iss: 'Upstash',
  sub: url,
  exp: at + 300,
  nbf: at,
  iat: at,
  jti: 'jwt_1',
  body: sha256(body, 'base64url'),
})
const bird = (body: string, at = now): Claims => ({
  iss: 'MessageBird',
  nbf: at,
  exp: at + 60,
  jti: '1',
  url_hash: sha256(url, 'hex'),
  payload_hash: sha256(body, 'hex'),
})
const livekit = (body: string, at = now): Claims => ({
  iss: 'devkey',
  nbf: at,
  exp: at + 300,
  sha256: sha256(body, 'base64'),
})
const plaid = (body: string, at = now): Claims => ({ iat: at, request_body_sha256: sha256(body, 'hex') })
const vonage = (body: string, at = now): Claims => ({
  iat: at,
  jti: '1',
  iss: 'Vonage',
  payload_hash: sha256(body, 'hex'),
})
const netlify = (body: string): Claims => ({ iss: 'netlify', sha256: sha256(body, 'hex') })

const changed = 'body_hash_mismatch'
export const tokensOfClaims: readonly Formula[] = [
  {
    provider: 'google-pubsub-oidc',
    secret: null,
    options: googleOptions,
    covers: 'nothing',
    signature: ['Authorization'],
    sign: (_body, at) => bearer(signed({ ...google, iat: at, exp: at + 3600 }, 'RS256')),
  },
  {
    provider: 'plaid',
    secret: null,
    options: { jwks: { k1: jwk } },
    changed,
    signature: ['Plaid-Verification'],
    sign: (body, at) => ({ headers: { 'Plaid-Verification': signed(plaid(body, at), 'ES256') } }),
  },
  {
    provider: 'upstash-qstash',
    secret,
    other,
    url,
    changed,
    signature: ['Upstash-Signature'],
    sign: (body, at) => ({ headers: { 'Upstash-Signature': hs(qstash(body, at)) } }),
  },
  {
    provider: 'livekit',
    secret,
    other,
    options: { apiKey: 'devkey' },
    changed,
    signature: ['Authorization'],
    sign: (body, at) => ({ headers: { Authorization: hs(livekit(body, at)) } }),
  },
  {
    provider: 'messagebird',
    secret,
    other,
    url,
    changed,
    signature: ['MessageBird-Signature-JWT'],
    sign: (body, at) => ({ headers: { 'MessageBird-Signature-JWT': hs(bird(body, at)) } }),
  },
  {
    provider: 'vonage-messages',
    secret,
    other,
    changed,
    signature: ['Authorization'],
    sign: (body, at) => bearer(hs(vonage(body, at))),
  },
  {
    provider: 'netlify',
    secret,
    other,
    changed,
    signature: ['X-Webhook-Signature'],
    sign: body => ({ headers: { 'X-Webhook-Signature': hs(netlify(body)) } }),
  },
]

const find = (provider: string): Formula => tokensOfClaims.find(formula => formula.provider === provider)!

function one(
  provider: string,
  name: string,
  token: string,
  reason?: string,
  overrides: Partial<Vector> = {},
): Vector {
  const formula = find(provider)
  const header = formula.signature[0]!
  const isBearer = formula.sign(json, now).headers![header]!.startsWith('Bearer ')
  const headers = { [header]: isBearer ? `Bearer ${token}` : token }
  const refused = reason === undefined ? {} : { expected: 'invalid' as const, reason }
  return vector(formula, name, {}, { headers, ...refused, ...overrides })
}

const push = (claims: Claims = {}) => signed({ ...google, iat: now, exp: now + 3600, ...claims }, 'RS256')
const none = `${part({ alg: 'none' })}.${part(vonage(json))}.`
const { Authorization: vonageBearer = '' } = find('vonage-messages').sign(json, now).headers ?? {}
const rsaForVonage = signed(vonage(json), 'RS256')

export const tokensOfClaimsVectors: readonly Vector[] = [
  one('google-pubsub-oidc', 'the other issuer', push({ iss: 'accounts.google.com' })),
  one(
    'google-pubsub-oidc',
    'an issuer that isn’t Google',
    push({ iss: 'https://evil.example' }),
    'bad_issuer',
  ),
  one('google-pubsub-oidc', 'another audience', push({ aud: 'https://else.example' }), 'bad_audience'),
  one('google-pubsub-oidc', 'another account', push({ email: 'x@y.example' }), 'bad_email'),
  one('google-pubsub-oidc', 'an account that isn’t verified', push({ email_verified: false }), 'bad_email'),
  one('google-pubsub-oidc', 'expired', push({ iat: now - 7200, exp: now - 301 }), 'expired'),
  one('google-pubsub-oidc', 'expired within the skew', push({ iat: now - 7200, exp: now - 299 })),
  one('google-pubsub-oidc', 'a key nobody knows', signed(google, 'RS256', 'k2'), 'unknown_key'),
  one('google-pubsub-oidc', 'ES256 with a key for RS256', signed(google, 'ES256'), 'bad_algorithm'),
  one(
    'google-pubsub-oidc',
    'the public key as a shared one',
    hs({ ...google, iat: now, exp: now + 3600 }, googleOptions.certs.k1),
    'bad_algorithm',
  ),
  one('google-pubsub-oidc', 'no account asked for', push({ email: 'x@y.example' }), undefined, {
    options: { audience: google.aud, certs: googleOptions.certs },
  }),
  one('plaid', 'five minutes old', signed(plaid(json, now - 300), 'ES256')),
  one('plaid', 'older', signed(plaid(json, now - 301), 'ES256'), 'stale_timestamp'),
  one('plaid', 'no time', signed({ request_body_sha256: sha256(json, 'hex') }, 'ES256'), 'missing_timestamp'),
  one('plaid', 'RS256', signed(plaid(json), 'RS256'), 'bad_algorithm'),
  one('plaid', 'a key nobody knows', signed(plaid(json), 'ES256', 'k2'), 'unknown_key'),
  one('plaid', 'keys as a set', signed(plaid(json), 'ES256'), undefined, {
    options: { jwks: { keys: [{ ...jwk, kid: 'k1', alg: 'ES256', use: 'sig' }] } },
  }),
  one('upstash-qstash', 'the next key', hs(qstash(json), 'next'), undefined, {
    options: { nextSecrets: ['next'] },
  }),
  one('upstash-qstash', 'the next key as one text', hs(qstash(json), 'next'), undefined, {
    options: { nextSecrets: 'next' },
  }),
  one(
    'upstash-qstash',
    'padding in the digest',
    hs({ ...qstash(json), body: `${sha256(json, 'base64url')}=` }),
  ),
  one('upstash-qstash', 'another URL', hs({ ...qstash(json), sub: 'https://else.example' }), 'bad_url'),
  one('upstash-qstash', 'expired', hs({ ...qstash(json), exp: now - 1 }), 'expired'),
  one('upstash-qstash', 'not yet', hs({ ...qstash(json), nbf: now + 10 }), 'future_timestamp'),
  one('upstash-qstash', 'another issuer', hs({ ...qstash(json), iss: 'x' }), 'bad_issuer'),
  one('livekit', 'Bearer before it', hs(livekit(json)), undefined, {
    headers: { Authorization: `Bearer ${hs(livekit(json))}` },
  }),
  one('livekit', 'another API key', hs({ ...livekit(json), iss: 'x' }), 'bad_issuer'),
  one('livekit', 'expired within the skew', hs({ ...livekit(json), exp: now - 9 })),
  one('livekit', 'expired', hs({ ...livekit(json), exp: now - 11 }), 'expired'),
  one('livekit', 'not yet', hs({ ...livekit(json), nbf: now + 11 }), 'future_timestamp'),
  one('messagebird', 'HS512', hs(bird(json), secret, 'HS512')),
  one('messagebird', 'HS384', hs(bird(json), secret, 'HS384')),
  one('messagebird', 'no body', hs({ ...bird(''), payload_hash: undefined }), undefined, { body: '' }),
  one(
    'messagebird',
    'no digest, though there is a body',
    hs({ ...bird(json), payload_hash: undefined }),
    'missing_claim',
  ),
  one('messagebird', 'another URL', hs(bird(json)), 'bad_url', { url: `${url}&b=1` }),
  one('messagebird', 'expired', hs({ ...bird(json), exp: now - 6 }), 'expired'),
  one('vonage-messages', 'a shared key used as RS256', rsaForVonage, 'bad_algorithm'),
  one('vonage-messages', 'no algorithm', none, 'bad_algorithm'),
  one('vonage-messages', 'no digest', hs({ iat: now }), 'missing_claim'),
  one(
    'vonage-messages',
    'two parts',
    vonageBearer.split('.').slice(0, 2).join('.').slice(7),
    'signature_mismatch',
  ),
  one('netlify', 'another issuer', hs({ ...netlify(json), iss: 'x' }), 'bad_issuer'),
  one('netlify', 'HS512', hs(netlify(json), secret, 'HS512'), 'bad_algorithm'),
  one(
    'netlify',
    'a critical extension',
    (() => {
      const text = `${part({ alg: 'HS256', crit: ['x'], x: 1 })}.${part(netlify(json))}`
      return `${text}.${hmac('sha256', secret, text, 'base64url')}`
    })(),
    'bad_algorithm',
  ),
]
