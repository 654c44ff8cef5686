import { until } from '@fairlead/testbed/until'
import { toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { type NoticeType, noticeTypes } from '@fairlead/wire/notice'
import type { Organization } from '@fairlead/wire/store/organization'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openPublishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { noticeBody } from './notification-payloads.ts'

const path = '/api/v1/organizations/acme/notifications'
let api: TestApi
let nats: NatsConnection
let acme: Organization
/** As a row names it. */
let organization: string
const ids: Record<string, string> = {}

beforeAll(async () => {
  api = await openTestApi()
  acme = await anOrganization(api.store, 'acme')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  organization = toUuid(acme.id as Parameters<typeof toUuid>[0])
  for (const kind of ['destinations', 'sources']) {
    const { items } = (await api.call('GET', `/api/v1/organizations/acme/${kind}`)).body
    for (const { id, name } of items) ids[name] = id
  }
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  // First of all nobody is told: a round of before would note what the test before left, and tell it within this one.
  for (const table of [
    'notification_settings',
    'source_activity',
    'issue_notices',
    'issues',
    'destination_health',
    'destination_pauses',
    'monthly_usage',
  ])
    await api.store.query(`delete from ${table}`)
  await api.store.query('update organizations set webhook_limit = null')
  // Held by a round that notes.
  await api.store.query("select pg_advisory_xact_lock(hashtextextended('fairlead.notices', 0))")
  await untilNoneOpen()
  await api.store.query('delete from notices')
  await (await jetstreamManager(nats)).streams.purge('EVENTS')
})

const untilNoneOpen = async () => {
  const untold = () => api.store.query('select from notices where told_at is null')
  await until(async () => (await untold()).length === 0, { what: 'all notices told', deadlineMs: 60_000 })
}

const uuid = (name: string) => toUuid(ids[name]! as Parameters<typeof toUuid>[0])
const put = (body: object) => api.call('PUT', path, { body, headers: { 'if-match': '*' } })

/** Events of notices, as they are stored: each body is read by the schema that the document has of its type. */
async function told() {
  const manager = await jetstreamManager(nats)
  const { state } = await manager.streams.info('EVENTS')
  const found = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('EVENTS', { seq })
    const meta = decodeEventMeta(message!.header.get(eventHeader))
    if (meta.source !== '_fairlead') continue
    const body = noticeBody(meta.type as NoticeType).parse(message!.json())
    found.push({ meta, ...body })
  }
  return found
}

const untilTold = async (...types: NoticeType[]) => {
  await until(
    async () => {
      const has = (await told()).map(({ type }) => type)
      return types.every(type => has.includes(type))
    },
    { what: types.join(', '), deadlineMs: 60_000 },
  )
  return await told()
}

/** Whatever was there to be told is told. */
async function untilQuiet(): Promise<void> {
  const asked = new Date()
  // An expiring key that is made now is told after all that was noticed before it.
  const expiresAt = new Date(Date.now() + 86_400_000).toISOString()
  const { id } = (
    await api.call('POST', '/api/v1/organizations/acme/api-keys', {
      body: { name: `until ${asked.getTime()}`, role: 'viewer', expiresAt },
    })
  ).body
  const has = async () =>
    (await told()).some(({ data }) => 'keyId' in data && (data as { keyId: string }).keyId === id)
  await until(has, { what: 'the last notice', deadlineMs: 60_000 })
  await untilNoneOpen()
}

/** As if the setting and the sources had been made two hours ago. */
async function toldForTwoHours(): Promise<void> {
  for (const [table, column] of [
    ['notification_settings', 'told_since'],
    ['sources', 'created_at'],
  ])
    await api.store.query(
      `update ${table} set ${column} = now() - interval '2 hours' where organization_id = $1`,
      [organization],
    )
}

describe('the setting', () => {
  test('is there before it is made, is changed in the state that was seen, and stands in the audit log', async () => {
    const before = await api.call('GET', path)
    expect(before.body).toMatchObject({ destinationId: null, updatedAt: null, silentAfterSeconds: {} })
    expect(before.body.types).toEqual(noticeTypes)
    const body = {
      destinationId: 'billing',
      types: ['source.silent'],
      silentAfterSeconds: { stripe: 3600 },
    }
    const dry = await api.call('PUT', `${path}?dryRun=true`, { body, headers: { 'if-match': '*' } })
    expect(dry.body).toMatchObject({ dryRun: true, result: { destination: 'billing' } })
    expect((await api.call('GET', path)).body.destinationId).toBeNull()
    const headers = { 'if-match': before.headers.get('etag')! }
    const after = await api.call('PUT', path, { body, headers })
    expect(after.body).toMatchObject({ ...body, destinationId: ids.billing, destination: 'billing' })
    expect((await api.call('PUT', path, { body, headers })).status).toBe(412)
    expect((await api.call('PUT', path, { body })).status).toBe(428)
    const audit = (await api.call('GET', '/api/v1/organizations/acme/audit-log')).body
    expect(audit.items[0]).toMatchObject({
      action: 'notifications.changed',
      details: { after: { destination: 'billing' } },
    })
  })

  test.each([
    ['a type that is none', { destinationId: 'billing', types: ['event.accepted'] }, 400],
    ['a destination that is not there', { destinationId: 'nowhere' }, 404],
    ['a silence of a second', { destinationId: 'billing', silentAfterSeconds: { stripe: 1 } }, 400],
  ])('refuses %s', async (_name, body, status) => {
    expect((await put(body)).status).toBe(status)
  })
})

test('each thing that happens is one event, to the destination that was named', {
  timeout: 180_000,
}, async () => {
  await put({ destinationId: 'billing', silentAfterSeconds: { stripe: 3600 } })
  const since = new Date(Date.now() - 600_000)
  await toldForTwoHours()
  await api.store.query(
    `insert into destination_health (organization_id, destination_id, last_attempt_at, failing_since, last_error)
     values ($1, $2, now(), $3, '503')`,
    [organization, uuid('builds'), since],
  )
  await api.store.query(
    `insert into destination_pauses (organization_id, destination_id, reason) values ($1, $2, 'gone')`,
    [organization, uuid('builds')],
  )
  await api.store.query(
    `insert into issues (organization_id, kind, subject_id, cause, status, first_seen_at, last_seen_at, opened_at, failures, events)
     values ($1, 'refusal', $2, 'signature_mismatch', 0, now(), now(), now(), 3, 3)`,
    [organization, uuid('stripe')],
  )
  await api.store.query('update organizations set webhook_limit = 10 where id = $1', [organization])
  await api.store.query(
    // Of the next month as well: this one may end while the test runs.
    `insert into monthly_usage (organization_id, month, accepted)
     select $1, (date_trunc('month', now() at time zone 'UTC') + n * interval '1 month')::date, 8 from generate_series(0, 1) as n
     on conflict (organization_id, month) do update set accepted = 8`,
    [organization],
  )
  const first = await untilTold(
    'destination.failing',
    'destination.paused',
    'source.silent',
    'quota.near',
    'issue.opened',
  )
  expect(new Set(first.map(({ meta }) => meta.to))).toEqual(new Set([ids.billing]))
  expect(first.find(({ type }) => type === 'destination.failing')!.data).toEqual({
    destinationId: ids.builds,
    destination: 'builds',
    failingSince: since.toISOString(),
    lastError: '503',
  })
  await api.store.query(
    `update destination_health set failing_since = null, last_success_at = now(), last_error = null
     where organization_id = $1`,
    [organization],
  )
  await api.store.query(`update issues set state = 'resolved' where organization_id = $1`, [organization])
  await untilTold('destination.recovered', 'issue.resolved')
  await untilQuiet()
  const all = (await told()).filter(({ type }) => type !== 'key.expiring')
  expect(all.map(({ type }) => type).sort()).toEqual([
    'destination.failing',
    'destination.paused',
    'destination.recovered',
    'issue.opened',
    'issue.resolved',
    'quota.near',
    'source.silent',
  ])
  const { accepted } = (await api.call('GET', '/api/v1/organizations/acme/usage')).body.months[0]
  expect(accepted).toBe(8)
})

test('what is told to a destination is not about itself, and nobody is told what was not asked for', {
  timeout: 180_000,
}, async () => {
  await put({ destinationId: 'billing', types: ['destination.failing', 'issue.opened', 'key.expiring'] })
  await api.store.query(
    `insert into destination_health (organization_id, destination_id, last_attempt_at, failing_since, last_error)
     values ($1, $2, now(), now() - interval '1 hour', '503')`,
    [organization, uuid('billing')],
  )
  await api.store.query(
    `insert into issues (organization_id, kind, subject_id, cause, status, first_seen_at, last_seen_at, opened_at, failures, events)
     values ($1, 'delivery', $2, 'http_error', 503, now(), now(), now(), 3, 3)`,
    [organization, uuid('billing')],
  )
  await api.store.query(
    `insert into destination_pauses (organization_id, destination_id, reason) values ($1, $2, 'asked')`,
    [organization, uuid('builds')],
  )
  await untilQuiet()
  expect(new Set((await told()).map(({ type }) => type))).toEqual(new Set(['key.expiring']))
})

test('a notice that a killed store had published is not told twice', { timeout: 180_000 }, async () => {
  await put({ destinationId: 'billing', types: ['key.expiring'] })
  await untilQuiet()
  const before = (await told()).length
  // As a store leaves it that was killed before it wrote down that it told.
  await api.store.query('update notices set told_at = null')
  await untilNoneOpen()
  expect(await told()).toHaveLength(before)
})

test('an issue of test data is told by its own word and mode, and not by a word of the tables', {
  timeout: 180_000,
}, async () => {
  await put({ destinationId: 'billing', types: ['issue.opened'] })
  const publish = await openPublishing(nats, api.store.client, acme.id)
  await publish.event('test one', { mode: 'test' })
  await publish.attempt('test one', 'builds', {
    outcome: 'destination_failed',
    status: 500,
    settlement: { kind: 'retry', at: Date.now() + 3_600_000 },
  })
  const all = await untilTold('issue.opened')
  expect(all.find(({ type }) => type === 'issue.opened')!.data).toMatchObject({
    cause: 'destination_failed',
    mode: 'test',
    subject: 'builds',
  })
})

test('an edit of the setting neither drops what happened before it nor tells it again', {
  timeout: 180_000,
}, async () => {
  await put({ destinationId: 'builds' })
  const chosen = { destinationId: 'billing', types: ['destination.paused', 'source.silent', 'key.expiring'] }
  await put(chosen)
  await toldForTwoHours()
  const silentAfterSeconds = { stripe: 3600 }
  await put({ ...chosen, silentAfterSeconds })
  const silences = (all: Awaited<ReturnType<typeof told>>) =>
    all.filter(({ type }) => type === 'source.silent')
  expect(silences(await untilTold('source.silent'))).toHaveLength(1)
  // An edit that was made after the destination was paused, and longer ago than a silence lasts.
  await put({ ...chosen, silentAfterSeconds })
  await api.store.query(
    `update notification_settings set updated_at = now() - interval '70 minutes' where organization_id = $1`,
    [organization],
  )
  await api.store.query(
    `insert into destination_pauses (organization_id, destination_id, reason, since)
     values ($1, $2, 'gone', now() - interval '80 minutes')`,
    [organization, uuid('builds')],
  )
  expect(silences(await untilTold('destination.paused'))).toHaveLength(1)
  await untilQuiet()
  expect(silences(await told())).toHaveLength(1)
})

test('a destination that is named anew is told of what happens from then on', async () => {
  const since = async () =>
    (
      await api.store.query('select told_since from notification_settings where organization_id = $1', [
        organization,
      ])
    )[0]!.told_since as Date
  await put({ destinationId: 'billing' })
  const before = await since()
  await put({ destinationId: 'billing', types: ['quota.near'] })
  expect(await since()).toEqual(before)
  await put({ destinationId: 'builds', types: ['quota.near'] })
  expect((await since()).getTime()).toBeGreaterThan(before.getTime())
})
