import { startTestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { newId, type OrganizationId, type SourceId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { publishPromoted } from './carry-out.ts'

/*
 * A store is killed after it wrote a promotion down. Where it was on its way shows in what it left: the row alone; the event
 * too; the event, and the record erased.
 */
test('promotions that a killed store left are carried out by the next: each is one event', async () => {
  await using store = await startTestStore()
  await using opened = new AsyncDisposableStack()
  const nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  const manager = await jetstreamManager(nats)
  const js = jetstream(nats)
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'acme.yaml#acme' },
    slug: 'acme',
    sources: [
      { name: 'github', settings: { provider: 'github' }, secrets: [{ id: 'one', value: 'test-only' }] },
    ],
  })
  const id = organization!.id as OrganizationId
  const { sources } = await store.client.sources.listSources({ organizationId: id })
  const source = sources[0]!.id as SourceId
  const receivedAt = Date.now() - 3_600_000

  async function left(isPublished: boolean, isErased: boolean): Promise<string> {
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
    const facts = { reason: 'signature_mismatch', headers: [], size: 2 }
    fields.set(rejectionHeader, encodeRejectionMeta({ ...meta, ...facts }))
    const { seq } = await js.publish(rejectionsSubject(id, 'github'), '{}', { headers: fields })
    if (isPublished) {
      const verified = { sourceId: source, revision: 1, type: 'push' }
      const rejection = { seq, meta: { ...meta, ...facts }, body: Buffer.from('{}') }
      await publishPromoted(nats, id, event, rejection, verified)
    }
    if (isErased) await manager.streams.deleteMessage('REJECTIONS', seq)
    await store.query(
      `insert into promotions (organization_id, rejection, received_at, event_id, source, facts, created_at)
       values ($1, $2, $3, $4, 'github', $5, now() - interval '1 minute')`,
      [
        toUuid(id),
        seq,
        new Date(receivedAt),
        toUuid(event),
        JSON.stringify({ sourceId: source, revision: 1, type: 'push' }),
      ],
    )
    return event
  }

  const events = [await left(false, false), await left(true, false), await left(true, true)]
  await until(async () => (await store.query('select from promotions where done_at is null')).length === 0, {
    what: 'the promotions carried out',
    deadlineMs: 30_000,
  })
  const { state } = await manager.streams.info('EVENTS')
  expect(state.messages).toBe(3)
  for (const eventId of events) {
    const found = await until(
      () => store.client.events.getEvent({ organizationId: id, eventId }).catch(() => undefined),
      { what: 'the event in the log' },
    )
    expect(found!.event).toMatchObject({ source: 'github', type: 'push' })
  }
  expect((await manager.streams.info('REJECTIONS')).state.messages).toBe(0)
}, 60_000)
