import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type EventId, newId, type OrganizationId, type SourceId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { searchDigest } from '@fairlead/wire/search'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { publishPromoted } from './carry-out.ts'
import { pin } from './pin.ts'

const opened = new AsyncDisposableStack()
let store: TestStore
let nats: NatsConnection
let manager: JetStreamManager
let id: OrganizationId
let source: SourceId
beforeAll(async () => {
  store = opened.use(await startTestStore())
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  manager = await jetstreamManager(nats)
  const search = { pointers: ['/id'], headers: ['x-shop'] }
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml#acme' },
    slug: 'acme',
    sources: [
      {
        name: 'github',
        settings: { provider: 'github', search },
        secrets: [{ id: 'one', value: 'test-only' }],
      },
    ],
  })
  id = organization!.id as OrganizationId
  const { sources } = await store.client.sources.listSources({ organizationId: id })
  source = sources[0]!.id as SourceId
})
afterAll(() => opened.disposeAsync())
beforeEach(async () => {
  await store.query('delete from promotions')
})

const receivedAt = Date.now() - 3_600_000
const body = '{"id":"in_1"}'

interface Left {
  readonly isPublished?: boolean
  readonly isErased?: boolean
  /** As its record was left by stores that made no copies. */
  readonly isUnpinned?: boolean
  readonly type?: string
  readonly minutesAgo?: number
}

/** Leaves what a store that was killed on its way leaves; answers with the event's id. */
async function leave({
  isPublished,
  isErased,
  isUnpinned,
  type = 'push',
  minutesAgo = 1,
}: Left): Promise<string> {
  const event = newId('evt', receivedAt)
  const fields = headers()
  const meta = {
    organization: id,
    source: 'github',
    provider: 'github',
    receivedAt,
    method: 'POST',
    url: '/',
  }
  const facts = { reason: 'signature_mismatch', headers: ['X-Shop', 'acme'], size: body.length }
  fields.set(rejectionHeader, encodeRejectionMeta({ ...meta, ...facts }))
  const { seq } = await jetstream(nats).publish(rejectionsSubject(id, 'github'), body, { headers: fields })
  const verified = { sourceId: source, revision: 1, type }
  if (isPublished) {
    const rejection = { seq, meta: { ...meta, ...facts }, body: Buffer.from(body) }
    await publishPromoted(nats, id, event, rejection, verified)
  }
  if (!isUnpinned) {
    const row = {
      organization_id: toUuid(id),
      rejection: String(seq),
      received_at: new Date(receivedAt),
      event_id: toUuid(event),
      source: 'github',
      facts: verified,
    }
    expect(await pin(nats, [row])).toEqual([])
  }
  if (isErased) await manager.streams.deleteMessage('REJECTIONS', seq)
  await store.query(
    `insert into promotions (organization_id, rejection, received_at, event_id, source, facts, created_at)
     values ($1, $2, $3, $4, 'github', $5, now() - make_interval(mins => $6))`,
    [toUuid(id), seq, new Date(receivedAt), toUuid(event), JSON.stringify(verified), minutesAgo],
  )
  return event
}

const openEvents = async () =>
  (await store.query('select event_id from promotions where done_at is null')).map(row =>
    String(row.event_id),
  )
const lost = async () => Number(/^fairlead_promotions_lost_total (\d+)/m.exec(await store.metrics())?.[1])

/*
 * A store is killed after it wrote a promotion down. Where it was on its way shows in what it left: the row alone; the event
 * too; the event, and the record erased.
 */
test('promotions that a killed store left are carried out by the next: each is one event', async () => {
  const events = [
    await leave({}),
    await leave({ isPublished: true }),
    await leave({ isPublished: true, isErased: true }),
    await leave({ isUnpinned: true }),
  ]
  await until(async () => (await openEvents()).length === 0, {
    what: 'the promotions carried out',
    deadlineMs: 60_000,
  })
  const { state } = await manager.streams.info('EVENTS')
  expect(state.messages).toBe(4)
  for (const eventId of events) {
    const found = await until(
      () => store.client.events.getEvent({ organizationId: id, eventId }).catch(() => undefined),
      { what: 'the event in the log' },
    )
    expect(found!.event).toMatchObject({ source: 'github', type: 'push' })
  }
  expect((await manager.streams.info('REJECTIONS')).state.messages).toBe(0)
  expect(await lost()).toBe(0)
})

test('a promoted event is not missing where its declared values are searched', async () => {
  await leave({})
  await until(async () => (await openEvents()).length === 0, {
    what: 'the promotion carried out',
    deadlineMs: 60_000,
  })
  const { state } = await manager.streams.info('EVENTS')
  const message = await manager.streams.getMessage('EVENTS', { seq: state.last_seq })
  const { search } = decodeEventMeta(message!.header.get(eventHeader))
  expect(search).toEqual([searchDigest(id, '/id', 'in_1'), searchDigest(id, 'x-shop', 'acme')])
})

test('promotions that fail hold up no others', async () => {
  // JetStream takes no headers above 64 KiB.
  const failing: string[] = []
  for (let n = 0; n < 20; n++) failing.push(await leave({ type: 'x'.repeat(70_000), minutesAgo: 3 }))
  await leave({})
  await until(async () => (await openEvents()).length <= failing.length, {
    what: 'the promotion behind those that fail',
    deadlineMs: 60_000,
  })
  expect((await openEvents()).sort()).toEqual(failing.map(event => toUuid(event as EventId)).sort())
})

test('newer rejections do not take away a promotion whose record they push out before its event was published', async () => {
  const copies = async () =>
    Object.keys(
      (await manager.streams.info('REJECTIONS', { subjects_filter: 'promotions.>' })).state.subjects ?? {},
    )
  const others = await copies()
  const before = (await manager.streams.info('EVENTS')).state.last_seq
  await leave({ isErased: true })
  await until(async () => (await openEvents()).length === 0, {
    what: 'the promotion carried out',
    deadlineMs: 60_000,
  })
  const { state } = await manager.streams.info('EVENTS')
  expect(state.last_seq).toBe(before + 1)
  const { data } = (await manager.streams.getMessage('EVENTS', { seq: state.last_seq }))!
  expect(Buffer.from(data).toString()).toBe(body)
  expect(await copies()).toEqual(others)
  expect(await lost()).toBe(0)
})

test('a promotion whose record is nowhere any more does not vanish in silence', async () => {
  await leave({ isErased: true, isUnpinned: true })
  await until(async () => (await openEvents()).length === 0, {
    what: 'the promotion given up',
    deadlineMs: 60_000,
  })
  // It is counted once its row is marked.
  await until(async () => (await lost()) >= 1, { what: 'the promotion among the lost' })
  expect(await lost()).toBe(1)
})
