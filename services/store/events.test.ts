import { randomUUID } from 'node:crypto'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import {
  type DestinationId,
  eventId,
  newId,
  type OrganizationId,
  type SourceId,
  toUuid,
} from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { connectNats } from '@fairlead/wire/connect'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { openKeyring, sealContext } from '@fairlead/wire/seal'
import { DestinationState, LaneState } from '@fairlead/wire/store/destination'
import { ErrorReason } from '@fairlead/wire/store/error'
import { DeliveryState, EventStatus, Trigger } from '@fairlead/wire/store/event'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { dueSubject, rejectionsSubject, repeatsSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishDead, publishEvent, publishRecords } from './project/fixture/publish-story.ts'
import {
  anAttempt,
  anEventMeta,
  type PlannedDelivery,
  type PlannedEvent,
  recordsOf,
} from './project/fixture/story.ts'

let store: TestStore
let nats: NatsConnection
let organization: OrganizationId
let source: SourceId
let destination: DestinationId
beforeAll(async () => {
  store = await startTestStore()
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  const { organizations } = store.client
  const applied = await organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml' },
    slug: 'acme',
    webhookLimit: 1000n,
    sources: [
      { name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'one', value: 'test-secret' }] },
    ],
    destinations: [{ name: 'billing', settings: { url: 'https://billing.acme.example' } }],
  })
  organization = applied.organization!.id as OrganizationId
  source = applied.sources[0]!.id as SourceId
  destination = applied.destinations[0]!.id as DestinationId
})
afterAll(async () => {
  await nats?.close()
  await store?.[Symbol.asyncDispose]()
})

let count = 0
/** Puts an event and its outcome into the streams, and waits until the log has both, also where the outcome is that no route wanted it. */
async function happened(
  delivery: Pick<PlannedDelivery, 'attempts' | 'end'> | undefined,
  overrides: Parameters<typeof anEventMeta>[0] = {},
): Promise<PlannedEvent> {
  const id = eventId(organization, 'stripe', { id: `test-${++count}` })
  const meta = anEventMeta({
    organization,
    sourceId: source,
    id,
    receivedAt: Date.now() - 60_000,
    secret: 'one',
    ...overrides,
  })
  const planned = { meta, matched: true, deliveries: delivery ? [{ destination, ...delivery }] : [] }
  const seq = await publishEvent(nats, meta)
  await publishRecords(nats, recordsOf(planned, seq))
  await publishDead(nats, planned, seq)
  await until(
    async () => {
      const { event, deliveries } = await getEvent(planned)
      return delivery ? deliveries.length === 1 : event?.status === EventStatus.UNROUTED
    },
    { what: 'the event and its outcome in the log' },
  )
  return planned
}

const getEvent = ({ meta }: PlannedEvent) =>
  store.client.events.getEvent({ organizationId: organization, eventId: meta.id })

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => expect.fail('the call was answered'),
    (error: unknown) => storeErrorDetail(error)?.reason,
  )

/** The deliveries that were handed to workers, by the number of their next attempt. */
async function handedOver(event: PlannedEvent): Promise<DeliveryReference[]> {
  const manager = await jetstreamManager(nats)
  const found: DeliveryReference[] = []
  const { messages, first_seq } = (await manager.streams.info('DELIVERIES')).state
  for (let seq = first_seq; seq < first_seq + messages; seq++) {
    const message = await manager.streams.getMessage('DELIVERIES', { seq })
    if (message?.subject !== dueSubject(organization, destination)) continue
    const reference = decodeDelivery(message.data)
    if (reference.event === event.meta.id) found.push(reference)
  }
  return found
}

test('an event with its deliveries and attempts, its headers and its body', async () => {
  const planned = await happened({ attempts: 3, end: 'delivered' })
  const { event, deliveries } = await getEvent(planned)
  expect(event).toMatchObject({
    source: 'stripe',
    type: 'invoice.paid',
    status: EventStatus.SUCCESS,
    deliveredCount: 1,
  })
  expect(deliveries).toMatchObject([
    { destination: 'billing', state: DeliveryState.DELIVERED, attemptCount: 3 },
  ])
  expect(deliveries[0]!.attempts.map(({ number, outcome, status }) => [number, outcome, status])).toEqual([
    [1, 'destination_failed', 503],
    [2, 'destination_failed', 503],
    [3, 'delivered', 200],
  ])
  const content = await store.client.events.getEventContent({
    organizationId: organization,
    eventId: planned.meta.id,
  })
  expect(content).toMatchObject({
    expired: false,
    headers: [{ name: 'Content-Type', value: 'application/json' }],
  })
  expect(Buffer.from(content.body).toString()).toBe('{}')
})

test('an event shows old attempts at one destination, which had many, instead of the newest at another', async () => {
  const planned = await happened({ attempts: 3, end: 'delivered' })
  // As many as are shown.
  await store.query(
    `insert into attempts (organization_id, event_id, destination_id, number, received_at, at, duration_ms, delivered,
       outcome, trigger)
     select organization_id, event_id, $3, n, received_at, at - interval '1 hour', 20, false, 'destination_failed', 'manual'
     from attempts cross join generate_series(1, 1000) as n
     where organization_id = $1 and event_id = $2 and number = 1`,
    [toUuid(organization), toUuid(planned.meta.id), randomUUID()],
  )
  const { deliveries } = await getEvent(planned)
  expect(deliveries[0]!.attempts.map(({ number }) => number)).toEqual([1, 2, 3])
})

test('a dead letter is listed, retried once however often it is asked for, and its event succeeds', async () => {
  const planned = await happened({ attempts: 4, end: 'dead' })
  const list = () => store.client.events.listDeadLetters({ organizationId: organization })
  const letter = (await list()).deadLetters.find(({ delivery }) => delivery?.eventId === planned.meta.id)!
  expect(letter).toMatchObject({
    source: 'stripe',
    reason: 'attempts_exhausted',
    delivery: { destination: 'billing' },
  })
  const retry = { organizationId: organization, deliveryId: letter.delivery!.id }
  const { delivery } = await store.client.events.retryDeadLetter(retry)
  expect(delivery!.state).toBe(DeliveryState.WAITING)
  expect(await reasonOf(store.client.events.retryDeadLetter(retry))).toBe(ErrorReason.NOT_FOUND)
  expect(await handedOver(planned)).toMatchObject([
    { attempt: 5, spent: 0, trigger: 'manual', stored: { stream: 'EVENTS' } },
  ])
  expect((await getEvent(planned)).event!.status).toBe(EventStatus.PROCESSING)

  const [record] = recordsOf({ ...planned, deliveries: [{ destination, attempts: 1, end: 'delivered' }] }, 1)
  if (record?.kind !== 'attempted') throw new TypeError('one delivery has one record')
  await publishRecords(nats, [{ ...record, number: 5, trigger: 'manual' }])
  await until(async () => (await getEvent(planned)).event!.status === EventStatus.SUCCESS)
  expect((await list()).deadLetters).not.toContainEqual(
    expect.objectContaining({ delivery: letter.delivery }),
  )
})

test('a late record of an earlier attempt does not undo a retry, which would then be handed over twice', async () => {
  const planned = await happened({ attempts: 1, end: 'dead' })
  const retry = { organizationId: organization, eventId: planned.meta.id }
  await store.client.events.retryEvent(retry)
  await publishRecords(nats, recordsOf(planned, 1))
  await publishDead(nats, planned, 1)
  // Each stream is read in order: once these are dead in the log, the records before them have been read.
  const [other, another] = [await happened(undefined), await happened(undefined)]
  const died = { matched: true, deliveries: [{ destination, attempts: 1, end: 'dead' as const }] }
  await publishRecords(nats, recordsOf({ ...other, ...died }, 1))
  await publishDead(nats, { ...another, ...died }, 1)
  for (const event of [other, another])
    await until(async () => (await getEvent(event)).event!.status === EventStatus.FAILED)

  expect((await getEvent(planned)).deliveries).toMatchObject([
    { state: DeliveryState.WAITING, attemptCount: 1 },
  ])
  expect(await reasonOf(store.client.events.retryEvent(retry))).toBe(ErrorReason.DELIVERY_OPEN)
  expect(await handedOver(planned)).toHaveLength(1)
  // The record of the retried attempt decides the delivery's state.
  const [record] = recordsOf({ ...planned, ...died }, 1)
  if (record?.kind !== 'attempted') throw new TypeError('one delivery has one record')
  await publishRecords(nats, [{ ...record, number: 2, trigger: 'manual' }])
  await until(async () => (await getEvent(planned)).event!.status === EventStatus.FAILED)
})

test('an event whose body only its dead letter still holds is retried from there; without a body it can’t be retried', async () => {
  const [kept, gone] = [
    await happened({ attempts: 1, end: 'dead' }),
    await happened({ attempts: 1, end: 'delivered' }),
  ]
  await until(async () => {
    const { deadLetters } = await store.client.events.listDeadLetters({ organizationId: organization })
    return deadLetters.some(({ delivery }) => delivery?.eventId === kept.meta.id)
  })
  const manager = await jetstreamManager(nats)
  await manager.streams.purge('EVENTS')
  const retry = (planned: PlannedEvent) =>
    store.client.events.retryEvent({ organizationId: organization, eventId: planned.meta.id })
  await until(() => retry(kept).catch(() => undefined))
  expect(await handedOver(kept)).toMatchObject([{ stored: { stream: 'DEAD' }, attempt: 2 }])
  expect(await reasonOf(retry(gone))).toBe(ErrorReason.CONTENT_EXPIRED)
  const content = await store.client.events.getEventContent({
    organizationId: organization,
    eventId: gone.meta.id,
  })
  expect(content).toMatchObject({ expired: true, headers: [] })
})

test('a delivery that is on its way is not retried, and neither is an unrouted event', async () => {
  const retry = (planned: PlannedEvent) =>
    reasonOf(store.client.events.retryEvent({ organizationId: organization, eventId: planned.meta.id }))
  expect(await retry(await happened({ attempts: 1, end: 'waiting' }))).toBe(ErrorReason.DELIVERY_OPEN)
  expect(await retry(await happened(undefined))).toBe(ErrorReason.NO_DELIVERIES)
})

test('a discarded dead letter leaves the list; its event stays failed', async () => {
  const planned = await happened({ attempts: 1, end: 'dead' })
  const deliveryId = (await getEvent(planned)).deliveries[0]!.id
  const discard = { organizationId: organization, deliveryId, reason: 'the customer is gone' }
  const { delivery } = await store.client.events.discardDeadLetter(discard)
  expect(delivery).toMatchObject({ state: DeliveryState.DISCARDED, discardReason: 'the customer is gone' })
  await store.client.events.discardDeadLetter(discard)
  const { deadLetters } = await store.client.events.listDeadLetters({ organizationId: organization })
  expect(deadLetters.map(letter => letter.delivery?.id)).not.toContain(deliveryId)
  expect((await getEvent(planned)).event!.status).toBe(EventStatus.FAILED)
})

test('events are listed newest first, filtered, and page by page', async () => {
  const start = Date.now() - 3_600_000
  const planned: PlannedEvent[] = []
  for (let i = 0; i < 5; i++) {
    const type = i % 2 ? 'list.odd' : 'list.even'
    planned.push(
      await happened(i === 4 ? { attempts: 1, end: 'dead' } : undefined, { type, receivedAt: start + i }),
    )
  }
  const list = async (filter: object) => {
    const request = { organizationId: organization, type: 'list.*', ...filter }
    const { events, next } = await store.client.events.listEvents(request)
    return { found: events.map(({ id }) => planned.findIndex(({ meta }) => meta.id === id)), next }
  }
  expect((await list({})).found).toEqual([4, 3, 2, 1, 0])
  expect((await list({ type: 'list.odd' })).found).toEqual([3, 1])
  expect((await list({ status: EventStatus.FAILED })).found).toEqual([4])
  expect((await list({ source: 'github' })).found).toEqual([])
  expect((await list({ q: 'ST.OD' })).found).toEqual([3, 1])
  expect((await list({ q: '%' })).found).toEqual([])
  expect((await list({ q: planned[2]!.meta.id })).found).toEqual([2])
  expect(
    (await list({ after: timestampFromMs(start + 1), before: timestampFromMs(start + 3) })).found,
  ).toEqual([2, 1])
  const first = await list({ limit: 2 })
  const second = await list({ limit: 2, cursor: first.next })
  const third = await list({ limit: 2, cursor: second.next })
  expect([first.found, second.found, third.found, third.next]).toEqual([[4, 3], [2, 1], [0], ''])
  expect(await reasonOf(list({ cursor: 'nonsense' }))).toBe(ErrorReason.INVALID_FIELD)
})

test('an event without a route is shown and found as unrouted, also where its row is older than that status', async () => {
  const type = 'unrouted.test'
  const nowhere = await happened(undefined, { type })
  const somewhere = await happened({ attempts: 1, end: 'delivered' }, { type })
  const before = await happened(undefined, { type })
  const client = new Client({ connectionString: store.postgresUrl })
  await client.connect()
  await client.query("set fairlead.scope = 'platform'")
  const { rowCount } = await client.query("update events set status = 'success' where id = $1", [
    toUuid(before.meta.id),
  ])
  await client.end()
  expect(rowCount).toBe(1)
  for (const planned of [nowhere, before]) {
    expect((await getEvent(planned)).event).toMatchObject({ status: EventStatus.UNROUTED, deliveryCount: 0 })
  }
  const find = async (status: EventStatus) => {
    const { events } = await store.client.events.listEvents({ organizationId: organization, type, status })
    return events.map(({ id }) => id)
  }
  expect((await find(EventStatus.UNROUTED)).toSorted()).toEqual([nowhere.meta.id, before.meta.id].toSorted())
  expect(await find(EventStatus.SUCCESS)).toEqual([somewhere.meta.id])
})

test('an event of several types is found by each of them, in every list, and shows all of them', async () => {
  const types = ['batch.first', 'batch.{"second"}\\', 'batch.third']
  const dead = await happened({ attempts: 1, end: 'dead' }, { type: types[0]!, types })
  const waiting = await happened({ attempts: 1, end: 'waiting' }, { type: types[0]!, types })
  const alone = await happened(undefined, { type: 'batch.third' })
  const of = { organizationId: organization, type: '*third' }
  const ids = async (filter: object) => {
    const { events } = await store.client.events.listEvents({ organizationId: organization, ...filter })
    return events.map(({ id }) => id).toSorted()
  }
  const all = [dead, waiting, alone].map(({ meta }) => meta.id).toSorted()
  expect(await ids({ type: 'batch.third' })).toEqual(all)
  expect(await ids({ type: '*{"second"}\\' })).toEqual([dead.meta.id, waiting.meta.id].toSorted())
  expect(await ids({ q: 'BATCH.THIRD' })).toEqual(all)
  expect((await getEvent(dead)).event!.types).toEqual(types)
  expect((await getEvent(alone)).event!.types).toEqual(['batch.third'])
  const { deadLetters } = await store.client.events.listDeadLetters(of)
  expect(deadLetters.map(({ delivery }) => delivery?.eventId)).toEqual([dead.meta.id])
  const { deliveries } = await store.client.deliveries.listWaitingDeliveries(of)
  expect(deliveries.map(({ delivery }) => delivery?.eventId)).toEqual([waiting.meta.id])
  const { replay } = await store.client.replays.createReplay({
    organizationId: organization,
    dryRun: true,
    selector: { types: ['batch.third'], states: [DeliveryState.DEAD] },
  })
  expect(replay?.matched).toBe(1n)
})

test('sources, secrets and destinations show their last use and their health', async () => {
  const planned = await happened({ attempts: 2, end: 'waiting' }, { receivedAt: Date.now() - 1_000 })
  const { sources } = await store.client.sources.listSources({ organizationId: organization })
  expect(sources[0]!.lastEventAt).toEqual(timestampFromMs(planned.meta.receivedAt))
  expect(sources[0]!.secrets[0]!.lastMatchedAt).toEqual(timestampFromMs(planned.meta.receivedAt))
  const matched = sources[0]!.secrets[0]!.matched
  await happened(undefined, { receivedAt: Date.now() - 600_000 })
  const again = await store.client.sources.listSources({ organizationId: organization })
  expect(again.sources[0]!.secrets[0]).toMatchObject({
    matched: matched + 1n,
    lastMatchedAt: timestampFromMs(planned.meta.receivedAt),
  })
  const { destinations } = await store.client.destinations.listDestinations({ organizationId: organization })
  expect(destinations[0]).toMatchObject({ state: DestinationState.FAILING, lastError: '503' })
  expect(Number(destinations[0]!.waiting)).toBeGreaterThan(0)
})

test('a destination shows the lane state of its newest attempt', async () => {
  const lane = async () => {
    const { destinations } = await store.client.destinations.listDestinations({
      organizationId: organization,
    })
    return destinations[0]!.lane
  }
  const startMs = Date.now()
  const planned = await happened({ attempts: 1, end: 'waiting' }, { receivedAt: startMs })
  const again = async (number: number, found: Pick<AttemptRecord, 'lane'>) => {
    const delivery = { destination, attempts: 9, end: 'waiting' as const }
    const record = anAttempt(planned, delivery, number, 1)
    await publishRecords(nats, [{ ...record, ...found }])
  }
  await again(2, { lane: 'broken' })
  await until(async () => (await lane()) === LaneState.BROKEN, { what: 'a broken lane' })
  await again(3, { lane: 'throttled' })
  await until(async () => (await lane()) === LaneState.THROTTLED, { what: 'a throttled lane' })
  await again(4, {})
  await until(async () => (await lane()) === LaneState.WELL, { what: 'a lane that is well' })
})

test('an imported event is in the log once, with its outcome', async () => {
  const request = {
    organizationId: organization,
    source: 'stripe',
    providerDeliveryId: 'imported-1',
    type: 'customer.created',
    receivedAt: timestampFromMs(Date.now() - 5 * 86_400_000),
    deliveries: [
      {
        destination: 'billing',
        state: DeliveryState.DEAD,
        attempts: [1, 2].map(number => ({
          number,
          durationMs: 80,
          outcome: 'destination_failed',
          status: 500,
          trigger: Trigger.ROUTE,
        })),
      },
    ],
  }
  const first = await store.client.events.createEvent(request)
  expect(first).toMatchObject({ created: true, event: { status: EventStatus.FAILED, deadCount: 1 } })
  expect(await store.client.events.createEvent(request)).toMatchObject({
    created: false,
    event: { id: first.event!.id },
  })
  const { deliveries } = await store.client.events.getEvent({
    organizationId: organization,
    eventId: first.event!.id,
  })
  expect(deliveries[0]!.attempts).toHaveLength(2)
})

test('a quota that is used up is published to receivers', async () => {
  const { organizations } = store.client
  await organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'small.yaml' },
    slug: 'small',
    webhookLimit: 2n,
    sources: [{ name: 'stripe', settings: { provider: 'stripe' } }],
  })
  const get = async () =>
    (await organizations.getOrganization({ by: { case: 'slug', value: 'small' } })).organization!
  const small = (await get()).id as OrganizationId
  for (let i = 0; i < 3; i++) {
    await publishEvent(
      nats,
      anEventMeta({ organization: small, id: eventId(small, 'stripe', { id: `${i}` }) }),
    )
  }
  await until(async () => (await get()).quotaExceeded, { what: 'the quota used up' })
  await until(async () => (await get()).acceptedThisMonth >= 3n, { what: 'all three in the count' })
  expect((await get()).acceptedThisMonth).toBe(3n)
  const manager = await jetstreamManager(nats)
  await until(async () => {
    const message = await manager.streams.getMessage('KV_config', { last_by_subj: `$KV.config.${small}` })
    return message?.json<{ quotaExceeded: boolean }>().quotaExceeded
  })
})

async function reject(of: OrganizationId, name: string, reason: string, offered?: string): Promise<bigint> {
  const fields = headers()
  const meta = {
    organization: of,
    source: name,
    provider: 'stripe',
    receivedAt: Date.now(),
    reason,
    method: 'POST',
    url: '/',
    headers: ['A', 'b'],
    size: 4,
    ...(offered !== undefined && { offered }),
  }
  fields.set(rejectionHeader, encodeRejectionMeta(meta))
  const { seq } = await jetstream(nats).publish(rejectionsSubject(of, name), 'body', { headers: fields })
  return BigInt(seq)
}

test('swallowed repeats are counted on their event and source, and the source says when it swallows new events', async () => {
  const planned = await happened({ attempts: 1, end: 'delivered' }, { receivedAt: Date.now() - 1_000 })
  const key = { organizationId: organization }
  const readSource = async () => (await store.client.sources.listSources(key)).sources[0]!
  const before = (await readSource()).lastHour!
  expect(before.swallowing).toBe(false)
  const at = Date.now()
  // More than a fifth of all, whatever other tests let in.
  const differing = 10 + Number(before.accepted)
  const told = { kind: 'repeated', organization, event: planned.meta.id, sourceId: source } as const
  await publishRecords(nats, [
    { ...told, eventSeq: 1, count: differing, differing, at: at - 5 },
    { ...told, eventSeq: 1, count: 3, differing: 0, at },
  ])
  await until(async () => (await getEvent(planned)).event!.repeatCount === differing + 3, {
    what: 'the repeats',
  })
  expect((await getEvent(planned)).event).toMatchObject({
    differingCount: differing,
    lastRepeatedAt: timestampFromMs(at),
  })
  expect((await readSource()).lastHour).toMatchObject({
    repeated: before.repeated + BigInt(differing + 3),
    differing: before.differing + BigInt(differing),
    swallowing: true,
  })
})

test('a repeat that differs is taken in once as an event of its own, by its own organization', async () => {
  const fields = headers()
  const swallowed = newId('evt', 0)
  const rejection = {
    organization,
    source: 'stripe',
    provider: 'stripe',
    receivedAt: Date.now(),
    reason: 'repeat_differs',
    method: 'POST',
    url: '/webhooks/acme/stripe',
    headers: ['Content-Type', 'application/json'],
    size: 12,
    repeats: { event: swallowed, sourceId: source, revision: 0, type: 'invoice.refunded', secret: 'one' },
  }
  fields.set(rejectionHeader, encodeRejectionMeta(rejection))
  const { seq } = await jetstream(nats).publish(repeatsSubject(organization, 'stripe'), '{"amount":1}', {
    headers: fields,
  })
  const request = { organizationId: organization, id: BigInt(seq) }
  const { rejections } = await store.client.rejections.listRejections({
    organizationId: organization,
    source: 'stripe',
  })
  expect(rejections.find(({ id }) => id === request.id)).toMatchObject({
    reason: 'repeat_differs',
    repeatsEventId: swallowed,
    canBeTakenIn: true,
  })
  const take = (of: string) => store.client.rejections.takeInRejection({ ...request, organizationId: of })
  expect(await reasonOf(take(newId('org', 0)))).toBe(ErrorReason.NOT_FOUND)
  const { eventId: taken } = await take(organization)
  expect(taken).not.toBe(swallowed)
  const which = { organizationId: organization, eventId: taken }
  const found = await until(() => store.client.events.getEvent(which).catch(() => undefined), {
    what: 'the event',
  })
  expect(found!.event).toMatchObject({ type: 'invoice.refunded', source: 'stripe', secretId: 'one' })
  const content = await store.client.events.getEventContent(which)
  expect(Buffer.from(content.body).toString()).toBe('{"amount":1}')
  expect(await reasonOf(take(organization))).toBe(ErrorReason.NOT_FOUND)
  const { auditLogs } = await store.client.audit.listAuditLogs({ organizationId: organization })
  expect(auditLogs.filter(({ action }) => action === 'rejection.taken_in')).toMatchObject([
    { subjectId: taken },
  ])
})

/** Keeps a request of `stripe` as the receiver keeps a swallowed repeat that differs. */
async function swallow(body: string, receivedAt: number): Promise<bigint> {
  const fields = headers()
  const repeats = { event: newId('evt', 0), sourceId: source, revision: 0, type: 'invoice.voided' }
  const meta = { organization, source: 'stripe', provider: 'stripe', receivedAt, repeats }
  const request = { method: 'POST', url: '/webhooks/acme/stripe', headers: [], size: body.length }
  fields.set(rejectionHeader, encodeRejectionMeta({ ...meta, ...request, reason: 'repeat_differs' }))
  const subject = repeatsSubject(organization, 'stripe')
  return BigInt((await jetstream(nats).publish(subject, body, { headers: fields })).seq)
}

test('a take-in that is called again long after its store was killed makes no second event', async () => {
  const receivedAt = Date.now()
  const id = await swallow('{}', receivedAt)
  const taken = eventId(organization, 'stripe', { id: `rejection ${id} of ${receivedAt}` })
  // As a store leaves it that was killed after it published: JetStream has forgotten the id by now, the log has not.
  await publishEvent(nats, anEventMeta({ organization, sourceId: source, source: 'stripe', id: taken }))
  const which = { organizationId: organization, eventId: taken }
  await until(() => store.client.events.getEvent(which).catch(() => undefined), { what: 'the event' })
  const manager = await jetstreamManager(nats)
  const count = async () => (await manager.streams.info('EVENTS')).state.messages
  const before = await count()
  const request = { organizationId: organization, id }
  expect(await store.client.rejections.takeInRejection(request)).toMatchObject({ eventId: taken })
  expect(await count()).toBe(before)
})

test('taken in by several at one time it is one event, and one is told its id', async () => {
  const request = { organizationId: organization, id: await swallow('{"n":1}', Date.now()) }
  const answers = await Promise.all(
    [1, 2, 3].map(() =>
      store.client.rejections
        .takeInRejection(request)
        .then(({ eventId }) => eventId)
        .catch(error => storeErrorDetail(error)?.reason),
    ),
  )
  expect(answers.filter(answer => answer !== ErrorReason.NOT_FOUND)).toHaveLength(1)
})

test('a request that did not verify is never taken in', async () => {
  const id = await reject(organization, 'stripe', 'signature_mismatch')
  const call = store.client.rejections.takeInRejection({ organizationId: organization, id })
  expect(await reasonOf(call)).toBe(ErrorReason.NOT_FOUND)
})

test('a secret that a provider offered is taken once, by its own organization', async () => {
  const keyring = openKeyring(testEncryptionKeys)
  const sealed = keyring.seal('handed-over', sealContext.offeredSecret(organization, 'asana'))
  const [id, refused, foreign] = [
    await reject(organization, 'asana', 'key_unavailable', sealed),
    await reject(organization, 'asana', 'key_unavailable'),
    await reject(organization, 'asana', 'key_unavailable', keyring.seal('x', 'another/context')),
  ]
  const listed = await store.client.rejections.listRejections({
    organizationId: organization,
    source: 'asana',
  })
  expect(listed.rejections.map(({ offersSecret }) => offersSecret)).toEqual([true, false, true])
  const take = (id: bigint, organizationId: string = organization) =>
    store.client.rejections.takeOfferedSecret({ organizationId, id })
  expect(await reasonOf(take(id, newId('org', Date.now())))).toBe(ErrorReason.NOT_FOUND)
  expect(await reasonOf(take(refused))).toBe(ErrorReason.NOT_FOUND)
  expect(await reasonOf(take(foreign))).toBe(ErrorReason.SECRET_UNREADABLE)
  const taken = await Promise.all(
    [1, 2, 3].map(() => take(id).catch(error => storeErrorDetail(error)?.reason)),
  )
  expect(taken.filter(answer => answer !== ErrorReason.NOT_FOUND)).toMatchObject([
    { source: 'asana', value: 'handed-over' },
  ])
  expect(await reasonOf(take(id))).toBe(ErrorReason.NOT_FOUND)
  const left = await store.client.rejections.listRejections({ organizationId: organization, source: 'asana' })
  expect(left.rejections.map(rejection => rejection.id)).toEqual([foreign, refused])
  const manager = await jetstreamManager(nats)
  await manager.streams.purge('REJECTIONS')
})

test('rejections are listed newest first, of one organization only', async () => {
  await reject(organization, 'stripe', 'signature_missing')
  await reject(organization, 'github', 'signature_mismatch')
  await reject(newId('org', Date.now()), 'stripe', 'key_unknown')
  const list = (filter: object) =>
    store.client.rejections.listRejections({ organizationId: organization, ...filter })
  expect((await list({})).rejections.map(({ reason }) => reason)).toEqual([
    'signature_mismatch',
    'signature_missing',
  ])
  const [one] = (await list({ source: 'stripe' })).rejections
  expect(one).toMatchObject({ source: 'stripe', headers: [{ name: 'A', value: 'b' }], sizeBytes: 4n })
  expect(Buffer.from(one!.body).toString()).toBe('body')
  expect((await list({ source: 'nothing' })).rejections).toEqual([])
})
