import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { until } from '@fairlead/testbed/until'
import { deliveryId, parseId } from '@fairlead/webhook/id'
import { encodeLogRecords } from '@fairlead/wire/attempt'
import { connectNats } from '@fairlead/wire/connect'
import { DeliveryState, Trigger } from '@fairlead/wire/store/event'
import type { Organization } from '@fairlead/wire/store/organization'
import { attemptsSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

let api: TestApi
let acme: Organization
let billing: string
const base = '/api/v1/organizations/acme'
const receivedAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000)

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  await anOrganization(api.store, 'globex')
  const { body } = await api.call('GET', `${base}/destinations`)
  billing = body.items.find(({ name }: { name: string }) => name === 'billing').id
  for (let i = 0; i < 5; i++) await addEvent(`dead.${i % 2 ? 'odd' : 'even'}`, i, DeliveryState.DEAD)
  await addEvent('delivered', 5, DeliveryState.DELIVERED)
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

/** An event in the log, without a body in JetStream. */
async function addEvent(type: string, number: number, state: DeliveryState): Promise<string> {
  const at = timestampFromDate(new Date(receivedAt.getTime() + number * 60_000))
  const [outcome, status] =
    state === DeliveryState.DELIVERED ? ['delivered', 200] : ['destination_failed', 502]
  const { event } = await api.store.client.events.createEvent({
    organizationId: acme.id,
    source: 'stripe',
    providerDeliveryId: `delivery ${number}`,
    type,
    receivedAt: at,
    deliveries: [
      {
        destination: 'billing',
        state,
        attempts: [{ number: 1, at, durationMs: 1, trigger: Trigger.ROUTE, outcome, status }],
      },
    ],
  })
  return event!.id
}

const audited = async (action: string) =>
  (await api.call('GET', `${base}/audit-log?action=${action}`)).body.items

test('a dry run counts, keeps nothing and is nothing to the audit log', async () => {
  const asked = { types: ['dead.*'], destinations: ['billing'], dryRun: true }
  const { status, body } = await api.call('POST', `${base}/replays`, { body: asked })
  expect([status, body.id]).toEqual([200, null])
  // No body is kept of any: none could be delivered.
  expect(body).toMatchObject({ matched: 0, expired: 5, destinations: ['billing'], ratePerSecond: 50 })
  expect((await api.call('GET', `${base}/replays`)).body.items).toEqual([])
  expect(await audited('replay.created')).toEqual([])
})

test('a Replay is made, listed, looked at and ends; who asked for it is told', async () => {
  const made = await api.call('POST', `${base}/replays`, {
    body: {
      sources: ['stripe'],
      types: ['dead.odd'],
      status: 'failed',
      states: ['dead'],
      reasons: ['attempts_exhausted'],
      after: receivedAt.toISOString(),
      ratePerSecond: 5,
    },
  })
  expect(made.body).toMatchObject({
    state: 'pending',
    expired: 2,
    ratePerSecond: 5,
    destinations: [],
    selector: {
      sources: ['stripe'],
      types: ['dead.odd'],
      status: 'failed',
      states: ['dead'],
      after: receivedAt.toISOString(),
      diedAfter: null,
    },
    createdBy: expect.stringMatching(/^test [0-9a-f-]{36}$/),
  })
  const path = `${base}/replays/${made.body.id}`
  const ended = await until(async () => {
    const { body } = await api.call('GET', path)
    return body.state === 'completed' && body
  })
  expect(ended).toMatchObject({ published: 0, skipped: 2, fault: null, endedAt: expect.any(String) })
  const listed = (await api.call('GET', `${base}/replays`)).body.items
  expect(listed.map(({ id }: { id: string }) => id)).toEqual([made.body.id])
  for (const verb of ['pause', 'resume', 'cancel']) {
    const { status, body } = await api.call('POST', `${path}/${verb}`)
    expect([verb, status, body.code]).toEqual([verb, 409, 'conflict'])
  }
  expect((await audited('replay.created'))[0]).toMatchObject({
    subjectId: made.body.id,
    details: { sources: ['stripe'], types: ['dead.odd'], matched: 0 },
  })
  const elsewhere = await api.call('GET', path.replace('acme', 'globex'))
  expect([elsewhere.status, elsewhere.body.code]).toEqual([404, 'not_found'])
})

test.each<[object, number, string]>([
  [{ ratePerSecond: 0 }, 400, 'request_invalid'],
  [{ ratePerSecond: 1_001 }, 400, 'request_invalid'],
  [{ states: ['waiting'] }, 400, 'request_invalid'],
  [{ types: [''] }, 400, 'request_invalid'],
  [{ status: 'done' }, 400, 'request_invalid'],
  [{ typos: ['x'] }, 400, 'request_invalid'],
  [{ types: [' '] }, 400, 'request_invalid'],
  [{ types: ['\ud800'] }, 400, 'request_invalid'],
  [{ destinations: ['nowhere'] }, 404, 'not_found'],
])('refuses %j', async (body, status, code) => {
  const answer = await api.call('POST', `${base}/replays`, { body })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

test('an Idempotency-Key with a time in the body is not a fault of ours', async () => {
  const headers = { 'idempotency-key': 'with a time' }
  const ask = (body: object) => api.call('POST', `${base}/replays`, { body, headers })
  const made = await ask({ after: '2026-01-01', types: ['none.such'] })
  expect(made.status).toBe(200)
  // The same in another order is the same.
  expect((await ask({ types: ['none.such'], after: '2026-01-01' })).body).toEqual(made.body)
  expect((await ask({ after: '2026-01-02' })).body.code).toBe('idempotency_key_reused')
})

test.each([
  ['replays', { after: '2026-02-01', before: '2026-01-01' }, 'after'],
  ['replays', { after: '2999-01-01' }, 'after'],
  ['dead-letters/retry', { diedAfter: '2026-02-01', diedBefore: '2026-02-01' }, 'diedAfter'],
  ['dead-letters/discard', { diedAfter: '2026-02-01', diedBefore: '2026-01-01' }, 'diedAfter'],
])('%s with the range %j, which nothing can be in, names the field', async (what, range, name) => {
  const body = { ...range, ...(what === 'dead-letters/discard' && { discardReason: 'a test' }) }
  const answer = await api.call('POST', `${base}/${what}`, { body })
  expect([answer.status, answer.body.errors?.[0]]).toMatchObject([400, { in: 'body', name }])
})

test('dead letters are counted and tried again by filter', async () => {
  const ask = async (body: object) => (await api.call('POST', `${base}/dead-letters/retry`, { body })).body
  expect(await ask({ type: 'dead.*', dryRun: true })).toMatchObject({ id: null, expired: 5 })
  expect(await ask({ destination: 'builds', dryRun: true })).toMatchObject({ expired: 0 })
  expect(await ask({ reason: 'gone', dryRun: true })).toMatchObject({ expired: 0 })
  const made = await ask({ destination: 'billing', type: 'dead.even', source: 'stripe' })
  expect(made).toMatchObject({ expired: 3, selector: { states: ['dead'] }, destinations: ['billing'] })
  expect((await audited('dead_letter.replayed'))[0]).toMatchObject({ subjectId: made.id })
})

test('dead letters are counted and discarded by filter', async () => {
  const ask = async (body: object) => (await api.call('POST', `${base}/dead-letters/discard`, { body })).body
  const filter = { type: 'dead.even', discardReason: 'a test' }
  expect(await ask({ ...filter, dryRun: true })).toEqual({ discarded: 3, more: false })
  expect(await audited('dead_letter.all_discarded')).toEqual([])
  expect(await ask(filter)).toEqual({ discarded: 3, more: false })
  expect(await ask(filter)).toEqual({ discarded: 0, more: false })
  const left = (await api.call('GET', `${base}/dead-letters?reason=attempts_exhausted`)).body.items
  expect(left.map(({ type }: { type: string }) => type)).toEqual(['dead.odd', 'dead.odd'])
  expect((await api.call('GET', `${base}/dead-letters?reason=gone`)).body.items).toEqual([])
  expect((await audited('dead_letter.all_discarded')).at(-1)).toMatchObject({
    details: { discarded: 3, reason: 'a test', type: 'dead.even' },
  })
  expect((await ask({})).code).toBe('request_invalid')
})

test('deliveries that wait are listed; what is due already can be neither re-timed nor cancelled', async () => {
  const id = parseId('evt', await addEvent('waits', 9, DeliveryState.DEAD))!
  const destination = parseId('dst', billing)!
  const delivery = deliveryId(id, destination)
  const at = Date.now()
  await using nats = await connectNats({ url: api.store.natsUrl, name: 'test' }).then(connection =>
    Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() }),
  )
  const record = {
    kind: 'attempted',
    organization: parseId('org', acme.id)!,
    event: id,
    receivedAt: receivedAt.getTime() + 9 * 60_000,
    eventSeq: 1,
    delivery,
    destination,
    of: 1,
    number: 2,
    trigger: 'manual',
    at,
    durationMs: 5,
    outcome: 'destination_failed',
    status: 502,
    settlement: { kind: 'retry', at: at + 60_000 },
  } as const
  await jetstream(nats).publish(attemptsSubject('test'), encodeLogRecords([record]))
  const list = async (query: string) => (await api.call('GET', `${base}/deliveries?${query}`)).body.items
  const [waiting] = await until(async () => {
    const found = await list('state=waiting&destination=billing&type=waits')
    return found.length === 1 && found
  })
  expect(waiting).toMatchObject({
    id: delivery,
    eventId: id,
    destination: 'billing',
    state: 'waiting',
    attemptCount: 2,
    nextAttemptAt: new Date(at + 60_000).toISOString(),
    source: 'stripe',
    type: 'waits',
  })
  expect(await list('destination=builds')).toEqual([])
  expect(await list('source=github')).toEqual([])
  // There is no schedule of it in JetStream: as if it had fired.
  for (const [verb, body] of [
    ['retry', {}],
    ['retry', { at: '2030-01-01' }],
    ['cancel', undefined],
  ] as const) {
    const answer = await api.call('POST', `${base}/deliveries/${delivery}/${verb}`, { body })
    expect([verb, answer.status]).toEqual([verb, body && 'at' in body ? 400 : 409])
  }
})
