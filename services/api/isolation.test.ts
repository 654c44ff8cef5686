import { timestampNow } from '@bufbuild/protobuf/wkt'
import { until } from '@fairlead/testbed/until'
import { fromUuid, newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { DeliveryState, Trigger } from '@fairlead/wire/store/event'
import { MemberRole } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordObjects } from './fixtures/billing-events.ts'
import { bodyOf } from './fixtures/request-body.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { aboutOf } from './mode.ts'
import { isWrite, needsMatch, type Operation } from './operation.ts'
import { operations } from './operations.ts'

let api: TestApi
let acme: Organization
/** A key of globex, which has nothing of what acme has. */
let key: string
/** A key of acme for test data, of which acme has none. */
let testKey: string
/** Ids of acme's, by the name of the parameter or field that takes such a one. */
const real: Record<string, string> = {}
/** Ids of nobody's. */
const absent: Record<string, string> = {
  slug: 'nobody',
  event: newId('evt', 1),
  delivery: newId('dlv', 1),
  replay: newId('rpl', 1),
  issue: newId('iss', 1),
  retry: newId('rty', 1),
  rebuild: newId('rbd', 1),
  key: newId('key', 1),
  rejection: '4711',
  attempt: `att_${newId('dlv', 1).slice(4)}-1`,
  destination: newId('dst', 1),
  source: newId('src', 1),
  route: newId('rte', 1),
  member: newId('mem', 1),
  invitation: newId('inv', 1),
  session: `ses_${'0'.repeat(24)}`,
  passkey: `pky_${'0'.repeat(24)}`,
  email: 'nobody@platform.example',
  id: 'obj_of_nobody',
}

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  key = await api.makeKey(await anOrganization(api.store, 'globex'))
  const attempt = { number: 1, at: timestampNow(), durationMs: 1, trigger: Trigger.ROUTE, outcome: 'gone' }
  for (let i = 0; i < 3; i++) {
    const { event } = await api.store.client.events.createEvent({
      organizationId: acme.id,
      source: 'stripe',
      providerDeliveryId: `${i}`,
      type: 'invoice.paid',
      receivedAt: timestampNow(),
      sizeBytes: 1n,
      deliveries: [{ destination: 'billing', state: DeliveryState.DEAD, attempts: [attempt] }],
    })
    real.event = event!.id
  }
  const of = async (path: string) => (await api.call('GET', `/api/v1/organizations/acme/${path}`)).body
  real.slug = 'acme'
  real.delivery = (await of('dead-letters')).items[0].id
  real.destination = (await of('destinations')).items[0].id
  real.attempt = (await of('attempts')).items[0].id
  real.source = (await of('sources')).items[0].id
  real.route = (await of('routes')).items[0].id
  real.replay = (await api.call('POST', '/api/v1/organizations/acme/replays', { body: {} })).body.id
  // It changes by itself until it has ended.
  await until(async () => (await of(`replays/${real.replay}`)).endedAt !== null)
  real.rebuild = (await api.call('POST', '/api/v1/organizations/acme/billing/rebuild')).body.id
  await until(async () => (await of(`billing/rebuilds/${real.rebuild}`)).endedAt !== null)
  await api.makeKey(acme)
  testKey = await api.makeKey(acme, MemberRole.OWNER, 'test')
  real.key = (await of('api-keys')).items[0].id
  real.rejection = '1'
  const plan = { filter: {}, dryRun: true }
  real.retry = (await api.call('POST', '/api/v1/organizations/acme/retries', { body: plan })).body.id
  const [issue] = await api.store.query(
    `insert into issues (organization_id, kind, subject_id, cause, status, first_seen_at, last_seen_at, opened_at, failures,
       events) select organization_id, 'delivery', id, 'gone', 410, now(), now(), now(), 3, 3 from destinations
     where organization_id = $1 and name = 'billing' returning id`,
    [toUuid(acme.id as OrganizationId)],
  )
  real.issue = fromUuid('iss', String(issue!.id))
  real.member = (await of('members')).items[0].id
  const invited = { body: { email: 'test@example.com' } }
  real.invitation = (await api.call('POST', '/api/v1/organizations/acme/invitations', invited)).body.id
  real.session = `ses_${'1'.repeat(24)}`
  real.passkey = `pky_${'1'.repeat(24)}`
  real.email = 'root@platform.example'
  real.id = 'obj_of_acme'
  await recordObjects(api.store, acme, real.id)
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

const parametersOf = ({ path }: Operation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

async function ask(operation: Operation, values: Record<string, string>, by = key) {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => values[name] ?? '')
  const body = bodyOf(operation)
  const { status, body: answered } = await api.call(operation.method.toUpperCase(), path, {
    key: by,
    ...(needsMatch(operation) && { headers: { 'if-match': '*' } }),
    ...(body && { body }),
  })
  // An answer may repeat the values of its own request.
  const text = Object.values(values).reduce(
    (all, value) => all.replaceAll(value, '…'),
    JSON.stringify(answered ?? {}),
  )
  return { status, text: withoutRequestId(text) }
}

/** No two requests have the same. */
const withoutRequestId = (text: string) => text.replaceAll(/"requestId":"[^"]*",?/g, '')

/** Tables of what acme has that could be changed. */
const tables = [
  'deliveries',
  'replays',
  'issues',
  'api_keys',
  'destination_pauses',
  'audit_logs',
  'sources',
  'destinations',
  'routes',
  'members',
  'invitations',
  'ledger_facts',
  'ledger_objects',
] as const

/** In one question: it is asked before and after each call. */
const stateOfAcme = async () => {
  const rows = tables.map(
    table => `(select json_agg(x order by x::text) from ${table} x where organization_id = o.id) as ${table}`,
  )
  return JSON.stringify(await api.store.query(`select ${rows} from organizations o where slug = 'acme'`))
}

/** What is the platform's alone is refused before anything is looked up. */
const statusOfOthers = ({ access }: Operation) => (access.startsWith('platform') ? 403 : 404)

describe.each(operations.filter(operation => parametersOf(operation).length > 0))('$name', operation => {
  test("another organization's slug, and all its ids, are as if there were none", async () => {
    const before = await stateOfAcme()
    const foreign = await ask(operation, { ...real })
    expect(foreign).toEqual(await ask(operation, { ...absent }))
    expect(foreign.status).toBe(statusOfOthers(operation))
    expect(await stateOfAcme()).toBe(before)
  })

  test.each(parametersOf(operation).filter(name => name !== 'slug'))(
    "another organization's %s is as if there were none",
    async name => {
      const before = await stateOfAcme()
      const own = { ...absent, slug: 'globex' }
      const foreign = await ask(operation, { ...own, [name]: real[name]! })
      expect(foreign).toEqual(await ask(operation, own))
      expect(foreign.status).toBe(statusOfOthers(operation))
      expect(await stateOfAcme()).toBe(before)
    },
  )
})

const ofOrganizations = operations.filter(operation => parametersOf(operation).includes('slug'))

/** Rows of acme's live data and of what both modes share; that a key was used is no change. */
const liveStateOfAcme = async () => {
  const sharedTables = 'api_keys destination_pauses destinations routes members invitations'
  const moded = 'events deliveries attempts replays issues sources'
  const rows = await Promise.all(
    [
      ...sharedTables.split(' ').map(table => [table, 'true'] as const),
      ...moded.split(' ').map(table => [table, "mode is distinct from 'test'"] as const),
    ].map(([table, where]) =>
      api.store.query(
        `select * from ${table} where ${where} and organization_id = (select id from organizations where slug = 'acme')`,
      ),
    ),
  )
  return JSON.stringify(rows, (name, value) => (name.startsWith('last_used') ? undefined : value))
}

test.each(ofOrganizations)('$name with a test key: live data is as if there were none', async operation => {
  const about = aboutOf(operation)
  const before = isWrite(operation) ? await liveStateOfAcme() : undefined
  const answer = operation.streams ? undefined : await ask(operation, { ...real }, testKey)
  if (about === 'live' || (about === 'shared' && isWrite(operation))) {
    expect(answer).toMatchObject({ status: 403 })
    if (!operation.access.startsWith('platform')) expect(answer?.text).toContain('"wrong_mode"')
  } else if (about === 'moded' && parametersOf(operation).length > 1) {
    expect(answer).toEqual(await ask(operation, { ...absent, slug: 'acme' }, testKey))
    expect(answer?.status).toBe(404)
  } else if (about === 'moded') {
    const { slug: _, destination: _shared, ...liveIds } = real
    for (const id of [...Object.values(liveIds), 'invoice.paid', '"stripe"']) {
      if (id.length > 1) expect(answer?.text ?? '').not.toContain(id)
    }
  }
  if (before) expect(await liveStateOfAcme()).toBe(before)
})

test('an export by a test key has none of the live events, and no list takes the other mode', async () => {
  const headers = { authorization: `Bearer ${testKey}` }
  const exported = await fetch(`${api.url}/api/v1/organizations/acme/events/export`, { headers })
  expect(await exported.text()).toMatch(/^\{"trailer":\{"events":0,/)
  const mode = await api.call('GET', '/api/v1/organizations/acme/events?mode=live', { key: testKey })
  expect([mode.status, mode.body.code]).toEqual([403, 'wrong_mode'])
})

test('a source by a test key is a test source, and no live one can be made, taken over or seen', async () => {
  const path = '/api/v1/organizations/acme/sources'
  const body = { name: 'tried', provider: 'github', secrets: [{ id: 'a', value: 'test-only' }] }
  const live = await api.call('POST', path, { key: testKey, body: { ...body, mode: 'live' } })
  expect([live.status, live.body.errors[0].message]).toEqual([400, 'must be test, as the key is'])
  const made = await api.call('POST', path, { key: testKey, body })
  expect([made.status, made.body.mode]).toEqual([201, 'test'])
  const named = { ...body, name: 'stripe' }
  for (const [method, at] of [
    ['POST', path],
    ['PUT', `${path}/stripe`],
  ] as const) {
    const taken = await api.call(method, at, { key: testKey, body: named })
    expect([taken.status, taken.body.code], method).toEqual([409, 'conflict'])
  }
  const liveKey = await api.makeKey(acme)
  const names = async (key: string | undefined) =>
    (await api.call('GET', path, key === undefined ? {} : { key })).body.items.map(
      (one: { name: string }) => one.name,
    )
  expect(await names(testKey)).toEqual(['made', 'tried'])
  expect(await names(liveKey)).toEqual(['github', 'stripe'])
  expect(await names(undefined)).toEqual(['github', 'made', 'stripe', 'tried'])
  const gone = { key: liveKey, headers: { 'if-match': '*' } }
  expect((await api.call('DELETE', `${path}/tried`, gone)).status).toBe(404)
  expect((await api.call('DELETE', `${path}/tried`, { ...gone, key: testKey })).status).toBe(204)
})

test.each(['events', 'dead-letters', 'deliveries'])(
  "another organization's destination filters %s as one that is not there",
  async list => {
    const filtered = async (id: string) => {
      const { status, body } = await api.call(
        'GET',
        `/api/v1/organizations/globex/${list}?destination=${id}`,
        { key },
      )
      return [status, withoutRequestId(JSON.stringify(body)).replaceAll(id, '…')]
    }
    expect(await filtered(real.destination!)).toEqual(await filtered(absent.destination!))
  },
)

test("another organization's destinations are none in a body", async () => {
  for (const [path, field] of [
    ['replays', (id: string) => ({ destinations: [id] })],
    ['dead-letters/retry', (id: string) => ({ destination: id })],
    ['dead-letters/discard', (id: string) => ({ destination: id, discardReason: 'a test' })],
  ] as const) {
    const asked = async (id: string) => {
      const { status, body } = await api.call('POST', `/api/v1/organizations/globex/${path}`, {
        key,
        body: field(id),
      })
      const text = JSON.stringify(body).replaceAll(id, '…')
      return [status, text.replaceAll(/"(id|createdAt|before|requestId)":"[^"]*"/g, '')]
    }
    expect(await asked(real.destination!), path).toEqual(await asked(absent.destination!))
  }
})

test("another organization's cursor is none", async () => {
  const { body } = await api.call('GET', '/api/v1/organizations/acme/events?limit=1')
  const elsewhere = await api.call('GET', `/api/v1/organizations/globex/events?limit=1&cursor=${body.next}`, {
    key,
  })
  const damaged = await api.call('GET', '/api/v1/organizations/globex/events?limit=1&cursor=WyIwIiwiMCJd', {
    key,
  })
  expect([elsewhere.status, elsewhere.body]).toEqual([
    400,
    { ...damaged.body, requestId: elsewhere.body.requestId },
  ])
  const otherFilter = await api.call('GET', `/api/v1/organizations/acme/events?source=x&cursor=${body.next}`)
  expect(otherFilter.body.code).toBe('cursor_invalid')
  const own = await api.call('GET', `/api/v1/organizations/acme/events?limit=2&cursor=${body.next}`)
  expect([own.status, own.body.items.length]).toEqual([200, 2])
})

test("another organization's Idempotency-Key is none, whoever asks", async () => {
  const headers = { 'idempotency-key': 'one' }
  const first = await api.call('POST', '/api/v1/organizations/acme/api-keys', {
    headers,
    body: { name: 'a' },
  })
  const second = await api.call('POST', '/api/v1/organizations/globex/api-keys', {
    headers,
    body: { name: 'a' },
  })
  expect([first.status, second.status, second.headers.get('idempotent-replayed')]).toEqual([201, 201, null])
})

test('every operation that changes something is asked with what it takes', () => {
  for (const operation of operations.filter(isWrite)) {
    if (operation.body) expect(operation.body.safeParse(bodyOf(operation)).success, operation.name).toBe(true)
  }
})
