import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { aSource } from './fuzz/a-source.ts'
import { noKeyFetch, openScheme } from './open.ts'
import { allProviders, findProvider } from './providers/table.ts'
import { sampleRequest } from './sample-request.ts'
import type { SchemeConfig } from './scheme.ts'
import { SchemeError } from './verify/scheme-error.ts'

const nowMs = 1_760_000_000_000
const random = () => 0.4

const signable = allProviders().filter(row => row.scheme.kind !== 'code' || row.scheme.sign)

describe.each(signable.map(row => row.name))('the sample of %s', name => {
  test('is accepted, with an id or a type where the provider has one', async () => {
    const scheme = findProvider(name)!.scheme
    const { config, privateKey } = aSource(name)
    if ((scheme.kind === 'jwt' && scheme.published) || name === 'paypal' || name === 'aws-sns')
      return expectOnlyTheProviderSigns(name, config)
    const request = sampleRequest(name, {
      secret: config.secrets[0]!,
      ...(config.options && { options: config.options }),
      nowMs,
      random,
      ...(privateKey && { privateKey }),
    })
    const opened = openScheme(config, noKeyFetch)
    expect(await opened.verify(request, nowMs)).toMatchObject({ kind: 'valid' })
    const identity = opened.identify(request)
    const rules = findProvider(name)!.identity
    // Discord's events have no id, only its interactions do.
    if (rules.id?.length && name !== 'discord') expect(identity.deliveryId, 'deliveryId').toBeTruthy()
    if (rules.type?.length) expect(identity.eventType, 'eventType').toBeTruthy()
  })
})

function expectOnlyTheProviderSigns(name: string, config: SchemeConfig): void {
  expect(() =>
    sampleRequest(name, { secret: config.secrets[0]!, options: config.options!, nowMs, random }),
  ).toThrow(expect.objectContaining({ code: 'cannot_sign' }))
}

describe('a source that can’t work is refused with a code and a sentence', () => {
  test.each<[string, SchemeConfig, string, string]>([
    [
      'an unknown provider',
      { provider: 'strpie', secrets: ['x'] },
      'unknown_provider',
      'Did you mean stripe?',
    ],
    ['no secret', { provider: 'stripe', secrets: [] }, 'secret_missing', 'needs a secret'],
    ['an empty secret', { provider: 'stripe', secrets: [''] }, 'secret_missing', 'is empty'],
    ['a key that isn’t base64', { provider: 'svix', secrets: ['whsec_???'] }, 'secret_undecodable', 'base64'],
    [
      'a tolerance below 0',
      { provider: 'stripe', secrets: ['x'], toleranceSeconds: -1 },
      'option_invalid',
      'from 0 on',
    ],
    [
      'a tolerance that is no number',
      { provider: 'stripe', secrets: ['x'], toleranceSeconds: Number.NaN },
      'option_invalid',
      'toleranceSeconds',
    ],
    [
      'a tolerance as text',
      { provider: 'github', secrets: ['x'], toleranceSeconds: { past: '5' as never, future: null } },
      'option_invalid',
      'number or null',
    ],
    ['no webhook id', { provider: 'paypal', secrets: [] }, 'option_missing', 'webhookId'],
    ['custom without a scheme', { provider: 'custom', secrets: ['x'] }, 'scheme_missing', 'needs a scheme'],
    [
      'custom that signs nothing',
      {
        provider: 'custom',
        secrets: ['x'],
        scheme: { header: 'x-sig', algorithm: 'hmac-sha256', content: ['{timestamp}'] },
      },
      'scheme_invalid',
      '{body}',
    ],
    [
      'custom with a misspelt placeholder',
      {
        provider: 'custom',
        secrets: ['x'],
        scheme: { header: 'x-sig', algorithm: 'hmac-sha256', content: ['{time}', '{body}'] },
      },
      'scheme_invalid',
      '{time}',
    ],
    [
      'custom with an unknown algorithm',
      {
        provider: 'custom',
        secrets: ['x'],
        scheme: { header: 'x-sig', algorithm: 'md5', content: ['{body}'] },
      },
      'scheme_invalid',
      'hmac-sha256',
    ],
  ])('%s', (_title, config, code, part) => {
    try {
      openScheme(config)
      expect.fail('opened')
    } catch (error) {
      expect(error).toBeInstanceOf(SchemeError)
      expect(error).toMatchObject({ code })
      expect((error as Error).message).toContain(part)
    }
  })

  test('and the sentence never holds the secret', () => {
    expect(() => openScheme({ provider: 'svix', secrets: ['whsec_not base64!'] })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('not base64!') }),
    )
  })
})

test('the custom scheme of a partner is data', () => {
  const scheme = {
    header: 'X-Partner-Signature',
    algorithm: 'hmac-sha256',
    encoding: 'hex',
    content: ['{timestamp}', '.', '{body}'],
    timestamp: { header: 'x-partner-time', unit: 's' },
    id: { header: 'x-partner-id' },
    type: { member: 'type' },
  }
  const request = sampleRequest('custom', { secret: 's3cret', scheme, nowMs, random })
  const opened = openScheme({ provider: 'custom', secrets: ['other', 's3cret'], scheme })
  expect(opened.verify(request, nowMs)).toEqual({ kind: 'valid', secret: 1 })
  expect(opened.verify(request, nowMs + 301_000)).toMatchObject({ reason: 'timestamp_out_of_tolerance' })
  expect(opened.identify(request)).toMatchObject({ eventType: 'example.created' })
})

test('Svix’ schemes take the unbranded headers too, as its own library does', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const request = sampleRequest('standard-webhooks', { secret, nowMs, random })
  const clerk = openScheme({ provider: 'clerk', secrets: [secret] })
  expect(clerk.verify(request, nowMs)).toEqual({ kind: 'valid', secret: 0 })
  expect(clerk.identify(request).deliveryId).toBeTruthy()
  expect(clerk.verify({ ...request, headers: {} }, nowMs)).toMatchObject({ reason: 'signature_missing' })
})

test('a secret of Supabase may hold several', () => {
  const [first, second] = ['v1,whsec_c3VwYWJhc2UtZmlyc3Q=', 'v1,whsec_c3VwYWJhc2Utc2Vjb25k']
  const request = sampleRequest('supabase-auth-hooks', { secret: second!, nowMs, random })
  const scheme = openScheme({
    provider: 'supabase-auth-hooks',
    secrets: ['v1,whsec_AAAA', `${first}|${second}`],
  })
  expect(scheme.verify(request, nowMs)).toEqual({ kind: 'valid', secret: 1 })
})

test('Box’ version and algorithm are pinned', () => {
  const request = sampleRequest('box', { secret: 'key', nowMs, random })
  const scheme = openScheme({ provider: 'box', secrets: ['key'] })
  expect(scheme.verify(request, nowMs)).toMatchObject({ kind: 'valid' })
  for (const headers of [{ 'box-signature-version': '2' }, { 'box-signature-algorithm': 'HmacSHA1' }]) {
    expect(scheme.verify({ ...request, headers: { ...request.headers, ...headers } }, nowMs)).toMatchObject({
      reason: 'algorithm_not_allowed',
    })
  }
})

const pem = { format: 'pem', type: 'spki' } as const
const pkcs8 = { format: 'pem', type: 'pkcs8' } as const
describe('a custom scheme of any kind', () => {
  const ed25519 = generateKeyPairSync('ed25519')
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const content = ['{timestamp}', '{body}']
  const timestamp = { header: 'x-time', unit: 'ms' }
  test.each<[string, object, string, string | undefined]>([
    [
      'hmac-sha512 in base64',
      { algorithm: 'hmac-sha512', encoding: 'base64', content: ['{body}'] },
      's3cret',
      undefined,
    ],
    [
      'hmac-sha1 of the URL',
      { algorithm: 'hmac-sha1', content: ['{method}', ' ', '{url}', '\n', '{body}'] },
      's3cret',
      undefined,
    ],
    [
      'a digest with the secret in it',
      { algorithm: 'sha256', content: ['{secret}', '{body}'] },
      's3cret',
      undefined,
    ],
    ['a base64 key', { algorithm: 'hmac-sha256', key: 'base64', content: ['{body}'] }, 'c2VjcmV0', undefined],
    [
      'pairs',
      {
        algorithm: 'hmac-sha256',
        pair: { name: 'sig', separator: ';' },
        timestamp: { pair: 'at', unit: 's' },
        content,
      },
      's3cret',
      undefined,
    ],
    [
      'ed25519',
      { algorithm: 'ed25519', encoding: 'base64', timestamp, content },
      ed25519.publicKey.export(pem).toString(),
      ed25519.privateKey.export(pkcs8).toString(),
    ],
    [
      'rsa-sha256',
      { algorithm: 'rsa-sha256', encoding: 'base64', timestamp, content },
      rsa.publicKey.export(pem).toString(),
      rsa.privateKey.export(pkcs8).toString(),
    ],
    [
      'ecdsa-sha256',
      { algorithm: 'ecdsa-sha256', encoding: 'base64', timestamp, content },
      ec.publicKey.export(pem).toString(),
      ec.privateKey.export(pkcs8).toString(),
    ],
    ['a token', { algorithm: 'token' }, 's3cret', undefined],
    ['a bearer token', { algorithm: 'token', prefix: 'Bearer ' }, 's3cret', undefined],
    [
      'a JWT',
      { algorithm: 'jwt-hs256', issuer: 'partner', bodyHash: { claim: 'body', encoding: 'base64' } },
      's3cret',
      undefined,
    ],
  ])('%s', async (_title, fields, secret, privateKey) => {
    const scheme = { header: 'x-sig', ...fields }
    const request = sampleRequest('custom', {
      secret,
      scheme,
      nowMs,
      random,
      ...(privateKey && { privateKey }),
    })
    const opened = openScheme({ provider: 'custom', secrets: [secret], scheme })
    expect(await opened.verify(request, nowMs)).toMatchObject({ kind: 'valid' })
    if ('content' in fields || 'bodyHash' in fields) {
      expect(await opened.verify({ ...request, body: Buffer.from('{}') }, nowMs)).toMatchObject({
        kind: 'invalid',
      })
    }
    expect(await opened.verify({ ...request, headers: {} }, nowMs)).toMatchObject({
      reason: 'signature_missing',
    })
  })
})
