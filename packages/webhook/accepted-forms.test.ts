import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { openScheme } from './open.ts'
import type { SchemeConfig } from './scheme.ts'

/** Requests in each further form that a provider's documentation describes. */

const nowMs = 1_760_000_000_000
const hmac = (text: string | Uint8Array, encoding: 'hex' | 'base64', key: string | Buffer = 's3cret') =>
  createHmac('sha256', key).update(text).digest(encoding)

function verify(
  config: Partial<SchemeConfig> & { provider: string },
  headers: Record<string, string>,
  body: string | Uint8Array,
  url = 'https://hooks.example.com/webhooks/acme/source',
) {
  const scheme = openScheme({ secrets: ['s3cret'], ...config })
  const request = { method: 'POST', url, headers, body: Buffer.from(body) }
  return { verdict: scheme.verify(request, nowMs), identity: scheme.identify(request) }
}

const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' }

describe('mailgun', () => {
  const signed = {
    timestamp: '1760000000',
    token: 'a'.repeat(50),
    signature: hmac(`1760000000${'a'.repeat(50)}`, 'hex'),
  }
  const multipart = { 'content-type': 'multipart/form-data; boundary="==mail=="' }
  const file =
    'Content-Disposition: form-data; name="attachment-1"; filename="a.bin"\r\nContent-Type: application/octet-stream'
  const part = (head: string, text: string) => `--==mail==\r\n${head}\r\n\r\n${text}\r\n`
  const field = (name: string, text: string) => part(`Content-Disposition: form-data; name="${name}"`, text)
  const mail = (fields: Record<string, string>, attachment = '\r\n--=\r\n--==mai\r\n') =>
    `${field('subject', 'Hello')}${part(file, attachment)}${Object.entries(fields)
      .map(([name, text]) => field(name, text))
      .join('')}--==mail==--\r\n`

  test('a route’s urlencoded form isn’t refused', () => {
    const body = new URLSearchParams({
      recipient: 'ada@example.com',
      'body-plain': 'Hello & {}',
      ...signed,
    }).toString()
    const { verdict, identity } = verify({ provider: 'mailgun' }, urlencoded, body)
    expect(verdict).toEqual({ kind: 'valid', secret: 0 })
    expect(identity).toEqual({ deliveryId: signed.token, repeats: 'id' })
  })

  test('a mail with attachments isn’t refused, wherever its signature stands', () => {
    const { verdict, identity } = verify({ provider: 'mailgun' }, multipart, mail(signed))
    expect(verdict).toEqual({ kind: 'valid', secret: 0 })
    expect(identity.deliveryId).toBe(signed.token)
  })

  test('an event of a subaccount isn’t refused by a source that has the primary account’s key', () => {
    const { timestamp, token, signature } = signed
    const other = '0'.repeat(64)
    const check = (own: string, parent: string) =>
      verify(
        { provider: 'mailgun' },
        { 'content-type': 'application/json' },
        JSON.stringify({ signature: { timestamp, token, signature: own, 'parent-signature': parent } }),
      ).verdict
    expect(check(other, signature)).toEqual({ kind: 'valid', secret: 0 })
    expect(check(signature, other)).toEqual({ kind: 'valid', secret: 0 })
    expect(check(other, other)).toMatchObject({ reason: 'signature_mismatch' })
    const route = new URLSearchParams({ timestamp, token, signature: other, 'parent-signature': signature })
    expect(verify({ provider: 'mailgun' }, urlencoded, route.toString()).verdict).toMatchObject({
      kind: 'valid',
    })
  })

  test.each<[string, Record<string, string>, string, string]>([
    ['another token', multipart, mail({ ...signed, token: 'b'.repeat(50) }), 'signature_mismatch'],
    ['no signature', multipart, mail({ timestamp: '1', token: 'a' }), 'signature_missing'],
    [
      'a signature that is a file',
      multipart,
      mail({}, '').replace('attachment-1', 'signature'),
      'signature_missing',
    ],
    [
      'another boundary',
      { 'content-type': 'multipart/form-data; boundary=x' },
      mail(signed),
      'signature_missing',
    ],
    ['no boundary', { 'content-type': 'multipart/form-data' }, mail(signed), 'signature_missing'],
    ['a body that breaks off', multipart, mail(signed).slice(0, -120), 'signature_missing'],
    [
      'a form without a time',
      urlencoded,
      new URLSearchParams({ token: 'a', signature: 'b' }).toString(),
      'timestamp_missing',
    ],
    ['an empty form', urlencoded, '', 'signature_missing'],
  ])('a form with %s is', (_title, headers, body, reason) => {
    expect(verify({ provider: 'mailgun' }, headers, body).verdict).toMatchObject({ kind: 'invalid', reason })
  })

  test('a multipart body costs its length, whatever stands in it', () => {
    const size = 1024 * 1024
    const hostile = [
      '\r\n--',
      '\r\n--==mail',
      '--==mail==\r\n\r\n',
      '\n',
      '\r',
      '-',
      '\r\n--==mail==\r\n',
    ].map(text => text.repeat(Math.ceil(size / text.length)))
    for (const body of hostile) {
      const start = process.cpuUsage()
      expect(verify({ provider: 'mailgun' }, multipart, body).verdict).toMatchObject({ kind: 'invalid' })
      expect(process.cpuUsage(start).user / 1000, JSON.stringify(body.slice(0, 20))).toBeLessThan(1000)
    }
  })
})

test('Shopify’s Events, whose headers have no X-, aren’t refused', () => {
  const body = '{"topic":"Product","action":"update"}'
  const headers = {
    'shopify-hmac-sha256': hmac(body, 'base64'),
    'shopify-topic': 'Product',
    'shopify-webhook-id': 'w-1',
  }
  const { verdict, identity } = verify({ provider: 'shopify' }, headers, body)
  expect(verdict).toEqual({ kind: 'valid', secret: 0 })
  expect(identity).toEqual({ deliveryId: 'w-1', repeats: 'id', eventType: 'Product.update' })
  expect(verify({ provider: 'shopify' }, headers, '{}').verdict).toMatchObject({
    reason: 'signature_mismatch',
  })
})

describe('buildkite', () => {
  test('a webhook that sends its token isn’t refused', () => {
    const check = (token: string, more = {}) =>
      verify({ provider: 'buildkite' }, { 'x-buildkite-token': token, ...more }, '{"event":"ping"}').verdict
    expect(check('s3cret')).toEqual({ kind: 'valid', secret: 0 })
    expect(check('other')).toMatchObject({ reason: 'signature_mismatch' })
    // A wrong signature isn't made good by a token beside it.
    const wrong = { 'x-buildkite-signature': `timestamp=1760000000,signature=${'0'.repeat(64)}` }
    expect(check('s3cret', wrong)).toMatchObject({ reason: 'signature_mismatch' })
  })
})

describe('adyen', () => {
  const key = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056'
  const fields = {
    pspReference: '7914073381342284',
    originalReference: '',
    merchantAccountCode: 'ExampleMerchant',
    merchantReference: 'order-1042',
    value: '1130',
    currency: 'EUR',
    eventCode: 'AUTHORISATION',
    success: 'true',
  }
  const signature = hmac(Object.values(fields).join(':'), 'base64', Buffer.from(key, 'hex'))

  test('a notification by the method HTTP POST isn’t refused', () => {
    const form = (changes = {}) =>
      new URLSearchParams({ ...fields, 'additionalData.hmacSignature': signature, ...changes }).toString()
    const check = (body: string) => verify({ provider: 'adyen', secrets: [key] }, urlencoded, body)
    expect(check(form()).verdict).toEqual({ kind: 'valid', secret: 0 })
    expect(check(form()).identity).toMatchObject({ eventType: 'AUTHORISATION', repeats: 'id' })
    expect(check(form({ success: 'false' })).verdict).toMatchObject({ reason: 'signature_mismatch' })
    expect(check('pspReference=1').verdict).toMatchObject({ reason: 'signature_missing' })
  })
})

describe('plivo', () => {
  const url = 'https://hooks.example.com/webhooks/acme/plivo?a=1'
  const body = 'MessageUUID=1&Status=sent'
  const second = {
    ...urlencoded,
    'x-plivo-signature-v2': hmac(
      'https://hooks.example.com/webhooks/acme/plivo05429567804466091622',
      'base64',
    ),
    'x-plivo-signature-v2-nonce': '05429567804466091622',
  }
  const check = (headers: Record<string, string>, options?: Record<string, unknown>) =>
    verify({ provider: 'plivo', ...(options && { options }) }, headers, body, url).verdict

  test('a message, which is signed with version 2, isn’t refused', () => {
    expect(check(second)).toMatchObject({ kind: 'valid', secret: 0 })
    expect(check({ ...second, 'x-plivo-signature-v2-nonce': '1' })).toMatchObject({
      reason: 'signature_mismatch',
    })
  })

  test('version 2 doesn’t count beside version 3, nor where the source wants version 3 only', () => {
    const wrong = { 'x-plivo-signature-v3': hmac('other', 'base64'), 'x-plivo-signature-v3-nonce': '1' }
    expect(check({ ...second, ...wrong })).toMatchObject({ reason: 'signature_mismatch' })
    expect(check(second, { onlyV3: true })).toMatchObject({ reason: 'signature_missing' })
  })
})

describe('cloudevents', () => {
  const body = JSON.stringify([
    { id: '1', topic: '/subscriptions/1', eventType: 'Validation', data: { validationCode: '512d38b6' } },
  ])
  const validation = { 'aeg-event-type': 'SubscriptionValidation', authorization: 'Bearer s3cret' }
  const answer = async (headers: Record<string, string>, text = body) => {
    const scheme = openScheme({ provider: 'cloudevents', secrets: ['s3cret'] })
    const request = { method: 'POST', url: '/w', headers, body: Buffer.from(text) }
    const { kind } = await scheme.verify(request, nowMs)
    return scheme.handshake(request, kind === 'valid', nowMs)
  }

  test('a subscription with Event Grid’s own schema isn’t left without its validation', async () => {
    expect(await answer(validation)).toMatchObject({ status: 200, body: '{"validationResponse":"512d38b6"}' })
  })

  test.each<[string, Record<string, string>, string?]>([
    ['another token', { ...validation, authorization: 'Bearer other' }],
    ['an ordinary event', { ...validation, 'aeg-event-type': 'Notification' }],
    ['no code', validation, '[{"data":{}}]'],
    [
      'a code of 3,000 characters',
      validation,
      JSON.stringify([{ data: { validationCode: 'x'.repeat(3000) } }]),
    ],
  ])('%s gets no validation', async (_title, headers, text) => {
    expect(await answer(headers, text)).toBeUndefined()
  })
})

test('a Twilio request that a Webhook Rule signs with a shared key and SHA-256 isn’t refused', () => {
  const url = 'https://hooks.example.com/webhooks/acme/twilio'
  const settings = 'x-twilio-webhooks-signature-settings'
  const check = (algorithm: string, signature: string) =>
    verify(
      { provider: 'twilio', secrets: ['auth-token', 's3cret'] },
      { ...urlencoded, 'x-twilio-signature': signature, [settings]: `key=SK1,algorithm=${algorithm}` },
      'A=1',
      url,
    ).verdict
  const signature = hmac(`${url}A1`, 'base64')
  expect(check('HMAC_SHA256', signature)).toMatchObject({ kind: 'valid', secret: 1 })
  expect(check('HMAC_SHA1', signature)).toMatchObject({ reason: 'signature_mismatch' })
  expect(check('NONE', signature)).toMatchObject({ reason: 'signature_malformed' })
})

test('a Supabase hook that is signed with two secrets isn’t refused by a source that has one', () => {
  const key = Buffer.alloc(32, 7)
  const body = '{"metadata":{"uuid":"u-1","name":"send-sms"}}'
  const right = `v1,${hmac(`msg_1.1760000000.${body}`, 'base64', key)}`
  const wrong = `v1,${hmac('other', 'base64', key)}`
  const check = (signatures: string) =>
    verify(
      { provider: 'supabase-auth-hooks', secrets: [`v1,whsec_${key.toString('base64')}`] },
      { 'webhook-id': 'msg_1', 'webhook-timestamp': '1760000000', 'webhook-signature': signatures },
      body,
    ).verdict
  // The hook joins them by comma and blank.
  for (const signatures of [`${right}, ${wrong}`, `${wrong}, ${right}`, `${right} ${wrong}`])
    expect(check(signatures), signatures).toEqual({ kind: 'valid', secret: 0 })
  expect(check(`${wrong}, ${wrong}`)).toMatchObject({ reason: 'signature_mismatch' })
})

describe('messagebird without a JWT', () => {
  // Published in messagebird/python-rest-api, tests/test_signed_request.py, with this query and key.
  const secret = 'PlLrKaqvZNRR5zAjm42ZT6q1SQxgbbGd'
  const at = 1_547_198_231
  const query = new URLSearchParams({
    recipient: '31612345678',
    reference: 'FOO',
    statusDatetime: '2019-01-11T09:17:11+00:00',
    id: 'eef0ab57a9e049be946f3821568c2b2e',
    status: 'delivered',
    mccmnc: '20408',
    ported: '1',
  })
  const path = '/webhooks/acme/bird'
  const check = (
    signature: string,
    body: string,
    { url = `https://hooks.example.com${path}?${query}`, headers = {}, nowSeconds = at, options = {} } = {},
  ) =>
    openScheme({ provider: 'messagebird', secrets: [secret], ...options }).verify(
      {
        method: body === '' ? 'GET' : 'POST',
        url,
        headers: {
          'messagebird-signature': signature,
          'messagebird-request-timestamp': String(at),
          ...headers,
        },
        body: Buffer.from(body),
      },
      nowSeconds * 1000,
    )
  const published = [
    ['KVBdcVdz2lYMwcBLZCRITgxUfA/WkwSi+T3Wxl2HL6w=', ''],
    ['2bl+38H4oHVg03pC3bk2LvCB0IHFgfC4cL5HPQ0LdmI=', '{"foo":"bar"}'],
  ] as const

  test.each(published)(
    'the older signature over the sorted query isn’t refused: %s %s',
    (signature, body) => {
      expect(check(signature, body)).toEqual({ kind: 'valid', secret: 0 })
      // The host isn't signed, so it needn't be known.
      expect(check(signature, body, { url: `${path}?${query}` })).toEqual({ kind: 'valid', secret: 0 })
      for (const wrong of [
        check(signature, `${body} `),
        check(signature, body, { url: `${path}?${query}&status=failed` }),
        check(signature, body, { headers: { 'messagebird-request-timestamp': String(at + 1) } }),
      ])
        expect(wrong).toMatchObject({ kind: 'invalid', reason: 'signature_mismatch' })
    },
  )

  const signed = (address: string, body: string) => {
    const hash = createHash('sha256').update(body).digest()
    return createHmac('sha256', secret).update(`${at}\n${address}\n`).update(hash).digest('base64')
  }

  test('Bird’s signature over the URL isn’t refused', () => {
    const url = 'https://domain.example/webhook/bird?b=2&a=1'
    expect(check(signed(url, '{}'), '{}', { url })).toEqual({ kind: 'valid', secret: 0 })
    const other = check(signed(url, '{}'), '{}', { url: 'https://other.example/webhook/bird?b=2&a=1' })
    expect(other).toMatchObject({ kind: 'invalid', reason: 'signature_mismatch' })
  })

  test('a query with blanks, signs and letters beyond ASCII is escaped as Go and Python do', () => {
    const address = 'a=%27%28%21%2A%29~&b=1+2&b=0&z%C3%AB=%E2%82%AC%2B'
    const url = `${path}?z%C3%AB=%E2%82%AC%2B&b=1%202&a='(!*)~&b=0`
    expect(check(signed(address, ''), '', { url })).toEqual({ kind: 'valid', secret: 0 })
  })

  test('an old request is refused, and one with a wrong JWT beside a right signature too', () => {
    const [signature, body] = published[1]
    const old = check(signature, body, { nowSeconds: at + 301 })
    expect(old).toMatchObject({ kind: 'invalid', reason: 'timestamp_out_of_tolerance' })
    const jwt = { 'messagebird-signature-jwt': 'a.b.c' }
    expect(check(signature, body, { headers: jwt })).toMatchObject({ kind: 'invalid' })
    const none = { 'messagebird-request-timestamp': undefined } as unknown as Record<string, string>
    expect(check(signature, body, { headers: none })).toMatchObject({ reason: 'timestamp_missing' })
    expect(check('AAAA', body)).toMatchObject({ reason: 'signature_malformed' })
  })
})

test('a webhook of Postmark’s with a secret in a custom header isn’t refused', () => {
  const config = { provider: 'postmark', options: { header: 'X-Webhook-Secret' } }
  const body = '{"RecordType":"Delivery"}'
  expect(verify(config, { 'x-webhook-secret': 's3cret' }, body).verdict).toEqual({ kind: 'valid', secret: 0 })
  const wrong = verify(config, { 'x-webhook-secret': 's3cret2' }, body).verdict
  expect(wrong).toMatchObject({ reason: 'signature_mismatch' })
  expect(verify(config, {}, body).verdict).toMatchObject({ reason: 'signature_missing' })
})

test('a retry of Linear’s, which carries the time of its first sending, isn’t refused', () => {
  const hour = 3_600_000
  const after = (ms: number, tolerance?: number) => {
    const body = `{"action":"create","type":"Issue","webhookTimestamp":${nowMs - ms}}`
    const headers = { 'linear-signature': hmac(body, 'hex'), 'linear-delivery': '1' }
    const set = tolerance === undefined ? {} : { toleranceSeconds: tolerance }
    return verify({ provider: 'linear', ...set }, headers, body).verdict
  }
  for (const ms of [60_000, 61_000 + hour, 62_000 + 7 * hour])
    expect(after(ms)).toMatchObject({ kind: 'valid' })
  expect(after(9 * hour)).toMatchObject({ kind: 'invalid' })
  expect(after(61_000, 60)).toMatchObject({ kind: 'invalid' })
})
