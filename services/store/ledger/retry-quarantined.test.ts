import { timestampDate } from '@bufbuild/protobuf/wkt'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type EventId, eventId, type OrganizationId, type SourceId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { ledgerDestination } from '@fairlead/wire/ledger'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { dueSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishEvent, publishRecords } from '../project/fixture/publish-story.ts'
import { anEventMeta, type PlannedEvent, recordsOf } from '../project/fixture/story.ts'

const opened = new AsyncDisposableStack()
const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
let store: TestStore
let nats: NatsConnection
beforeAll(async () => {
  store = opened.use(await startTestStore())
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string) {
  const { organization, sources } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
    sources: [
      { name: 'stripe', settings: { provider: 'stripe' }, secrets: [{ id: 'one', value: 'test-secret' }] },
    ],
  })
  return { organization: organization!.id as OrganizationId, source: sources[0]!.id as SourceId }
}

/** Quarantines an event as the worker does that can't read it. */
const quarantine = (organizationId: OrganizationId, id: EventId) =>
  store.client.ledger.recordFacts({
    organizationId,
    events: [
      {
        eventId: id,
        source: 'stripe',
        provider: 'stripe',
        type: 'brand_new.thing',
        mode: 'live',
        quarantined: 'unknown_type',
      },
    ],
  })

/** An event in the log that was delivered to the ledger, which could not read it. Answers where its body is in EVENTS besides. */
async function unreadable(
  { organization, source }: Awaited<ReturnType<typeof anOrganization>>,
  name: string,
): Promise<{ id: EventId; seq: number }> {
  const id = eventId(organization, 'stripe', { id: name })
  const meta = anEventMeta({ organization, sourceId: source, id, receivedAt: Date.now() - 60_000 })
  const destination = ledgerDestination(organization).id
  const planned: PlannedEvent = {
    meta,
    matched: true,
    deliveries: [{ destination, attempts: 1, end: 'delivered' }],
  }
  const seq = await publishEvent(nats, meta)
  await publishRecords(nats, recordsOf(planned, seq))
  await quarantine(organization, id)
  await until(async () => {
    const asked = { organizationId: organization, eventId: id }
    const { deliveries } = await store.client.events.getEvent(asked).catch(() => ({ deliveries: [] }))
    return deliveries.length === 1
  })
  return { id, seq }
}

test('events that come back while others of the same retry are handed over do not leave the quarantine for ever', async () => {
  const of = await anOrganization('acme')
  const organizationId = of.organization
  const odd = await Promise.all(Array.from({ length: 12 }, (_, index) => unreadable(of, `odd-${index}`)))
  const ids = odd.map(({ id }) => id)
  const comingBack: Promise<unknown>[] = []
  nats.subscribe(dueSubject(organizationId, ledgerDestination(organizationId).id), {
    callback(_, { data }) {
      comingBack.push(quarantine(organizationId, decodeDelivery(data).event))
    },
  })
  await nats.flush()
  const askedAt = new Date()
  const answer = await store.client.ledger.retryLedgerQuarantine({ organizationId, change })
  expect(answer).toMatchObject({ retried: 12, skipped: 0, left: 0 })
  await until(() => comingBack.length === ids.length)
  await Promise.all(comingBack)
  const { events } = await store.client.ledger.listLedgerQuarantine({ organizationId })
  expect(events.map(event => event.eventId).toSorted()).toEqual(ids.toSorted())
  for (const { seenAt } of events) expect(timestampDate(seenAt!) >= askedAt).toBe(true)
}, 180_000)

test('an event whose body is no longer kept stays in the quarantine, and those beside it are read again', async () => {
  const of = await anOrganization('bolt')
  const organizationId = of.organization
  await unreadable(of, 'kept')
  const gone = await unreadable(of, 'gone')
  await (await jetstreamManager(nats)).streams.deleteMessage('EVENTS', gone.seq)
  await unreadable(of, 'kept-too')
  const answer = await store.client.ledger.retryLedgerQuarantine({ organizationId, change })
  expect(answer).toMatchObject({ retried: 2, skipped: 1, left: 0 })
  const { events } = await store.client.ledger.listLedgerQuarantine({ organizationId })
  expect(events.map(event => event.eventId)).toEqual([gone.id])
}, 180_000)
