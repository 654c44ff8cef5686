import { expect, test } from 'vitest'
import { readOrigins } from './cors.ts'
import { serveApp } from './fixtures/serve-app.ts'
import type { Operation } from './operation.ts'
import { operations } from './operations.ts'
import { ApiError } from './problem.ts'

const list = '/api/v1/organizations'

test.each([
  ['the reference', '/docs', 200],
  ['the document', '/openapi.json', 200],
  ['the page of a problem', '/problems/not_found', 200],
  ['no such page', '/problems/none', 404],
  ['an operation', list, 401],
  ['no such address', '/none', 404],
  ['an address that is no text', '/%ff', 404],
  ['sign-in that is off', '/auth/account', 404],
])('%s is answered with the security headers', async (_what, path, status) => {
  await using api = await serveApp()
  const answer = await api.ask(path)
  const { headers } = answer
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'no-referrer',
    'strict-transport-security': expect.stringContaining('max-age='),
    'cross-origin-resource-policy': 'same-origin',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
  })
  expect([answer.status, headers.get('access-control-allow-origin')]).toEqual([status, null])
})

test('a problem leads to its page, at the API that answered', async () => {
  await using api = await serveApp()
  const refused = await api.ask(list)
  const problem = (await refused.json()) as { type: string; requestId: string }
  expect(problem).toMatchObject({
    type: '/problems/unauthenticated',
    requestId: refused.headers.get('x-request-id'),
  })
  const page = await api.ask(problem.type)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
})

test('no page may call the API unless its origin is configured', async () => {
  await using api = await serveApp()
  const origin = 'https://app.example.com'
  const preflight = await api.ask(list, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET' },
  })
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([405, null])
})

test('pages of configured origins may call it with a key, and read what they need', async () => {
  await using api = await serveApp({ origins: 'https://app.example.com, https://b.example' })
  const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'PATCH' }
  const preflight = await api.ask(`${list}/acme/sources/a`, { method: 'OPTIONS', headers })
  expect(preflight.status).toBe(204)
  expect(Object.fromEntries(preflight.headers)).toMatchObject({
    'access-control-allow-origin': 'https://app.example.com',
    'access-control-allow-headers': expect.stringContaining('Authorization'),
    'access-control-allow-methods': expect.stringContaining('PATCH'),
  })
  const answer = await api.ask(list, { headers: { origin: 'https://app.example.com' } })
  expect(answer.headers.get('access-control-expose-headers')).toContain('RateLimit')
  expect(answer.headers.get('vary')).toContain('Origin')
  const other = await api.ask(list, { headers: { origin: 'https://other.example' } })
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
  const signIn = await api.ask('/auth/account', { headers: { origin: 'https://app.example.com' } })
  expect(signIn.headers.get('access-control-allow-origin')).toBeNull()
})

test.each(['*', 'https://app.example.com'])('origins %s are never let in with cookies', async origins => {
  await using api = await serveApp({ origins })
  const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' }
  for (const method of ['OPTIONS', 'GET']) {
    const answer = await api.ask(list, {
      method,
      headers: method === 'GET' ? { origin: headers.origin } : headers,
    })
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    expect(answer.headers.get('access-control-allow-origin')).toBe(origins)
  }
})

test.each([
  ['https://a.example/', undefined],
  ['*, https://a.example', undefined],
  ['a.example', undefined],
  ['null', undefined],
  ['ftp://a.example', undefined],
  ['', []],
  ['*', '*'],
  ['http://localhost:3000', ['http://localhost:3000']],
])('the setting "%s" allows %j', (text, origins) => {
  expect(readOrigins(text)).toEqual(origins)
})

test('an operation that will go says so in each answer', async () => {
  const deprecated = { since: '2026-03-01', sunset: '2026-10-01', instead: 'Use another.' }
  const served = operations.map((one): Operation => (one.path === list ? { ...one, deprecated } : one))
  await using api = await serveApp({ served })
  const { headers } = await api.ask(list)
  expect(Object.fromEntries(headers)).toMatchObject({
    deprecation: '@1772323200',
    sunset: 'Thu, 01 Oct 2026 00:00:00 GMT',
    link: '</docs#listOrganizations>; rel="deprecation"; type="text/html"',
  })
  const other = await api.ask(`${list}/acme`)
  expect([other.headers.get('deprecation'), other.headers.get('sunset')]).toEqual([null, null])
})

test('nothing is answered 429 or 503 without a time to wait', () => {
  for (const code of ['rate_limited', 'unavailable'] as const) {
    expect(new ApiError(code).retryAfterSeconds, code).toBeGreaterThan(0)
  }
  expect(new ApiError('not_found').retryAfterSeconds).toBeUndefined()
})
