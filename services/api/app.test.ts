import type { Organization } from '@fairlead/wire/store/organization'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { operations } from './operations.ts'

let api: TestApi
let acme: Organization
beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

const keys = '/api/v1/organizations/acme/api-keys'

test('settings are shown without their secrets', async () => {
  const get = async (what: string) => (await api.call('GET', `/api/v1/organizations/acme/${what}`)).body.items
  const everything = JSON.stringify([
    await get('sources'),
    await get('destinations'),
    await get('routes'),
    await get('members'),
  ])
  expect(everything).not.toMatch(/test-only|pass@/)
  expect(await get('sources')).toMatchObject([
    { name: 'github' },
    { name: 'stripe', path: '/webhooks/acme/stripe', secrets: [{ id: 'acme/stripe' }], managedBy: 'owner' },
  ])
  expect(await get('destinations')).toMatchObject([
    { name: 'billing', kind: 'http', processor: null, retryDelaysSeconds: [60, 300, 900] },
    { name: 'builds', state: 'healthy' },
  ])
  const routes: { source: string }[] = await get('routes')
  expect(routes.toSorted((a, b) => a.source.localeCompare(b.source))).toMatchObject([
    { source: 'github', eventTypes: ['push'], destinations: ['billing', 'builds'], order: null },
    { source: 'stripe', order: { key: { pointer: '/data/object/customer' }, maxWaitSeconds: 60 } },
  ])
  expect(await get('members')).toMatchObject([{ email: 'owner@acme.example', role: 'owner' }])
})

test('a key is shown once, and its making and revoking stand in the audit log', async () => {
  const made = await api.call('POST', keys, { body: { name: 'ci', role: 'viewer' } })
  expect(made.body).toMatchObject({ name: 'ci', role: 'viewer', key: expect.stringMatching(/^sk_live_fl_/) })
  expect(made.headers.get('cache-control')).toBe('no-store')
  const listed = await api.call('GET', keys)
  expect(JSON.stringify(listed.body)).not.toContain(made.body.key)
  const again = await api.call('POST', keys, { body: { name: 'ci' } })
  expect([again.status, again.body.code]).toEqual([409, 'conflict'])
  await api.call('DELETE', `${keys}/${made.body.id}`)
  const { body } = await api.call('GET', '/api/v1/organizations/acme/audit-log')
  const own = body.items.filter(({ subjectId }: { subjectId: string }) => subjectId === made.body.id)
  expect(own.map(({ action }: { action: string }) => action)).toEqual(['api_key.revoked', 'api_key.created'])
  expect(JSON.stringify(body)).not.toContain(made.body.key)
})

test.each([
  ['no JSON', '{', {}, 400, 'body_unreadable'],
  ['another type', 'name=x', { 'content-type': 'text/plain' }, 415, 'media_type_unsupported'],
  ['a compressed body', '{}', { 'content-encoding': 'gzip' }, 415, 'media_type_unsupported'],
  ['too large a body', JSON.stringify({ name: 'x'.repeat(70_000) }), {}, 413, 'too_large'],
  ['no object', '[]', {}, 400, 'request_invalid'],
  ['nothing at all', undefined, {}, 400, 'request_invalid'],
  ['no JSON, from somebody unknown', '{', { authorization: 'Bearer nobody' }, 401, 'unauthenticated'],
  ['a field that is not known', '{"name":"x","admin":true}', {}, 400, 'request_invalid'],
  ['a wrong type', '{"name":1}', {}, 400, 'request_invalid'],
  ['control characters', '{"name":"a\\u0000b"}', {}, 400, 'request_invalid'],
  ['a prototype', '{"name":"x","__proto__":{"role":"owner"}}', {}, 400, 'request_invalid'],
])('a body that is %s', async (_name, body, headers, status, code) => {
  const answer = await api.call('POST', keys, { body, headers })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

test('a key that would have ended already is refused, and the field named', async () => {
  const ask = (expiresAt: string) => api.call('POST', keys, { body: { name: 'ended', expiresAt } })
  for (const past of ['2020-01-01T00:00:00Z', new Date(Date.now() - 1_000).toISOString()]) {
    const { status, body } = await ask(past)
    expect([status, body.errors]).toEqual([
      400,
      [{ in: 'body', name: 'expiresAt', message: 'must be in the future' }],
    ])
  }
  expect((await ask('2999-01-01T00:00:00+02:00')).status).toBe(201)
})

test('unknown paths are answered 404, unknown methods 405', async () => {
  for (const path of [
    '/api/v1',
    '/api/v2/organizations',
    '/%',
    '/api/v1/organizations/%zz/events',
    '/API/v1/organizations',
  ]) {
    expect((await api.call('GET', path)).body.code).toBe('not_found')
  }
  const answer = await api.call('DELETE', '/api/v1/organizations/acme/events')
  expect([answer.status, answer.body.code, answer.headers.get('allow')]).toEqual([
    405,
    'method_not_allowed',
    'GET, HEAD',
  ])
})

test('documentation is in the open, and says what a browser may load: nothing', async () => {
  const page = await fetch(`${api.url}/docs`)
  expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  const document = await fetch(`${api.url}/openapi.json`)
  expect(((await document.json()) as { openapi: string }).openapi).toMatch(/^3\.1/)
  for (const response of [page, document]) {
    expect(response.status).toBe(200)
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
  }
})

test('a key that asks too much is told when to come back, and others are not held back', async () => {
  await using limited = await openTestApi({ FAIRLEAD_API_RATE_PER_SECOND: 0.001, FAIRLEAD_API_RATE_BURST: 3 })
  const ask = (key: string | undefined) => limited.call('GET', '/api/v1/organizations', key ? { key } : {})
  const answers = []
  for (let i = 0; i < 4; i++) answers.push(await ask(undefined))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429])
  expect(Number(answers[3]!.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(answers.map(({ headers }) => headers.get('ratelimit-policy'))).toEqual(
    Array(4).fill('"credential";q=3;w=3000'),
  )
  expect(answers.map(({ headers }) => /;r=(\d+);t=\d+$/.exec(headers.get('ratelimit')!)?.[1])).toEqual([
    '2',
    '1',
    '0',
    '0',
  ])
  expect((await ask('key_live_another')).status).toBe(401)
})

test('without its store the API says so, and when to come back', async () => {
  await using alone = await openTestApi({ FAIRLEAD_STORE_URL: 'http://127.0.0.1:9' })
  const answer = await alone.call('GET', '/api/v1/organizations')
  expect([answer.status, answer.body.code]).toEqual([503, 'unavailable'])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('every answer is measured by its operation', async () => {
  await api.call('GET', '/api/v1/organizations/acme/routes')
  expect(await api.metrics()).toContain(
    'fairlead_api_answer_seconds_count{operation="listRoutes",status="200"}',
  )
})

/** Anything at all, in any place: never a fault of ours. */
test('no request is answered 5xx', async () => {
  const known = fc.constantFrom(
    'source',
    'status',
    'type',
    'q',
    'after',
    'before',
    'cursor',
    'limit',
    'destination',
    'action',
    'bodies',
  )
  const times = fc.oneof(
    fc.date({ noInvalidDate: true }).map(date => date.toISOString()),
    fc.constantFrom('2026-02-30T00:00:00.000Z', 'infinity', '\u0000'),
  )
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      'failed',
      '*',
      '%',
      '_',
      '\\',
      "'",
      '2026-02-30',
      '9999-12-31T23:59:59Z',
      '1e9',
      '-1',
      'true',
      'WyIwIiwiMCJd',
    ),
    fc
      .array(fc.oneof(fc.string(), fc.uuid(), times), { minLength: 1, maxLength: 2 })
      .map(parts => Buffer.from(JSON.stringify(parts)).toString('base64url')),
  )
  const query = fc.array(fc.tuple(fc.oneof(known, known, known, fc.string()), value), { maxLength: 4 })
  const part = fc.oneof(
    { weight: 12, arbitrary: fc.constant('acme') },
    fc.string(),
    fc.constantFrom('..', '.', '%00', acme.id),
  )
  const id = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'evt_00000000000000000000000000',
      'dlv_7zzzzzzzzzzzzzzzzzzzzzzzzz',
      'key_00000000000000000000000000',
    ),
  )
  const body = fc.option(
    fc.oneof(fc.json(), fc.string(), fc.constantFrom('{"reason":"x"}', '{"destination":"billing"}')),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations),
      part,
      id,
      query,
      body,
      async (operation, slug, id, query, body) => {
        const path = operation.path
          .replace('{slug}', encodeURIComponent(slug.toWellFormed()))
          .replaceAll(/\{\w+\}/g, encodeURIComponent(id.toWellFormed()))
        const search = query
          .map(pair => pair.map(text => encodeURIComponent(text.toWellFormed())).join('='))
          .join('&')
        const { status, text } = await send(operation.method, `${path}?${search}`, body ?? undefined)
        expect(status, text).toBeLessThan(500)
      },
    ),
    { numRuns: 200 },
  )
})

async function send(
  method: string,
  path: string,
  body: string | undefined,
): Promise<{ status: number; text: string }> {
  const response = await fetch(new URL(api.url + path), {
    method: method.toUpperCase(),
    headers: { authorization: `Bearer ${api.platformKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && method !== 'get' && { body }),
  })
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
    // It never ends by itself.
    await response.body?.cancel()
    return { status: response.status, text: '' }
  }
  return { status: response.status, text: await response.text() }
}
