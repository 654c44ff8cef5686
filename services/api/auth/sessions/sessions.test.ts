import { startTestRedis } from '@fairlead/testbed/redis'
import type { Restartable } from '@fairlead/testbed/restartable'
import { until } from '@fairlead/testbed/until'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from '../../fixtures/test-api.ts'
import { consoleUrl, testSignInKeys } from '../fixtures/people-api.ts'
import { newSecret } from '../secret.ts'
import { memberLimits, openSessions, type Sessions } from './sessions.ts'

const events = '/api/v1/organizations/acme/events'
const keys = '/api/v1/organizations/acme/api-keys'
const start = { method: 'link', peer: '192.0.2.1', agent: 'test', limits: memberLimits } as const

let redis: Restartable
let client: Redis
let sessions: Sessions
beforeAll(async () => {
  redis = await startTestRedis()
  client = new Redis(redis.url, { enableOfflineQueue: true })
  sessions = openSessions(client)
})
afterAll(async () => {
  client?.disconnect()
  await redis?.[Symbol.asyncDispose]()
})

describe('by themselves', () => {
  const email = 'eve@example.com'

  test('a session is found by its secret, which Redis does not hold', async () => {
    const { secret, id } = await sessions.begin({ ...start, email }, Date.now())
    expect(await sessions.find(secret, Date.now())).toMatchObject({ id, email, isStale: false })
    const kept = await Promise.all(
      (await client.keys('*')).map(async name => name + (await client.dump(name))),
    )
    expect(kept.join()).not.toContain(secret)
    expect(await sessions.find(newSecret(), Date.now())).toBeUndefined()
    expect(await sessions.find('short', Date.now())).toBeUndefined()
  })

  test('a session that was ended while it was used does not come back', async () => {
    const { secret, id } = await sessions.begin({ ...start, email }, Date.now())
    const later = Date.now() + 120_000
    await Promise.all([
      ...Array.from({ length: 50 }, () => sessions.find(secret, later)),
      sessions.end(email, id),
      ...Array.from({ length: 50 }, () => sessions.find(secret, later)),
    ])
    expect(await sessions.find(secret, later)).toBeUndefined()
    expect((await sessions.list(email)).map(session => session.id)).not.toContain(id)
  })

  test('a session ends with its time, however much it is used', async () => {
    const limits = { idleMs: 60_000, absoluteMs: 100_000 }
    const { secret } = await sessions.begin({ ...start, email, limits }, Date.now())
    expect(await sessions.find(secret, Date.now() + 99_000)).toBeDefined()
    expect(await sessions.find(secret, Date.now() + 101_000)).toBeUndefined()
  })

  test('a session that is not used ends', async () => {
    const limits = { idleMs: 50, absoluteMs: 100_000 }
    const { secret } = await sessions.begin({ ...start, email, limits }, Date.now())
    await until(async () => (await sessions.find(secret, Date.now())) === undefined)
  })

  test('all others end, one stays, and those of others too', async () => {
    const mine = await sessions.begin({ ...start, email: 'fay@example.com' }, Date.now())
    await sessions.begin({ ...start, email: 'fay@example.com' }, Date.now())
    const other = await sessions.begin({ ...start, email: 'gil@example.com' }, Date.now())
    expect(await sessions.endAll('fay@example.com', mine.id)).toBe(1)
    expect((await sessions.list('fay@example.com')).map(({ id }) => id)).toEqual([mine.id])
    expect(await sessions.end('fay@example.com', other.id)).toBe(false)
    expect(await sessions.find(other.secret, Date.now())).toBeDefined()
  })
})

describe('at the API', () => {
  let api: TestApi
  let cookie: string
  let secret: string
  beforeAll(async () => {
    api = await openTestApi({
      FAIRLEAD_REDIS_URL: redis.url,
      FAIRLEAD_CONSOLE_URL: consoleUrl,
      FAIRLEAD_SIGN_IN_KEYS: testSignInKeys,
    })
    await anOrganization(api.store, 'acme')
    await anOrganization(api.store, 'globex')
    ;({ secret } = await sessions.begin({ ...start, email: 'owner@acme.example' }, Date.now()))
    cookie = `fairlead-session=${secret}`
  })
  afterAll(async () => await api?.[Symbol.asyncDispose]())

  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: object) =>
    api.call(method, path, { key: null, headers: { cookie, ...headers }, ...(body && { body }) })

  test('a member sees the own organization and no other', async () => {
    expect((await ask('GET', events)).status).toBe(200)
    const foreign = await ask('GET', '/api/v1/organizations/globex/events')
    const nobodys = await ask('GET', '/api/v1/organizations/nobody/events')
    expect(foreign.status).toBe(404)
    expect({ ...foreign.body, requestId: '' }).toEqual({ ...nobodys.body, requestId: '' })
    const { body } = await ask('GET', '/api/v1/organizations')
    expect(body.items.map(({ slug }: { slug: string }) => slug)).toEqual(['acme'])
  })

  test.each([
    ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: consoleUrl }],
    ['a sibling under the same domain', { 'sec-fetch-site': 'same-site', origin: consoleUrl }],
    ['an address bar', { 'sec-fetch-site': 'none' }],
    ['an old browser with a foreign origin', { origin: 'http://evil.example' }],
    ['an old browser that says nothing', {}],
  ])('a write with a cookie from %s is refused', async (_name, headers: Record<string, string>) => {
    const answer = await ask('POST', keys, headers, { name: 'stolen' })
    expect([answer.status, answer.body.code]).toEqual([403, 'cross_site'])
  })

  test('a write from the own page is carried out, and stands in the audit log under the member', async () => {
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: consoleUrl }] as const) {
      const { status } = await ask('POST', keys, headers as Record<string, string>, {
        name: Object.keys(headers)[0],
      })
      expect(status).toBe(201)
    }
    const { body } = await ask('GET', '/api/v1/organizations/acme/audit-log?action=api_key.created')
    expect(body.items[0]).toMatchObject({
      actor: { kind: 'member', id: expect.stringMatching(/^mem_/), name: 'owner@acme.example' },
      via: 'api',
    })
  })

  test('a cookie beside an Authorization header counts for nothing', async () => {
    for (const authorization of ['Bearer nonsense', 'Basic YTpi', 'Bearer ']) {
      expect((await ask('GET', events, { authorization })).status).toBe(401)
    }
  })

  test('the secret of a session is no bearer token, and no other cookie is a session', async () => {
    expect((await api.call('GET', events, { key: secret })).status).toBe(401)
    for (const name of ['session', '__Host-session', 'fairlead-login']) {
      const answer = await api.call('GET', events, { key: null, headers: { cookie: `${name}=${secret}` } })
      expect(answer.status).toBe(401)
    }
  })

  test('a role that is taken away is gone with the next request', async () => {
    const email = 'hal@acme.example'
    const { rows } = await insertMember(email, 'admin')
    const hal = await sessions.begin({ ...start, email }, Date.now())
    const own = { cookie: `fairlead-session=${hal.secret}` }
    expect((await ask('GET', keys, own)).status).toBe(200)
    await api.store.query("update members set role = 'viewer' where id = $1", [rows[0]!.id])
    expect((await ask('GET', keys, own)).status).toBe(403)
    await api.store.query('delete from members where id = $1', [rows[0]!.id])
    expect((await ask('GET', events, own)).status).toBe(401)
  })

  test('without Redis nobody new is let in, known sessions look and keys go on', async () => {
    const unknown = await sessions.begin({ ...start, email: 'owner@acme.example' }, Date.now())
    expect((await ask('GET', events)).status).toBe(200)
    await redis.stop()
    try {
      expect((await ask('GET', events)).status).toBe(200)
      const write = await ask('POST', keys, { 'sec-fetch-site': 'same-origin' }, { name: 'late' })
      expect([write.status, write.body.code]).toEqual([503, 'unavailable'])
      const stranger = await ask('GET', events, { cookie: `fairlead-session=${unknown.secret}` })
      expect(stranger.status).toBe(503)
      expect((await api.call('GET', events)).status).toBe(200)
    } finally {
      await redis.restart()
    }
    await until(async () => (await ask('POST', keys, { 'sec-fetch-site': 'same-origin' }, {})).status === 400)
  })

  async function insertMember(email: string, role: string) {
    const rows = await api.store.query(
      `insert into members (organization_id, id, email, role, managed_by)
       select id, gen_random_uuid(), $1, $2::member_role, 'tenant' from organizations where slug = 'acme' returning id`,
      [email, role],
    )
    return { rows: rows as { id: string }[] }
  }
})

test('without Redis or an address people have no sessions, and keys are all there is', async () => {
  await using alone = await openTestApi()
  await anOrganization(alone.store, 'acme')
  expect((await alone.call('GET', events)).status).toBe(200)
  const headers = { cookie: `fairlead-session=${newSecret()}` }
  expect((await alone.call('GET', events, { key: null, headers })).status).toBe(401)
})
