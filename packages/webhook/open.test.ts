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
