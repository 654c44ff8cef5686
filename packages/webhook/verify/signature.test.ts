import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openScheme } from '../open.ts'
import { sampleRequest } from '../sample-request.ts'
import type { SchemeConfig, WebhookRequest } from '../scheme.ts'

const nowMs = 1_760_000_000_000
const body = '{"id":"evt_1","type":"invoice.paid"}'
const hex = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex')
const v1 = (secret: string) => `v1=${hex(secret, `1760000000.${body}`)}`

function stripe(header: string | string[] | undefined, config: Partial<SchemeConfig> = {}, atMs = nowMs) {
  const scheme = openScheme({ provider: 'stripe', secrets: ['a'], ...config })
  return scheme.verify(
    { method: 'POST', url: '', headers: { 'stripe-signature': header }, body: Buffer.from(body) },
    atMs,
  )
}

describe('several signatures and secrets', () => {
  test.each<[string, string | string[] | undefined, readonly string[], object]>([
    ['the only one', `t=1760000000,${v1('a')}`, ['a'], { kind: 'valid', secret: 0 }],
    ['the second secret', `t=1760000000,${v1('b')}`, ['a', 'b'], { kind: 'valid', secret: 1 }],
    ['the second signature', `t=1760000000,${v1('x')},${v1('a')}`, ['a'], { kind: 'valid', secret: 0 }],
    ['both second', `t=1760000000,${v1('x')},${v1('b')}`, ['a', 'b'], { kind: 'valid', secret: 1 }],
    ['blanks after commas', `t=1760000000, ${v1('a')}`, ['a'], { kind: 'valid', secret: 0 }],
    ['the time last', `${v1('a')},t=1760000000`, ['a'], { kind: 'valid', secret: 0 }],
    ['a header sent twice', ['t=1760000000', v1('a')], ['a'], { kind: 'valid', secret: 0 }],
    ['none of two', `t=1760000000,${v1('x')},${v1('y')}`, ['a', 'b'], { reason: 'signature_mismatch' }],
    [
      'another label only',
      `t=1760000000,${v1('a').replace('v1', 'v0')}`,
      ['a'],
      { reason: 'signature_malformed' },
    ],
    [
      'another label that would match, beside one that doesn’t',
      `t=1760000000,${v1('a').replace('v1', 'v2')},${v1('x')}`,
      ['a'],
      { reason: 'signature_mismatch' },
    ],
    [
      'upper case',
      `t=1760000000,v1=${hex('a', `1760000000.${body}`).toUpperCase()}`,
      ['a'],
      { reason: 'signature_malformed' },
    ],
    ['one character less', `t=1760000000,${v1('a').slice(0, -1)}`, ['a'], { reason: 'signature_malformed' }],
    [
      'a character that is no digit',
      `t=1760000000,${v1('a').slice(0, -1)}g`,
      ['a'],
      { reason: 'signature_malformed' },
    ],
    ['no time', v1('a'), ['a'], { reason: 'timestamp_missing' }],
    ['another time', `t=1760000001,${v1('a')}`, ['a'], { reason: 'signature_mismatch' }],
    ['no header', undefined, ['a'], { reason: 'signature_missing' }],
    ['an empty header', '', ['a'], { reason: 'timestamp_missing' }],
  ])('%s', (_title, header, secrets, expected) => {
    expect(stripe(header, { secrets })).toMatchObject(expected)
  })
})

describe('the clock is looked at after the signature, by the source’s tolerance', () => {
  const header = `t=1760000000,${v1('a')}`
  const old = { reason: 'timestamp_out_of_tolerance' }
  test.each<[string, SchemeConfig['toleranceSeconds'], number, object]>([
    ['the provider’s own', undefined, 300, { kind: 'valid' }],
    ['the provider’s own, passed', undefined, 301, old],
    ['the future is as the provider has it', undefined, -100_000, { kind: 'valid' }],
    ['a number', 10, 11, old],
    ['a number leaves the future unbounded', 10, -11, { kind: 'valid' }],
    ['both ways apart', { past: 10, future: 5 }, -6, old],
    ['both ways apart, inside', { past: 10, future: 5 }, -5, { kind: 'valid' }],
    ['0 switches it off', 0, 1_000_000, { kind: 'valid' }],
    ['null switches it off', { past: null, future: null }, 1_000_000, { kind: 'valid' }],
  ])('%s', (_title, toleranceSeconds, seconds, expected) => {
    const config = toleranceSeconds === undefined ? {} : { toleranceSeconds }
    expect(stripe(header, config, nowMs + seconds * 1000)).toMatchObject(expected)
  })

  test('a wrong signature is said before a wrong time', () => {
    expect(stripe(`t=1,${v1('x')}`)).toMatchObject({ reason: 'signature_mismatch' })
  })

  test('a signed time that is no time', () => {
    const signature = hex('a', `1e9.${body}`)
    expect(stripe(`t=1e9,v1=${signature}`)).toMatchObject({ reason: 'timestamp_malformed' })
  })

  test('whole seconds are compared, as the SDKs do', () => {
    expect(stripe(header, {}, nowMs + 300_999)).toMatchObject({ kind: 'valid' })
  })
})

describe('bodies are bytes', () => {
  const bodies: [string, Uint8Array][] = [
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ['empty', Buffer.alloc(0)],
    ['with a byte order mark', Buffer.from('\ufeff{}')],
    ['with CRLF', Buffer.from('a\r\nb')],
    ['gzip', Buffer.from('1f8b0800000000000003ab5652b2320000', 'hex')],
    ['a slice of a larger buffer', Buffer.from('xx{"a":1}xx').subarray(2, 9)],
  ]
  test.each(['github', 'stripe', 'slack', 'shopify', 'livekit', 'hubspot-v1'])('%s', async provider => {
    for (const [title, bytes] of bodies) {
      const options = { apiKey: 'k' }
      const request = sampleRequest(provider, {
        secret: 's3cret',
        options,
        nowMs,
        random: () => 0.4,
        body: bytes,
      })
      const scheme = openScheme({ provider, secrets: ['s3cret'], options })
      expect(await scheme.verify(request, nowMs), title).toMatchObject({ kind: 'valid' })
      const longer: WebhookRequest = { ...request, body: Buffer.concat([bytes, Buffer.from([0x20])]) }
      expect(await scheme.verify(longer, nowMs), title).toMatchObject({ kind: 'invalid' })
    }
  })
})

test('a header named like a property of every object is none', () => {
  const scheme = openScheme({
    provider: 'custom',
    secrets: ['a'],
    scheme: { header: 'constructor', algorithm: 'hmac-sha256', content: ['{body}'] },
  })
  expect(scheme.verify({ method: 'POST', url: '', headers: {}, body: Buffer.alloc(0) }, nowMs)).toMatchObject(
    { reason: 'signature_missing' },
  )
})

test('a URL that isn’t signed is never looked at, and so never named as the cause of a refusal', () => {
  const scheme = openScheme({ provider: 'github', secrets: ['test'] })
  const request = {
    method: 'POST',
    headers: { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` },
    body: Buffer.from('{}'),
    get url(): string {
      throw new Error('the URL was looked at')
    },
  }
  expect(scheme.verify(request, 0)).toMatchObject({ reason: 'signature_mismatch' })
})
