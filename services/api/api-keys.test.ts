import { createHash } from 'node:crypto'
import { until } from '@fairlead/testbed/until'
import { MemberRole } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
const opened = new AsyncDisposableStack()
let api: TestApi
/** Another pod on the same store. */
let other: TestApi
let acme: Organization
beforeAll(async () => {
  api = opened.use(await openTestApi())
  other = opened.use(await openTestApi({}, api.store))
  acme = await anOrganization(api.store, 'acme')
})
afterAll(async () => await opened.disposeAsync())

async function makeKey(body: Readonly<Record<string, unknown>>): Promise<{ id: string; key: string }> {
  const made = await api.call('POST', `${base}/api-keys`, { body })
  expect(made.status).toBe(201)
  return made.body
}
const status = async (key: string, path = '/events', pod = api) =>
  (await pod.call('GET', base + path, { key })).status
const shown = async (id: string) =>
  (await api.call('GET', `${base}/api-keys`)).body.items.find((one: { id: string }) => one.id === id)

test('a key with scopes does what they name, and is told which one it lacks', async () => {
  const { id, key } = await makeKey({ name: 'reader', role: 'admin', scopes: ['events:read', 'keys:write'] })
  expect(await shown(id)).toMatchObject({ role: 'admin', scopes: ['events:read', 'keys:write'] })
  expect([await status(key), await status(key, '/dead-letters')]).toEqual([200, 200])
  const refused = await api.call('POST', `${base}/destinations/billing/pause`, { key })
  expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('settings:write')])
  const wide = await api.call('POST', `${base}/api-keys`, { key, body: { name: 'wide', role: 'viewer' } })
  expect(wide.status).toBe(403)
  const unknown = await api.call('POST', `${base}/api-keys`, { body: { name: 'x', scopes: ['all'] } })
  expect([unknown.status, unknown.body.errors[0].name]).toEqual([400, 'scopes.0'])
})

test('a key that may make keys is not shown the text of one that may do more, by rotation or at all', async () => {
  const { id } = await makeKey({ name: 'mighty', role: 'owner' })
  const { key } = await makeKey({ name: 'maker', role: 'admin', scopes: ['keys:write', 'events:read'] })
  const asAdmin = await api.makeKey(acme, MemberRole.ADMIN)
  const digest = async () =>
    (await api.store.query('select sha256 from api_keys where name = $1', ['mighty']))[0]!.sha256
  const before = await digest()
  for (const caller of [key, asAdmin]) {
    const refused = await api.call('POST', `${base}/api-keys/${id}/rotate`, { key: caller, body: {} })
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  }
  expect(await digest()).toEqual(before)
})

test('a rotated key is good by both texts until the overlap ends, in every pod', async () => {
  const { id, key } = await makeKey({ name: 'rotated', role: 'viewer', scopes: ['events:read'] })
  expect(await status(key)).toBe(200)
  const { body } = await api.call('POST', `${base}/api-keys/${id}/rotate`, { body: { overlapSeconds: 600 } })
  expect(body).toMatchObject({
    id,
    name: 'rotated',
    role: 'viewer',
    scopes: ['events:read'],
    lastUsedAt: null,
  })
  expect(body.previous).toMatchObject({ prefix: key.slice(0, 15), lastUsedAt: null })
  for (const pod of [api, other]) {
    expect([await status(key, '/events', pod), await status(body.key, '/events', pod)]).toEqual([200, 200])
  }
  // Who still uses the text of before is seen before it ends.
  await until(async () => (await shown(id)).previous.lastUsedAt !== null)
  await api.store.query("update api_keys set previous_until = now() - interval '1 s' where name = 'rotated'")
  expect([await status(key), await status(key, '/events', other), await status(body.key)]).toEqual([
    401, 401, 200,
  ])
  expect((await shown(id)).previous).toBeNull()
  const leaked = await api.call('POST', `${base}/api-keys/${id}/rotate`, { body: { overlapSeconds: 0 } })
  expect([await status(body.key, '/events', other), await status(leaked.body.key)]).toEqual([401, 200])
  await api.call('DELETE', `${base}/api-keys/${id}`)
  expect(await status(leaked.body.key, '/events', other)).toBe(401)
})

test('a revoked key is useless by its text of before a rotation too', async () => {
  const { id, key } = await makeKey({ name: 'gone', role: 'viewer' })
  const { body } = await api.call('POST', `${base}/api-keys/${id}/rotate`, { body: {} })
  await api.call('DELETE', `${base}/api-keys/${id}`)
  expect([await status(key), await status(body.key)]).toEqual([401, 401])
  expect((await api.call('POST', `${base}/api-keys/${id}/rotate`, { body: {} })).status).toBe(404)
})

test('a repeat of a rotation whose answer was lost gets the same text', async () => {
  const { id } = await makeKey({ name: 'again', role: 'viewer' })
  const ask = (pod: TestApi) =>
    pod.call('POST', `${base}/api-keys/${id}/rotate`, {
      key: api.platformKey,
      body: {},
      headers: { 'idempotency-key': 'rotate once' },
    })
  const first = await ask(api)
  const second = await ask(other)
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('idempotent-replayed')).toBe('true')
})

test('the database holds digests of both texts and neither text, and so does the audit log', async () => {
  const { id, key } = await makeKey({ name: 'digest', role: 'viewer' })
  const { body } = await api.call('POST', `${base}/api-keys/${id}/rotate`, { body: {} })
  const [row] = await api.store.query("select * from api_keys where name = 'digest'")
  const digest = (text: string) => createHash('sha256').update(text).digest()
  expect([row!.sha256, row!.previous_sha256]).toEqual([digest(body.key), digest(key)])
  const entries = await api.store.query('select * from audit_logs where subject_id = $1', [id])
  expect(entries.map(({ action }) => action).sort()).toEqual(['api_key.created', 'api_key.rotated'])
  for (const text of [key, body.key]) expect(JSON.stringify([row, entries])).not.toContain(text.slice(20))
})

test('a use is noted with time and address, once a minute, and never in the way of the call', async () => {
  const { id, key } = await makeKey({ name: 'used', role: 'viewer' })
  expect(await shown(id)).toMatchObject({ lastUsedAt: null, lastUsedFrom: null })
  await using locked = await api.store.lockTable('api_keys')
  expect(await status(key)).toBe(200)
  await locked[Symbol.asyncDispose]()
  const used = await until(async () => {
    const found = await shown(id)
    return found.lastUsedAt !== null && found
  })
  expect(used.lastUsedFrom).toBe('127.0.0.1')
  const version = async () =>
    (await api.store.query("select xmin::text from api_keys where name = 'used'"))[0]!.xmin
  const before = await version()
  await Promise.all(Array.from({ length: 20 }, (_, i) => status(key, '/events', i % 2 ? api : other)))
  expect(await version()).toBe(before)
})

test('an organization makes keys without an end, or has the rate of all of them', async () => {
  const globex = await anOrganization(api.store, 'globex')
  const [row] = await api.store.query("select id from organizations where slug = 'globex'")
  await api.store.query(
    `insert into api_keys (organization_id, id, name, prefix, sha256, role, managed_by)
     select $1, gen_random_uuid(), 'made ' || n, 'sk_live_fl_', sha256(n::text::bytea), 'viewer', 'tenant'
     from generate_series(1, 1000) as n`,
    [row!.id],
  )
  const path = '/api/v1/organizations/globex/api-keys'
  const refused = await api.call('POST', path, { body: { name: 'one more' } })
  expect([refused.status, refused.body.code]).toEqual([409, 'limit_reached'])
  await api.store.query(
    "update api_keys set revoked_at = now() where name like 'made %' and organization_id = $1",
    [row!.id],
  )
  await using limited = await openTestApi(
    { FAIRLEAD_API_RATE_PER_SECOND: 0.001, FAIRLEAD_API_RATE_BURST: 1 },
    api.store,
  )
  const ask = (key: string) => limited.call('GET', '/api/v1/me', { key })
  const own = await Promise.all(Array.from({ length: 6 }, () => api.makeKey(globex)))
  const answers = []
  for (const key of own) answers.push(await ask(key))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 429, 429])
  expect(answers[4]!.body.detail).toContain('keys of this organization together')
  expect(Number(answers[4]!.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask(await api.makeKey(acme))).status).toBe(200)
})
