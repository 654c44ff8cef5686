import { isDeepStrictEqual } from 'node:util'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { decodeConfig, type OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { MemberRole } from '@fairlead/wire/store/member'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { bucketName } from '@fairlead/wire/streams'
import { Kvm } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
let api: TestApi
let nats: NatsConnection
let acme: Organization
beforeAll(async () => {
  api = await openTestApi()
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  acme = await anOrganization(api.store, 'acme')
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

async function published(id = acme.id): Promise<OrganizationConfig> {
  const entry = await (await new Kvm(nats).open(bucketName.config)).get(id)
  return decodeConfig(entry!.value)
}
const post = (path: string, body: unknown) => api.call('POST', `${base}${path}`, { body })
const get = (path: string) => api.call('GET', `${base}${path}`)
const change = (method: 'PUT' | 'PATCH' | 'DELETE', path: string, match: string | null, body?: unknown) =>
  api.call(method, `${base}${path}`, { body, headers: match === null ? {} : { 'if-match': match } })
const aSource = (name: string, secrets: unknown[] = [{ id: 'first', value: 'test-only-first' }]) => ({
  name,
  provider: 'github',
  secrets,
})

test('a source is made, rotated with overlap and deleted, in force each time within moments', async () => {
  const made = await post('/sources', aSource('rotated'))
  expect([made.status, made.headers.get('etag')]).toEqual([201, `"${made.body.etag}"`])
  expect(JSON.stringify(made.body)).not.toContain('test-only')
  const opened = async () => {
    const source = (await published()).sources.find(({ name }) => name === 'rotated')
    const keyring = openKeyring(testEncryptionKeys)
    const seal = sealContext.sourceSecret(acme.id, 'rotated')
    return source?.secrets.map(({ sealed }) => keyring.open(sealed, seal))
  }
  // An answer waits a second at most for the publication, which a crowded machine may need longer for.
  const inForce = (secrets: string[] | undefined) =>
    until(async () => isDeepStrictEqual(await opened(), secrets), {
      what: `${secrets ?? 'nothing'} in force`,
    })
  await inForce(['test-only-first'])
  const both = await change('PATCH', '/sources/rotated', made.headers.get('etag'), {
    secrets: [{ id: 'second', value: 'test-only-second' }, { id: 'first' }],
  })
  expect(both.status).toBe(200)
  await inForce(['test-only-second', 'test-only-first'])
  await change('PATCH', '/sources/rotated', both.headers.get('etag'), { secrets: [{ id: 'second' }] })
  await inForce(['test-only-second'])
  expect((await change('DELETE', '/sources/rotated', '*')).status).toBe(204)
  await inForce(undefined)
  expect((await get('/sources/rotated')).status).toBe(404)
})

test('what is read can be written back, and changes nothing', async () => {
  await post('/sources', { ...aSource('again'), rateLimit: { perSecond: 5 }, toleranceSeconds: 60 })
  await post('/destinations', {
    name: 'again',
    url: 'https://again.example/hooks',
    headers: [{ name: 'x-key', value: 'test-only' }],
    auth: [
      { basic: { username: 'ada', password: 'test-only' } },
      {
        oauth2: {
          tokenUrl: 'https://login.example/token',
          clientId: 'fairlead',
          clientSecret: 'test-only',
          scopes: ['a'],
          credentialsIn: 'body',
        },
      },
    ],
    retry: { preset: 'standard-webhooks' },
    concurrency: 7,
  })
  const { body: route } = await post('/routes', {
    source: 'again',
    eventTypes: ['push'],
    destinations: ['again'],
    order: { key: { header: 'x-shop' } },
  })
  const before = await published()
  for (const path of ['/sources/again', '/destinations/again', `/routes/${route.id}`]) {
    const { body } = await get(path)
    expect(JSON.stringify(body)).not.toContain('test-only')
    const written = await change('PUT', path, `"${body.etag}"`, body.settings)
    expect([written.status, written.body.etag, written.body.settings]).toEqual([
      200,
      body.etag,
      body.settings,
    ])
  }
  expect(await published()).toEqual(before)
})

test('without If-Match nothing is changed, with an old one neither, and the present state is told', async () => {
  const { body: made } = await post('/destinations', { name: 'matched', url: 'https://a.example/' })
  const path = '/destinations/matched'
  const settings = { name: 'matched', url: 'https://b.example/' }
  for (const [method, body] of [
    ['PUT', settings],
    ['PATCH', { url: 'https://b.example/' }],
    ['DELETE', undefined],
  ] as const) {
    const without = await change(method, path, null, body)
    expect([method, without.status, without.body.code]).toEqual([method, 428, 'precondition_required'])
    for (const tag of ['"src_0.1"', `W/"${made.etag}"`]) {
      const stale = await change(method, path, tag, body)
      expect([method, stale.status, stale.body.code]).toEqual([method, 412, 'precondition_failed'])
      expect(stale.body.current.settings.url).toBe('https://a.example/')
    }
    expect((await change(method, path, 'a tag', body)).body.errors).toMatchObject([{ name: 'If-Match' }])
  }
  const headers = { 'if-none-match': '*' }
  expect((await api.call('PUT', base + path, { body: settings, headers })).status).toBe(412)
  expect((await change('PATCH', path, `"x", "${made.etag}"`, { timeoutSeconds: 5 })).status).toBe(200)
})

test('who has a setting already is sent it again, or refused, until it changes', async () => {
  const { body } = await post('/sources', aSource('polled'))
  const read = async (tag: string) => {
    const headers = { authorization: `Bearer ${api.platformKey}`, 'if-none-match': tag }
    return (await fetch(`${api.url}${base}/sources/polled`, { headers })).status
  }
  const own = `"${body.etag}"`
  expect([await read(own), await read(`"x", ${own}`), await read(`W/${own}`), await read('*')]).toEqual([
    304, 304, 304, 304,
  ])
  expect([await read('"x"'), await read('no tag')]).toEqual([200, 200])
  await change('PATCH', '/sources/polled', own, { toleranceSeconds: 7 })
  expect(await read(own)).toBe(200)
})

test('the ETag is the same for every credential, and differs between organizations', async () => {
  const { body } = await post('/sources', aSource('tagged'))
  const key = await api.makeKey(acme, MemberRole.VIEWER)
  const other = await api.call('GET', `${base}/sources/tagged`, { key })
  expect(other.headers.get('etag')).toBe(`"${body.etag}"`)
})

test('PUT makes what is not there, once, and takes no other name', async () => {
  const first = await change('PUT', '/sources/put', null, aSource('put'))
  const second = await change('PUT', '/sources/put', null, aSource('put'))
  expect([first.status, second.status]).toEqual([200, 428])
  expect((await change('PUT', '/sources/put', '*', aSource('other'))).body.errors).toMatchObject([
    { in: 'body', name: 'name' },
  ])
  expect((await change('PUT', '/sources/none', '*', aSource('none'))).status).toBe(412)
})

// An organization has five of the store's ten connections: five write at one time, and the others wait and come after them.
test('of 8 editors at one time one wins; none overwrites another', async () => {
  const { body } = await post('/sources', aSource('edited'))
  const edits = await Promise.all(
    Array.from({ length: 8 }, (_, i) =>
      change('PATCH', '/sources/edited', `"${body.etag}"`, { toleranceSeconds: i + 1 }),
    ),
  )
  const won = edits.filter(({ status }) => status === 200)
  expect([won.length, edits.filter(({ status }) => status === 412).length]).toEqual([1, 7])
  expect((await get('/sources/edited')).body.toleranceSeconds).toBe(won[0]!.body.toleranceSeconds)
})

test('a repeat with the same Idempotency-Key changes once, though its ETag is old by then', async () => {
  const { body } = await post('/sources', aSource('repeated'))
  const headers = { 'idempotency-key': 'one-edit', 'if-match': `"${body.etag}"` }
  const patch = { body: { toleranceSeconds: 9 }, headers }
  const first = await api.call('PATCH', `${base}/sources/repeated`, patch)
  const again = await api.call('PATCH', `${base}/sources/repeated`, patch)
  expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 200, 'true'])
  expect(again.body.etag).toBe(first.body.etag)
})

test('a dry run says what would change, and changes nothing', async () => {
  const before = [await published(), (await get('/audit-log')).body.items.length]
  const made = await post('/destinations?dryRun=true', {
    name: 'rehearsed',
    url: 'https://a.example/',
    auth: [{ bearer: { token: 'test-only' } }],
  })
  expect([made.status, made.body.dryRun, made.body.result.name]).toEqual([200, true, 'rehearsed'])
  expect(made.body.changes).toContainEqual({ field: 'url', after: 'https://a.example/' })
  expect(JSON.stringify(made.body)).not.toContain('test-only')
  const wrong = await post('/routes?dryRun=true', { source: 'none', destinations: ['billing'] })
  expect(wrong.status).toBe(400)
  expect([await published(), (await get('/audit-log')).body.items.length]).toEqual(before)
  await post('/sources', aSource('rehearsed'))
  const removed = await change('DELETE', '/sources/rehearsed?dryRun=true', '*')
  expect([removed.status, removed.body.result]).toEqual([200, null])
  expect((await get('/sources/rehearsed')).status).toBe(200)
})

test('what a file declares is refused with the resource and YAML that makes the change there', async () => {
  const refused = await change('PATCH', '/sources/stripe', '*', { rateLimit: { perSecond: 9 } })
  expect([refused.status, refused.body.code]).toEqual([409, 'managed_by_kubernetes'])
  expect(refused.body.resource).toEqual({
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Organization',
    name: 'acme',
    file: 'acme.yaml',
  })
  expect(parse(refused.body.patch)).toMatchObject({
    spec: { sources: [{ name: 'stripe', rateLimit: { perSecond: 9 } }] },
  })
  const { items } = (await get('/routes')).body
  const owned = items.filter(({ managedBy }: { managedBy: string }) => managedBy === 'owner')
  const route = await change('DELETE', `/routes/${owned[0].id}`, '*')
  expect(parse(route.body.patch).spec.routes).toEqual([owned[1].settings])
  for (const [method, path, body] of [
    ['PATCH', '', { plan: 'pro' }],
    ['DELETE', ''],
    ['DELETE', '/destinations/billing'],
  ] as const) {
    expect((await change(method, path, '*', body)).body.code, path).toBe('managed_by_kubernetes')
  }
  const secret = await change('PATCH', '/sources/stripe', '*', { secrets: [{ value: 'test-only-new' }] })
  expect(secret.body.patch).not.toContain('test-only')
})

test('an organization is made, given quotas, deactivated and deleted by the platform alone', async () => {
  const settings = { webhookLimit: 1000, weight: 3, rateLimit: { perSecond: 50 }, retentionDays: 30 }
  const made = await api.call('POST', '/api/v1/organizations', { body: { slug: 'fresh', ...settings } })
  expect(made.body).toMatchObject({ slug: 'fresh', active: true, ...settings, rateLimit: { burst: 100 } })
  const path = '/api/v1/organizations/fresh'
  const headers = { 'if-match': made.headers.get('etag')! }
  const off = await api.call('PATCH', path, { body: { active: false, webhookLimit: null }, headers })
  expect(off.body).toMatchObject({ active: false, webhookLimit: null, weight: 3 })
  expect(await published(made.body.id)).toMatchObject({ active: false, weight: 3 })
  expect((await api.call('PATCH', path, { body: { weight: 4 }, headers })).status).toBe(412)
  const key = await api.makeKey({ id: made.body.id } as Organization)
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const body = method === 'DELETE' ? undefined : {}
    expect((await api.call(method, path, { key, body, headers: { 'if-match': '*' } })).status).toBe(403)
  }
  expect((await api.call('POST', '/api/v1/organizations', { key, body: { slug: 'mine' } })).status).toBe(403)
  const { items: all } = (await api.call('GET', `${path}/audit-log`)).body
  const items = all.filter(({ action }: { action: string }) => action.startsWith('organization.'))
  expect(items.map(({ action }: { action: string }) => action)).toEqual([
    'organization.changed',
    'organization.created',
  ])
  expect(items[0].details).toMatchObject({
    before: { active: true, webhookLimit: 1000 },
    after: { active: false },
  })
  expect((await api.call('DELETE', path, { headers: { 'if-match': '*' } })).status).toBe(204)
  expect((await api.call('GET', path)).status).toBe(404)
  const taken = await api.call('POST', '/api/v1/organizations', { body: { slug: 'acme' } })
  expect([taken.status, taken.body.code]).toEqual([409, 'conflict'])
})

test('a viewer and a developer change no setting', async () => {
  for (const role of [MemberRole.VIEWER, MemberRole.DEVELOPER]) {
    const key = await api.makeKey(acme, role)
    const asked = await api.call('POST', `${base}/sources`, { key, body: aSource('forbidden') })
    expect([asked.status, asked.body.code]).toEqual([403, 'forbidden'])
  }
})

test('a preview counts the events that a route would match', async () => {
  const { organization } = await api.store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'previewed' },
    slug: 'previewed',
    sources: [{ name: 'github', settings: { provider: 'github' } }],
    destinations: [],
  })
  for (let i = 0; i < 6; i++) {
    await api.store.client.events.createEvent({
      organizationId: organization!.id,
      source: 'github',
      providerDeliveryId: `${i}`,
      type: i % 3 === 0 ? 'push' : 'issues.opened',
      receivedAt: { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 },
      sizeBytes: 1n,
    })
  }
  const preview = (body: object) =>
    api.call('POST', '/api/v1/organizations/previewed/routes/preview', { body })
  const push = await preview({ source: 'git*', eventTypes: ['push'], destinations: ['not-yet'] })
  expect(push.body).toMatchObject({ examined: 6, matched: 2, sample: [{ type: 'push' }, { type: 'push' }] })
  expect((await preview({ source: 'github' })).body.matched).toBe(6)
  expect((await preview({ source: 'stripe' })).body).toMatchObject({ examined: 6, matched: 0, sample: [] })
})

test('one organization’s settings, as large as it likes, are parsed by every receiver and worker at each change', async () => {
  // A destination of 160 KB: twenty headers of 8 KB each.
  const headers = Array.from({ length: 20 }, (_, i) => ({ name: `x-${i}`, value: 'test-only'.repeat(900) }))
  const owned = { owner: { kind: OwnerKind.FILE, reference: 'vast' }, slug: 'vast' }
  // What its owner has deleted is kept as long as its events are, and gives no room to others.
  const gone = {
    name: 'declared-once',
    settings: { url: 'https://a.example/hooks' },
    headers: headers.map(({ name: id, value }) => ({ id, value })),
  }
  await api.store.client.organizations.applyOrganization({ ...owned, destinations: [gone] })
  const { organization } = await api.store.client.organizations.applyOrganization(owned)
  const path = '/api/v1/organizations/vast/destinations'
  const make = (name: string) =>
    api.call('POST', path, { body: { name, url: 'https://a.example/hooks', headers } })
  const statuses: number[] = []
  for (let i = 0; i < 20 && !statuses.includes(409); i++) statuses.push((await make(`d-${i}`)).status)
  expect([statuses.length > 4, statuses.at(-1)]).toEqual([true, 409])
  const refused = await make('more')
  expect([refused.body.code, refused.body.detail]).toEqual([
    'limit_reached',
    expect.stringContaining('2 MiB together'),
  ])
  expect(JSON.stringify(await published(organization!.id)).length).toBeLessThan(2 * 1024 ** 2)
  // What makes it no larger goes on.
  const patched = await api.call('PATCH', `${path}/d-0`, {
    body: { headers: [] },
    headers: { 'if-match': '*' },
  })
  expect(patched.status).toBe(200)
  expect((await make('more')).status).toBe(201)
})

test('one organization’s routes make a worker search each new type thousands of times', async () => {
  await api.store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'starry' },
    slug: 'starry',
    destinations: [{ name: 'a', settings: { url: 'https://a.example/hooks' } }],
  })
  const path = '/api/v1/organizations/starry/routes'
  const make = (prefix: string, count: number) =>
    api.call('POST', path, {
      body: {
        source: '*',
        destinations: ['a'],
        eventTypes: Array.from({ length: count }, (_, i) => `${prefix}${i}${'*x'.repeat(20)}`),
      },
    })
  expect((await make('a', 100)).status).toBe(201)
  const refused = await make('b', 1)
  expect([refused.body.code, refused.body.detail]).toEqual([
    'limit_reached',
    expect.stringContaining('2,000 *'),
  ])
  const declared = api.store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'starrier' },
    slug: 'starrier',
    destinations: [{ name: 'a', settings: { url: 'https://a.example/hooks' } }],
    routes: Array.from({ length: 9 }, (_, i) => ({
      settings: { source: '*', eventTypes: [`${i}${'*'.repeat(250)}`], destinations: ['a'] },
    })),
  })
  await expect(declared).rejects.toThrow('at most 2000 *')
})

test('an Organization whose event types had more * before they were bounded is refused whole after an upgrade', async () => {
  const apply = (routes: number, displayName = '') =>
    api.store.client.organizations.applyOrganization({
      owner: { kind: OwnerKind.FILE, reference: 'upgraded' },
      slug: 'upgraded',
      displayName,
      destinations: [{ name: 'a', settings: { url: 'https://a.example/hooks' } }],
      routes: Array.from({ length: routes }, (_, i) => ({
        settings: { source: '*', eventTypes: [`${i}${'*'.repeat(250)}`], destinations: ['a'] },
      })),
    })
  const { organization } = await apply(8)
  // As an earlier version took it.
  await api.store.query(
    `insert into routes (organization_id, id, source, event_types, destinations, managed_by)
     select organization_id, gen_random_uuid(), source, array['8' || repeat('*', 250)], destinations, managed_by
     from routes where organization_id = $1 limit 1`,
    [toUuid(organization!.id as OrganizationId)],
  )
  expect((await apply(9)).changed).toBe(false)
  expect((await apply(9, 'Upgraded')).changed).toBe(true)
  await expect(apply(10, 'Upgraded')).rejects.toThrow('at most 2000 *')
  expect((await apply(8, 'Upgraded')).routes).toHaveLength(8)
  await expect(apply(9, 'Upgraded')).rejects.toThrow('at most 2000 *')
})
