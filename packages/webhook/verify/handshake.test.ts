import { describe, expect, test } from 'vitest'
import { aSource } from '../fuzz/a-source.ts'
import { openScheme } from '../open.ts'
import { allProviders } from '../providers/table.ts'
import type { WebhookRequest } from '../scheme.ts'

function aRequest(overrides: Partial<WebhookRequest>): WebhookRequest {
  return { method: 'GET', url: '/in', headers: {}, body: Buffer.alloc(0), ...overrides }
}

function open(name: string, overrides: object = {}) {
  return openScheme({ ...aSource(name).config, ...overrides }, async () => '')
}

const script = '<script>alert(1)</script>'
/** Requests that some provider's handshake answers with the sender's own text. */
const challenges: WebhookRequest[] = [
  aRequest({ url: `/in?challenge=${encodeURIComponent(script)}` }),
  aRequest({ method: 'POST', url: `/in?validationToken=${encodeURIComponent(script)}` }),
  aRequest({ url: `/in?hub.mode=subscribe&hub.verify_token=x&hub.challenge=${encodeURIComponent(script)}` }),
  aRequest({ url: '/in?crc_token=abc' }),
  aRequest({ url: '/in?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53' }),
  aRequest({ method: 'POST', headers: { 'x-hook-secret': script }, body: Buffer.from('{}') }),
  aRequest({ headers: { 'x-okta-verification-challenge': script } }),
  aRequest({
    method: 'OPTIONS',
    headers: { 'webhook-request-origin': 'example.com', 'webhook-request-rate': '10' },
  }),
  aRequest({ method: 'HEAD' }),
  aRequest({
    method: 'POST',
    body: Buffer.from(JSON.stringify({ type: 'url_verification', challenge: script })),
  }),
  aRequest({
    method: 'POST',
    headers: { 'twitch-eventsub-message-type': 'webhook_callback_verification' },
    body: Buffer.from(JSON.stringify({ challenge: script })),
  }),
  aRequest({ method: 'POST', body: Buffer.from('{"type":0}') }),
  aRequest({
    method: 'POST',
    body: Buffer.from('{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}'),
  }),
  aRequest({ method: 'POST', body: Buffer.from(`{"verification_token":"secret_x"}`) }),
]

test('no source answers another provider’s handshake', () => {
  const answered = allProviders().flatMap(row =>
    challenges.some(request => open(row.name).handshake(request, false, 0)) ? [row.name] : [],
  )
  const expected = [
    'asana',
    'braintree',
    'cloudevents',
    'dropbox',
    'intercom',
    'meta',
    'microsoft-graph',
    'notion',
    'okta',
    'trello',
    'x',
    'xero',
  ]
  expect(answered).toEqual(expected)
})

test('an echo is text/plain that no browser sniffs, and never HTML', () => {
  for (const row of allProviders()) {
    for (const request of challenges) {
      for (const verified of [true, false]) {
        const answer = open(row.name).handshake(request, verified, 0)
        if (!answer || answer.body === '') continue
        expect(answer.headers['x-content-type-options'], row.name).toBe('nosniff')
        expect(answer.headers['content-type'], row.name).toMatch(/^(text\/plain|application\/json)$/)
      }
    }
  }
})

describe('a handshake that the provider signs is answered only when it is verified', () => {
  test.each(['slack', 'zoom', 'twitch', 'discord', 'aws-sns'])('%s', name => {
    expect(challenges.some(request => open(name).handshake(request, false, 0))).toBe(false)
  })
})

test.each([
  ['dropbox', aRequest({ url: `/in?challenge=${'x'.repeat(2049)}` })],
  ['microsoft-graph', aRequest({ method: 'POST', url: `/in?validationToken=${'x'.repeat(2049)}` })],
  ['okta', aRequest({ headers: { 'x-okta-verification-challenge': 'x'.repeat(2049) } })],
  ['asana', aRequest({ method: 'POST', headers: { 'x-hook-secret': 'a\r\nb: c' } })],
  ['cloudevents', aRequest({ method: 'OPTIONS', headers: { 'webhook-request-origin': 'a\nb' } })],
  ['braintree', aRequest({ url: '/in?bt_challenge=not-hex' })],
])('%s answers no challenge that is too long or malformed', (name, request) => {
  expect(open(name).handshake(request, false, 0)).toBeUndefined()
})

test('Meta’s challenge needs the source’s token', () => {
  const ask = (token: string) =>
    open('meta', { options: { verifyToken: 'right' } }).handshake(
      aRequest({ url: `/in?hub.mode=subscribe&hub.verify_token=${token}&hub.challenge=42` }),
      false,
      0,
    )
  expect(ask('right')).toMatchObject({ status: 200, body: '42' })
  expect(ask('wrong')).toMatchObject({ status: 403, body: '' })
})

describe('a secret that the provider hands over is shown only by a source that waits for one', () => {
  test.each([
    [
      'asana',
      aRequest({ method: 'POST', headers: { 'x-hook-secret': 'handed-over' }, body: Buffer.from('{}') }),
    ],
    ['notion', aRequest({ method: 'POST', body: Buffer.from('{"verification_token":"handed-over"}') })],
  ])('%s', (name, request) => {
    expect(open(name, { secrets: [] }).handshake(request, false, 0)?.offeredSecret).toBe('handed-over')
    expect(open(name, { secrets: ['known'] }).handshake(request, false, 0)?.offeredSecret).toBeUndefined()
    expect(open(name, { secrets: [] }).verify(request, 0)).toMatchObject({ reason: 'key_unavailable' })
  })
})

describe('SNS’ subscription is confirmed at its own hosts only', () => {
  test.each([
    ['https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription', true],
    ['https://sns.cn-north-1.amazonaws.com.cn/?Action=ConfirmSubscription', true],
    ['http://sns.us-west-2.amazonaws.com/', false],
    ['https://sns.us-west-2.amazonaws.com.evil.example/', false],
    ['https://evil.example/?sns.us-west-2.amazonaws.com', false],
    ['https://sns.us-west-2.amazonaws.com:8443/', false],
    ['https://user@sns.us-west-2.amazonaws.com/', false],
    ['https://169.254.169.254/', false],
  ])('%s', (url, isAllowed) => {
    const body = Buffer.from(JSON.stringify({ Type: 'SubscriptionConfirmation', SubscribeURL: url }))
    const answer = open('aws-sns').handshake(aRequest({ method: 'POST', body }), true, 0)
    expect(answer?.confirmUrl).toBe(isAllowed ? url : undefined)
    expect(answer?.status).toBe(isAllowed ? 200 : 403)
  })
})

test('where a provider demands an empty answer to events, the scheme says so', () => {
  const empty = allProviders().filter(row => open(row.name).accepted)
  expect(empty.map(row => [row.name, open(row.name).accepted?.status])).toEqual([
    ['discord', 204],
    ['okta', 204],
    ['xero', 200],
  ])
})
