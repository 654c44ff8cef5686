import { allProviders } from '@fairlead/webhook/providers/table'
import { schemeHeaders } from '@fairlead/webhook/scheme-headers'
import { describe, expect, test } from 'vitest'
import { openForwardPolicy } from './forward.ts'

const none = { credentials: [], signatures: [] }
const plain = openForwardPolicy({ scheme: none, forwardCredentials: false, replaced: ['X-Own'] })

test.each([
  'Content-Type',
  'User-Agent',
  'X-Request-Id',
  'Stripe-Signature',
  'X-Hub-Signature-256',
  'Idempotency-Key',
  'x-amz-sns-message-type',
])('%s goes on as it is', name => expect(plain.nameFor(name)).toBe(name))

describe('a header that claims another sender is not forwarded', () => {
  test.each([
    ['a name that CGI takes for another', 'fairlead_event_id'],
    ['an underscore in capitals', 'Webhook_Signature'],
    ["Fairlead's own", 'Fairlead-Event-Id'],
    ['another URL', 'X-Original-URL'],
    ['another URL', 'X-Rewrite-Url'],
    ['another method', 'X-HTTP-Method-Override'],
    ['another peer', 'X-Real-IP'],
    ['another peer', 'Forwarded'],
    ['another peer', 'X-Forwarded-For'],
    ['another peer', 'True-Client-IP'],
    ['another peer', 'x-envoy-external-address'],
    ['a person', 'X-Remote-User'],
    ['a person', 'X-Auth-Request-Email'],
    ["the sender's", 'Authorization'],
    ["the sender's", 'Cookie'],
    ['httpoxy', 'Proxy'],
    ["the sender's trace", 'traceparent'],
    ["the sender's trace", 'TraceState'],
    ["the sender's trace", 'baggage'],
    ["the sender's trace", 'b3'],
    ["the sender's trace", 'X-B3-TraceId'],
    ["the sender's trace", 'sentry-trace'],
    ["the sender's trace", 'x-datadog-trace-id'],
    ["the sender's trace", 'X-Amzn-Trace-Id'],
    ['of the connection', 'Connection'],
    ['of the connection', 'Transfer-Encoding'],
    ["given by the destination's settings", 'x-oWN'],
  ])('%s: %s', (_why, name) => {
    expect(plain.nameFor(name)).toBeUndefined()
    // The second call answers from memory.
    expect(plain.nameFor(name)).toBeUndefined()
  })
})

test("a provider's own Standard Webhooks headers are kept apart from Fairlead's", () => {
  expect(plain.nameFor('Webhook-Signature')).toBe('fairlead-original-webhook-signature')
})

describe('the credential that a source is verified by', () => {
  const credential = [
    ['gitlab-token', 'X-Gitlab-Token'],
    ['telegram', 'X-Telegram-Bot-Api-Secret-Token'],
    ['postmark', 'Authorization'],
    ['cloudevents', 'Authorization'],
    ['google-pubsub-oidc', 'Authorization'],
  ] as const

  test.each(credential)(
    'of %s does not go to a destination, which could forge with it: %s',
    (provider, name) => {
      const scheme = schemeHeaders({ provider })
      expect(scheme.credentials).toContain(name.toLowerCase())
      const kept = openForwardPolicy({ scheme, forwardCredentials: false, replaced: [] })
      expect(kept.nameFor(name)).toBeUndefined()
      expect(kept.nameFor(name.toUpperCase())).toBeUndefined()
    },
  )

  test.each(credential)('of %s goes to a destination with forwardCredentials: %s', (provider, name) => {
    const scheme = schemeHeaders({ provider })
    const given = openForwardPolicy({ scheme, forwardCredentials: true, replaced: [] })
    expect(given.nameFor(name)).toBe(name)
    // Only the credential: the other headers stay left out.
    for (const other of ['Cookie', 'X-Original-URL', 'X-Real-IP', 'a_b', 'Connection']) {
      expect(given.nameFor(other)).toBeUndefined()
    }
  })

  test("does not stand beside the destination's own authorization", () => {
    const scheme = schemeHeaders({ provider: 'postmark' })
    const policy = openForwardPolicy({ scheme, forwardCredentials: true, replaced: ['authorization'] })
    expect(policy.nameFor('Authorization')).toBeUndefined()
  })

  test('is in the header that the source names', () => {
    const options = { header: 'X-Okta-Secret' }
    expect(schemeHeaders({ provider: 'okta', options }).credentials).toEqual([
      'authorization',
      'x-okta-secret',
    ])
  })

  test('of a custom scheme', () => {
    const scheme = { algorithm: 'token', header: 'X-Token' }
    expect(schemeHeaders({ provider: 'custom', scheme })).toEqual({
      credentials: ['x-token'],
      signatures: [],
    })
    expect(schemeHeaders({ provider: 'custom', scheme: 'none' })).toEqual(none)
    expect(schemeHeaders({ provider: 'nobody' })).toEqual(none)
  })
})

test("every provider's signature headers go on, so that its SDK can verify at the destination", () => {
  let signed = 0
  for (const provider of allProviders()) {
    const scheme = schemeHeaders({ provider: provider.name })
    const policy = openForwardPolicy({ scheme, forwardCredentials: false, replaced: [] })
    for (const name of scheme.signatures) {
      signed++
      const expected = name.startsWith('webhook-') ? `fairlead-original-${name}` : name
      expect([provider.name, policy.nameFor(name)]).toEqual([provider.name, expected])
    }
    for (const name of scheme.credentials) expect(policy.nameFor(name)).toBeUndefined()
  }
  expect(signed).toBeGreaterThan(50)
})
