import { createHash, createHmac, createSign, generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openScheme } from '../open.ts'
import type { KeyFetch, KeyFetchOptions, WebhookRequest } from '../scheme.ts'

const nowMs = 1_760_000_000_000
const now = nowMs / 1000
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const options = { audience: 'https://example.com/push', email: 'push@example.iam.gserviceaccount.com' }
const claims = {
  iss: 'https://accounts.google.com',
  aud: options.audience,
  email: options.email,
  email_verified: true,
  iat: now,
  exp: now + 3600,
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

function rs256(payload: object, header: object = { alg: 'RS256', kid: 'k1' }): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createSign('sha256').update(signed).sign(rsa.privateKey, 'base64url')}`
}

function pushed(token: string): WebhookRequest {
  return { method: 'POST', url: '/x', headers: { authorization: `Bearer ${token}` }, body: Buffer.from('{}') }
}

const jwks = (...kids: string[]) =>
  JSON.stringify({
    keys: kids.map(kid => ({ ...rsa.publicKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' })),
  })

function pubsub(keys: KeyFetch = async () => jwks('k1'), overrides: object = {}) {
  return openScheme(
    { provider: 'google-pubsub-oidc', secrets: [], options: { ...options, ...overrides } },
    keys,
  )
}

describe('a token of Google’s', () => {
  test.each<[string, string, object]>([
    ['that is right', rs256(claims), { kind: 'valid' }],
    ['with the shorter issuer', rs256({ ...claims, iss: 'accounts.google.com' }), { kind: 'valid' }],
    ['inside the leeway', rs256({ ...claims, exp: now - 300 }), { kind: 'valid' }],
    ['for a list of audiences', rs256({ ...claims, aud: ['x', options.audience] }), { kind: 'valid' }],
    ['that has expired', rs256({ ...claims, exp: now - 301 }), { reason: 'timestamp_out_of_tolerance' }],
    ['from the future', rs256({ ...claims, iat: now + 301 }), { reason: 'timestamp_out_of_tolerance' }],
    ['without an expiry', rs256({ ...claims, exp: undefined }), { reason: 'timestamp_missing' }],
    [
      'with an expiry that is text',
      rs256({ ...claims, exp: '9999999999' }),
      { reason: 'timestamp_malformed' },
    ],
    ['of another issuer', rs256({ ...claims, iss: 'https://evil.example' }), { reason: 'claims_invalid' }],
    ['for another audience', rs256({ ...claims, aud: 'x' }), { reason: 'claims_invalid' }],
    ['of another account', rs256({ ...claims, email: 'x@example.com' }), { reason: 'claims_invalid' }],
    [
      'of an account that isn’t verified',
      rs256({ ...claims, email_verified: false }),
      { reason: 'claims_invalid' },
    ],
    [
      'with alg none',
      `${part({ alg: 'none', kid: 'k1' })}.${part(claims)}.`,
      { reason: 'algorithm_not_allowed' },
    ],
    [
      'with an extension nobody knows',
      rs256(claims, { alg: 'RS256', kid: 'k1', crit: ['x'] }),
      { reason: 'algorithm_not_allowed' },
    ],
    ['without a key id', rs256(claims, { alg: 'RS256' }), { reason: 'key_unknown' }],
    ['of another key', rs256(claims, { alg: 'RS256', kid: 'k2' }), { reason: 'key_unknown' }],
    ['whose signature was changed', `${rs256(claims).slice(0, -4)}AAAA`, { reason: 'signature_mismatch' }],
    ['with four parts', `${rs256(claims)}.x`, { reason: 'signature_malformed' }],
    ['that isn’t JSON', 'a.b.c', { reason: 'signature_malformed' }],
    ['of 20 KiB', `${'a'.repeat(20_000)}.b.c`, { reason: 'signature_malformed' }],
  ])('%s', async (_title, token, expected) => {
    expect(await pubsub().verify(pushed(token), nowMs)).toMatchObject(expected)
  })

  test('signed by HMAC with the public key as its secret', async () => {
    const pem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const signed = `${part({ alg: 'HS256', kid: 'k1' })}.${part(claims)}`
    const token = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
    const scheme = pubsub(undefined, { certs: { k1: pem } })
    expect(scheme.verify(pushed(token), nowMs)).toMatchObject({ reason: 'algorithm_not_allowed' })
  })

  test('whose key is of another kind', () => {
    const scheme = pubsub(undefined, { certs: { k1: ec.publicKey.export({ format: 'pem', type: 'spki' }) } })
    expect(scheme.verify(pushed(rs256(claims)), nowMs)).toMatchObject({ reason: 'algorithm_not_allowed' })
  })

  test('without Bearer', async () => {
    const request = { ...pushed(''), headers: { authorization: rs256(claims) } }
    expect(await pubsub().verify(request, nowMs)).toMatchObject({ reason: 'signature_malformed' })
  })
})

describe('published keys', () => {
  test('are asked for again, once, when a key id is unknown', async () => {
    const asked: (KeyFetchOptions | undefined)[] = []
    const keys: KeyFetch = async (_url, how) => {
      asked.push(how)
      return how?.fresh ? jwks('k1', 'k2') : jwks('k1')
    }
    const scheme = pubsub(keys)
    expect(await scheme.verify(pushed(rs256(claims, { alg: 'RS256', kid: 'k2' })), nowMs)).toEqual({
      kind: 'valid',
    })
    expect(asked).toEqual([{}, { fresh: true }])
    expect(await scheme.verify(pushed(rs256(claims, { alg: 'RS256', kid: 'k3' })), nowMs)).toMatchObject({
      reason: 'key_unknown',
    })
    expect(asked).toHaveLength(4)
  })

  test('that can’t be had are said to be', async () => {
    const scheme = pubsub(() => Promise.reject(new Error('www.googleapis.com can’t be reached.')))
    expect(await scheme.verify(pushed(rs256(claims)), nowMs)).toEqual({
      kind: 'invalid',
      reason: 'key_unavailable',
      detail: 'www.googleapis.com can’t be reached.',
    })
  })

  test('that are nonsense are none', async () => {
    for (const text of ['', 'null', '[]', '{"keys":1}', '{"keys":[{"kid":"k1","kty":"RSA"}]}', '<html>']) {
      expect(await pubsub(async () => text).verify(pushed(rs256(claims)), nowMs)).toMatchObject({
        reason: 'key_unknown',
      })
    }
  })
})

describe('Plaid’s keys', () => {
  const body = Buffer.from('{\n  "webhook_type": "ITEM"\n}')
  const digest = '4a7c8ea9d4ef17f7e6b8b3a9ff5a22a7b7a1d6b3c1f3b7f0a9c5d6e7f8a9b0c1'

  function es256(payload: object): string {
    const signed = `${part({ alg: 'ES256', kid: 'p1' })}.${part(payload)}`
    const key = { key: ec.privateKey, dsaEncoding: 'ieee-p1363' as const }
    return `${signed}.${createSign('sha256').update(signed).sign(key, 'base64url')}`
  }

  function plaid(answer: object, asked: unknown[] = []) {
    const keys: KeyFetch = async (url, how) => {
      asked.push([url, how?.json])
      return JSON.stringify(answer)
    }
    const plaidOptions = { clientId: 'client', plaidSecret: 'secret', environment: 'sandbox' }
    return openScheme({ provider: 'plaid', secrets: [], options: plaidOptions }, keys)
  }

  const request = (payload: object): WebhookRequest => ({
    method: 'POST',
    url: '',
    headers: { 'plaid-verification': es256(payload) },
    body,
  })
  const key = {
    ...ec.publicKey.export({ format: 'jwk' }),
    kid: 'p1',
    alg: 'ES256',
    use: 'sig',
    expired_at: null,
  }

  test('are asked for by id, with the account’s credentials', async () => {
    const asked: unknown[] = []
    const right = createHash('sha256').update(body).digest('hex')
    const verdict = await plaid({ key }, asked).verify(
      request({ iat: now, request_body_sha256: right }),
      nowMs,
    )
    expect(verdict).toEqual({ kind: 'valid' })
    expect(asked).toEqual([
      [
        'https://sandbox.plaid.com/webhook_verification_key/get',
        '{"client_id":"client","secret":"secret","key_id":"p1"}',
      ],
    ])
  })

  test('ES256 whose numbers are short, or begin with a bit of 1, as with any length but 64 bytes', () => {
    const scheme = openScheme({ provider: 'plaid', secrets: [], options: { jwks: { p1: key } } })
    const verify = (token: string) =>
      scheme.verify({ method: 'POST', url: '', headers: { 'plaid-verification': token }, body }, nowMs)
    const right = createHash('sha256').update(body).digest('hex')
    const seen = { short: 0, high: 0 }
    // One number in 256 begins with a zero byte: 4,000 signatures without any have a chance of 10^-13.
    for (let i = 0; i < 4000 && (seen.short < 2 || seen.high < 2); i++) {
      const token = es256({ iat: now, request_body_sha256: right, i })
      const [head, payload, signature] = token.split('.')
      const bytes = Buffer.from(signature!, 'base64url')
      if (bytes[0] === 0 || bytes[32] === 0) seen.short++
      if (bytes[0]! >= 0x80) seen.high++
      expect(verify(token)).toEqual({ kind: 'valid' })
      for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, bytes.subarray(63)]), Buffer.alloc(64)]) {
        const other = verify(`${head}.${payload}.${wrong.toString('base64url')}`)
        expect(other).toMatchObject({ reason: 'signature_mismatch' })
      }
    }
    expect(seen.short).toBeGreaterThanOrEqual(2)
    expect(seen.high).toBeGreaterThanOrEqual(2)
  })

  test('a digest of another body, an old token, an expired key', async () => {
    expect(
      await plaid({ key }).verify(request({ iat: now, request_body_sha256: digest }), nowMs),
    ).toMatchObject({ reason: 'body_hash_mismatch' })
    expect(
      await plaid({ key }).verify(request({ iat: now - 301, request_body_sha256: digest }), nowMs),
    ).toMatchObject({ reason: 'timestamp_out_of_tolerance' })
    const expired = { key: { ...key, expired_at: 1_700_000_000 } }
    expect(
      await plaid(expired).verify(request({ iat: now, request_body_sha256: digest }), nowMs),
    ).toMatchObject({ reason: 'key_unknown' })
  })
})
