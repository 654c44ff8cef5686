import { type Sink, startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import { describe, expect, test } from 'vitest'
import { compileAddressPolicy } from './address.ts'
import { type DestinationAuth, openAuthorizer } from './authorize.ts'
import { never, openTestSender } from './fixtures/sender.ts'

const now = 1_790_000_000_000
const caller = { owner: 'org_a', nowMs: now, signal: never }

test.each<[string, readonly DestinationAuth[], readonly string[]]>([
  ['nothing', [], []],
  [
    'basic',
    [{ kind: 'basic', username: 'Aladdin', password: 'open sesame' }],
    ['authorization', 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='],
  ],
  [
    'basic in UTF-8',
    [{ kind: 'basic', username: 'test', password: '123£' }],
    ['authorization', 'Basic dGVzdDoxMjPCow=='],
  ],
  ['bearer', [{ kind: 'bearer', token: 'test-token' }], ['authorization', 'Bearer test-token']],
  [
    'headers beside a token',
    [
      {
        kind: 'headers',
        headers: [
          { name: 'x-key', value: 'a' },
          { name: 'x-more', value: 'b' },
        ],
      },
      { kind: 'bearer', token: 'test-token' },
    ],
    ['x-key', 'a', 'x-more', 'b', 'authorization', 'Bearer test-token'],
  ],
])('%s', (_name, auths, headers) => {
  using authorizer = openAuthorizer({ ask: () => Promise.reject(new Error('nothing is asked for')) })
  expect(authorizer.authorize(auths, caller)).toEqual({ kind: 'authorized', headers, tls: undefined })
})

test('a client certificate is the same object each time', () => {
  using authorizer = openAuthorizer({ ask: () => Promise.reject(new Error('nothing is asked for')) })
  const auths: DestinationAuth[] = [{ kind: 'mtls', certPem: 'cert', keyPem: 'key' }]
  const [first, second] = [authorizer.authorize(auths, caller), authorizer.authorize(auths, caller)]
  expect(first).toEqual({ kind: 'authorized', headers: [], tls: { certPem: 'cert', keyPem: 'key' } })
  expect('tls' in first && 'tls' in second && first.tls === second.tls).toBe(true)
})

function grantOf(sink: Sink, overrides: object = {}): readonly DestinationAuth[] {
  return [
    {
      kind: 'oauth2',
      tokenUrl: `${sink.url}/token`,
      clientId: 'acme',
      clientSecret: 'test-client-secret',
      ...overrides,
    },
  ]
}

const tokenNumber = (count: number, seconds = 100) => ({
  status: 200,
  body: JSON.stringify({ access_token: `token-${count}`, token_type: 'Bearer', expires_in: seconds }),
})
const authorized = (token: string) => ({
  kind: 'authorized',
  headers: ['authorization', `Bearer ${token}`],
  tls: undefined,
})

describe('client credentials', () => {
  test('are asked for once, however many wait, and kept', async () => {
    await using sink = await startSink((_, count) => ({ ...tokenNumber(count), delayMs: 20 }))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    const waiting = Array.from({ length: 100 }, () => authorizer.authorize(auths, caller))
    for (const got of await Promise.all(waiting)) expect(got).toEqual(authorized('token-1'))
    expect(authorizer.authorize(auths, { ...caller, nowMs: now + 89_000 })).toEqual(authorized('token-1'))
    expect(sink.received).toHaveLength(1)
    expect(sink.received[0]!.headers['content-type']).toBe('application/x-www-form-urlencoded')
  })

  test('are refreshed early, while the old token is used', async () => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    await authorizer.authorize(auths, caller)
    const later = { ...caller, nowMs: now + 91_000 }
    expect(authorizer.authorize(auths, later)).toEqual(authorized('token-1'))
    await expect.poll(() => authorizer.authorize(auths, later)).toEqual(authorized('token-2'))
    expect(sink.received).toHaveLength(2)
  })

  test('once expired, are waited for', async () => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    await authorizer.authorize(auths, caller)
    expect(await authorizer.authorize(auths, { ...caller, nowMs: now + 100_000 })).toEqual(
      authorized('token-2'),
    )
  })

  test('whose refresh fails leave the old token in use until it expires', async () => {
    await using sink = await startSink((_, count) => (count === 1 ? tokenNumber(1) : { status: 500 }))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    await authorizer.authorize(auths, caller)
    expect(authorizer.authorize(auths, { ...caller, nowMs: now + 91_000 })).toEqual(authorized('token-1'))
    await sink.waitForCount(2)
    await until(() => sender.connections.idle === 1)
    expect(authorizer.authorize(auths, { ...caller, nowMs: now + 91_500 })).toEqual(authorized('token-1'))
    expect(sink.received).toHaveLength(2)
    expect(await authorizer.authorize(auths, { ...caller, nowMs: now + 100_000 })).toMatchObject({
      kind: 'failed',
    })
  })

  test('that the destination refuses are fetched anew', async () => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    await authorizer.authorize(auths, caller)
    authorizer.refused(auths, caller.owner)
    expect(await authorizer.authorize(auths, caller)).toEqual(authorized('token-2'))
  })

  test('are not shared between owners', async () => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    expect(await authorizer.authorize(auths, caller)).toEqual(authorized('token-1'))
    expect(await authorizer.authorize(auths, { ...caller, owner: 'org_b' })).toEqual(authorized('token-2'))
  })

  test('are bounded in number', async () => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer({ ask: sender.ask, maxTokens: 2 })
    for (const clientId of ['a', 'b', 'c', 'a'])
      await authorizer.authorize(grantOf(sink, { clientId }), caller)
    expect(sink.received).toHaveLength(4)
    await authorizer.authorize(grantOf(sink, { clientId: 'c' }), caller)
    expect(sink.received).toHaveLength(4)
  })

  test.each([
    [
      'in the header',
      {},
      { authorization: `Basic ${Buffer.from('a+b%3A:c%C3%BC').toString('base64')}` },
      'grant_type=client_credentials&scope=x+y&audience=z',
    ],
    [
      'in the form',
      { credentialsIn: 'body' },
      {},
      'grant_type=client_credentials&scope=x+y&audience=z&client_id=a+b%3A&client_secret=c%C3%BC',
    ],
  ])('go %s', async (_name, how, headers, form) => {
    await using sink = await startSink((_, count) => tokenNumber(count))
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink, {
      clientId: 'a b:',
      clientSecret: 'cü',
      scopes: ['x', 'y'],
      audience: 'z',
      ...how,
    })
    await authorizer.authorize(auths, caller)
    const [got] = sink.received
    expect(got!.headers).toMatchObject(headers)
    expect(got!.body.toString()).toBe(form)
  })
})

describe('a token endpoint that gives none', () => {
  test.each([
    [
      'refuses',
      { status: 401, body: '{"error":"invalid_client"}' },
      'the token endpoint answered 401: {"error":"invalid_client"}',
    ],
    [
      'sends the secret back',
      { status: 400, body: 'wrong: test-client-secret' },
      'the token endpoint answered 400: wrong: [client-secret]',
    ],
    ['redirects', { status: 302, headers: { location: '/' } }, 'the token endpoint answered 302'],
    ['answers no JSON', { status: 200, body: '<html>' }, 'the token endpoint answered no bearer token'],
    ['answers no token', { status: 200, body: '{}' }, 'the token endpoint answered no bearer token'],
    [
      'answers another kind of token',
      { status: 200, body: '{"access_token":"a","token_type":"mac"}' },
      'the token endpoint answered no bearer token',
    ],
    [
      'answers a token that would break a header',
      { status: 200, body: '{"access_token":"a\\r\\nb: c"}' },
      'the token endpoint answered no bearer token',
    ],
    [
      'resets',
      { reset: true as const },
      'the token endpoint can not be asked: connection_reset (ECONNRESET)',
    ],
    [
      'hangs',
      { hang: true as const },
      'the token endpoint can not be asked: response_timeout (no complete answer within 1000 ms)',
    ],
  ])('%s', async (_name, reply, reason) => {
    await using sink = await startSink(reply)
    await using sender = openTestSender()
    // Whoever answers has time for it on a slow machine, too.
    using authorizer = openAuthorizer({ ask: sender.ask, timeoutMs: 'hang' in reply ? 1_000 : 60_000 })
    expect(await authorizer.authorize(grantOf(sink), caller)).toEqual({ kind: 'failed', reason })
  })

  test('is not asked again for each delivery, but after a while', async () => {
    await using sink = await startSink((_, count) =>
      count === 1 ? { status: 503, headers: { 'retry-after': '7' } } : tokenNumber(count),
    )
    await using sender = openTestSender()
    using authorizer = openAuthorizer(sender)
    const auths = grantOf(sink)
    const failed = { kind: 'failed', reason: 'the token endpoint answered 503', retryAfterMs: 7000 }
    expect(await authorizer.authorize(auths, caller)).toEqual(failed)
    expect(authorizer.authorize(auths, { ...caller, nowMs: now + 1999 })).toEqual(failed)
    expect(await authorizer.authorize(auths, { ...caller, nowMs: now + 2000 })).toEqual(authorized('token-2'))
  })

  test('is as guarded as a destination', async () => {
    await using sink = await startSink()
    await using sender = openTestSender({ policy: compileAddressPolicy({ allowCidrs: [] }) })
    using authorizer = openAuthorizer(sender)
    expect(await authorizer.authorize(grantOf(sink), caller)).toMatchObject({
      kind: 'failed',
      reason: expect.stringContaining('address_blocked'),
    })
    expect(sink.connections.total).toBe(0)
  })
})

test('who stops waiting does not stop the others', async () => {
  await using sink = await startSink((_, count) => ({ ...tokenNumber(count), delayMs: 50 }))
  await using sender = openTestSender()
  using authorizer = openAuthorizer(sender)
  const auths = grantOf(sink)
  const leaving = new AbortController()
  const left = authorizer.authorize(auths, { ...caller, signal: leaving.signal })
  const stayed = authorizer.authorize(auths, caller)
  leaving.abort(new Error('handed over'))
  await expect(left).rejects.toThrow('handed over')
  expect(await stayed).toEqual(authorized('token-1'))
})
