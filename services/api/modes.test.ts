import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { MemberRole } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { bodyOf } from './fixtures/request-body.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { aboutOf } from './mode.ts'
import { isWrite } from './operation.ts'
import { operations } from './operations.ts'

const base = '/api/v1/organizations/acme'
let api: TestApi
let nats: NatsConnection
let acme: Organization
let publish: Publishing
const keys: { live: string; test: string; both: undefined } = { live: '', test: '', both: undefined }
const ids: Record<string, string> = {}

const failed = {
  outcome: 'destination_failed',
  status: 500,
  settlement: { kind: 'retry', at: Date.now() + 3_600_000 },
} as const
const dead = { ...failed, settlement: { kind: 'dead', reason: 'attempts_exhausted' } } as const

const as = async (who: keyof typeof keys, path: string, method = 'GET', body?: object) => {
  const key = keys[who]
  return await api.call(method, `${base}/${path}`, { ...(key && { key }), ...(body && { body }) })
}
const itemsOf = async (who: keyof typeof keys, list: string, field: string): Promise<unknown[]> =>
  (await as(who, list)).body.items.map((item: Record<string, unknown>) => item[field]).sort()

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  keys.live = await api.makeKey(acme, MemberRole.OWNER, 'live')
  keys.test = await api.makeKey(acme, MemberRole.OWNER, 'test')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
  // Stored before there were modes: the field is absent.
  ids.live = await publish.event('live one', {})
  ids.test = await publish.event('test one', { mode: 'test' })
  ids.dead = await publish.event('test dead', { mode: 'test', type: 'tried' })
  await publish.attempt('live one', 'billing', failed)
  await publish.attempt('test one', 'billing', failed)
  await publish.attempt('test dead', 'billing', dead)
  await until(async () => (await itemsOf('both', 'attempts', 'id')).length === 3, { deadlineMs: 30_000 })
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

test('events, attempts, issues and counts of both modes never mix, though they share a destination', async () => {
  const test = [ids.test, ids.dead].sort()
  expect(await itemsOf('live', 'events', 'id')).toEqual([ids.live])
  expect(await itemsOf('test', 'events', 'id')).toEqual(test)
  expect(await itemsOf('both', 'events', 'id')).toEqual([ids.live, ...test].sort())
  expect(await itemsOf('both', 'events?mode=live', 'id')).toEqual([ids.live])
  expect(await itemsOf('both', 'events?mode=test', 'mode')).toEqual(['test', 'test'])
  expect(await itemsOf('live', 'attempts', 'mode')).toEqual(['live'])
  expect(await itemsOf('test', 'attempts', 'mode')).toEqual(['test', 'test'])
  expect(await itemsOf('test', 'dead-letters', 'mode')).toEqual(['test'])
  expect(await itemsOf('live', 'dead-letters', 'mode')).toEqual([])
  expect(await itemsOf('live', 'deliveries', 'eventId')).toEqual([ids.live])
  expect(await itemsOf('test', 'deliveries', 'eventId')).toEqual([ids.test])
})

test('one cause is an issue of each mode, told by its own word', async () => {
  const issue = async (who: keyof typeof keys) =>
    (await as(who, 'issues')).body.items.map(
      ({ cause, mode, failures, failing }: Record<string, unknown>) => ({
        cause,
        mode,
        failures,
        failing,
      }),
    )
  const cause = 'destination_failed'
  const live = { cause, mode: 'live', failures: 1, failing: { count: 1, orMore: false } }
  const test = { cause, mode: 'test', failures: 2, failing: { count: 2, orMore: false } }
  expect(await issue('live')).toEqual([live])
  expect(await issue('test')).toEqual([test])
  expect((await issue('both')).toSorted()).toHaveLength(2)
})

test('counts over time are of one mode, or of both together', async () => {
  const counted = async (who: keyof typeof keys, more = '') => {
    const { body } = await as(who, `analytics?by=destination&interval=hour${more}`)
    return body.groups.map((group: { name: string; total: { attempts: number } }) => [
      group.name,
      group.total.attempts,
    ])
  }
  expect(await counted('live')).toEqual([['billing', 1]])
  expect(await counted('test')).toEqual([['billing', 2]])
  expect(await counted('both')).toEqual([['billing', 3]])
  expect(await counted('both', '&mode=test')).toEqual([['billing', 2]])
})

test("a success of test data doesn't recover an issue of live data", async () => {
  for (let i = 0; i < 3; i++) {
    await publish.event(`test good ${i}`, { mode: 'test' })
    await publish.attempt(`test good ${i}`, 'billing')
  }
  const recovered = () =>
    api.store.query('select mode, recovered_count from issues where mode in ($1, $2) order by mode', [
      'live',
      'test',
    ])
  await until(async () => (await recovered())[1]?.recovered_count === '3', { deadlineMs: 30_000 })
  expect(await recovered()).toEqual([
    { mode: 'live', recovered_count: '0' },
    { mode: 'test', recovered_count: '3' },
  ])
})

test('a Replay and a retry of a test key are of test data alone, also when they run later', async () => {
  const replay = await as('test', 'replays', 'POST', {})
  expect(replay.body).toMatchObject({ mode: 'test' })
  const ofBoth = await as('both', 'replays', 'POST', { dryRun: true })
  expect(ofBoth.body).toMatchObject({ mode: null })
  const chosen = await as('both', 'replays', 'POST', { dryRun: true, mode: 'live' })
  expect([chosen.body.mode, chosen.body.matched]).toEqual(['live', 0])
  expect(await itemsOf('live', 'replays', 'id')).toEqual([])
  expect(await itemsOf('test', 'replays', 'id')).toEqual([replay.body.id])
  await until(async () => (await as('test', `replays/${replay.body.id}`)).body.endedAt !== null, {
    deadlineMs: 30_000,
  })
  const handed = await api.store.query(
    "select distinct e.mode as of, d.mode from deliveries d join events e on e.id = d.event_id where d.trigger = 'replay'",
  )
  expect(handed).toEqual([{ of: 'test', mode: 'test' }])
  const planned = await as('live', 'retries', 'POST', { filter: {}, dryRun: true })
  expect([planned.body.mode, planned.body.planned]).toEqual(['live', 0])
})

test('a key keeps its mode when it is rotated, and one of the platform has none', async () => {
  const made = await as('both', 'api-keys', 'POST', { name: 'tries', mode: 'test', role: 'viewer' })
  expect([made.body.mode, made.body.key.slice(0, 11)]).toEqual(['test', 'sk_test_fl_'])
  const rotated = await as('both', `api-keys/${made.body.id}/rotate`, 'POST', {})
  expect([rotated.body.mode, rotated.body.key.slice(0, 11)]).toEqual(['test', 'sk_test_fl_'])
  const ofPlatform = api.store.client.apiKeys.createApiKey({ name: 'all', mode: 'test' })
  await expect(ofPlatform).rejects.toThrow('live')
})

test('a mode that the store does not know is refused, not taken for both', async () => {
  const call = api.store.client.events.listEvents(
    { organizationId: acme.id },
    { headers: { 'fairlead-mode': 'Test' } },
  )
  await expect(call).rejects.toThrow('must be live or test')
})

/** What a key of an organization may ask without changing anything, beside streams. */
const reads = operations.filter(
  operation =>
    operation.path.includes('{slug}') &&
    !isWrite(operation) &&
    !operation.streams &&
    !operation.access.startsWith('platform'),
)
/**
 * The month's quota is of both modes, and when a key was used is no event. A position is the number of the log's batch, which holds
 * events of both modes.
 */
const ofNoMode = new Set([
  'requestId',
  'acceptedThisMonth',
  'months',
  'lastUsedAt',
  'lastUsedFrom',
  'position',
])

test('nothing that a test key may read tells of live events: no id, count, time or error', async () => {
  const initech = await anOrganization(api.store, 'initech')
  const key = await api.makeKey(initech, MemberRole.OWNER, 'test')
  const at = '/api/v1/organizations/initech'
  const [route] = (await api.call('GET', `${at}/routes`)).body.items
  const params: Record<string, string> = { slug: 'initech', destination: 'billing', route: route.id }
  const askAll = async () => {
    const answers = new Map<string, string>()
    for (const operation of reads) {
      const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => params[name] ?? ids.live!)
      const query = operation.name === 'getAnalytics' ? '?by=destination&interval=hour' : ''
      const body = bodyOf(operation)
      const asked = { key, ...(body && { body }) }
      const answer = await api.call(operation.method.toUpperCase(), path + query, asked)
      const isAboutAll = !/\{(?!slug|destination|route)\w+\}/.test(operation.path)
      if (isAboutAll) expect([operation.name, answer.status]).toEqual([operation.name, statusOf(operation)])
      const text = JSON.stringify(answer.body, (name, value) => (ofNoMode.has(name) ? undefined : value))
      answers.set(operation.name, text.replaceAll(/"20\d\d-\d\d-\d\dT[^"]+"/g, '"a time"'))
    }
    return answers
  }
  const before = await askAll()
  const live = await openPublishing(nats, api.store.client, initech.id)
  for (const name of ['waits', 'dies']) await live.event(name, {})
  await live.attempt('waits', 'billing', failed)
  await live.attempt('dies', 'billing', dead)
  await until(
    async () => {
      const { body } = await api.call('GET', `${at}/destinations/billing`)
      return body.waiting === 1 && body.dead === 1 && body.lastError === '500' && body.failingSince !== null
    },
    { deadlineMs: 30_000 },
  )
  const preview = await api.call('POST', `${at}/routes/preview`, { body: { source: '*' } })
  expect([preview.body.examined, preview.body.matched]).toEqual([2, 2])
  expect(await askAll()).toEqual(before)
})

/** The audit log names live objects, and a test key isn't shown it. */
const statusOf = (operation: (typeof operations)[number]): number =>
  aboutOf(operation) === 'live' ? 403 : operation.status
