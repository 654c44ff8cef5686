import { scriptedLife } from '@fairlead/testbed/billing/scripted-life'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { billingNoticeTypes } from '@fairlead/wire/notice'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { eventSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordEvents } from './fixtures/record-life.ts'
import { type StripeEvent, stripeLife } from './fixtures/stripe-life.ts'
import { ledgerSource } from './tell-changes.ts'

const opened = new AsyncDisposableStack()
let store: TestStore
let nats: NatsConnection

beforeAll(async () => {
  store = opened.use(await startTestStore())
  nats = await connectNats({ url: store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
})
afterAll(() => opened.disposeAsync())

async function anOrganization(slug: string) {
  const { organization, destinations } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
    destinations: [{ name: 'app', settings: { url: 'https://app.example/hooks' } }],
  })
  return { id: organization!.id as OrganizationId, destinationId: destinations[0]!.id }
}
type Told = Awaited<ReturnType<typeof anOrganization>>

const listen = ({ id, destinationId }: Told, types: readonly string[]) =>
  store.client.notifications.putNotifications({
    organizationId: id,
    notifications: { destinationId, types: [...types] },
  })

/** What the organization was told, in order, once nothing is due any more. */
async function told({ id }: Told): Promise<{ type: string; previous: string | null; status: string }[]> {
  await until(
    async () => {
      const due = await store.query(
        'select from ledger_outbox where organization_id = $1 and due_at is not null',
        [toUuid(id)],
      )
      return due.length === 0
    },
    { what: 'an outbox with nothing due' },
  )
  const { streams } = await jetstreamManager(nats)
  const { state } = await streams.info('EVENTS')
  const found = []
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    const message = await streams.getMessage('EVENTS', { seq })
    if (message?.subject !== eventSubject(id, ledgerSource)) continue
    const { type, data } = message.json<{ type: string; data: { previousStatus: string; status: string } }>()
    found.push({ type, previous: data.previousStatus, status: data.status })
  }
  return found
}

const of = (life: readonly StripeEvent[], type: string) => life.filter(event => event.type === type)

test('whoever listens only later is told what changes from then on, and not what was so before', async () => {
  const organization = await anOrganization('later')
  const { start, events: life } = scriptedLife({ name: 'later' })
  await recordEvents(store, organization.id, start, { size: 50 })
  expect(await told(organization)).toEqual([])
  const rows = await store.query(
    `select kind, told_status, told_digest from ledger_outbox where organization_id = $1 and kind in ('subscription', 'invoice')
     order by kind`,
    [toUuid(organization.id)],
  )
  expect(rows).toEqual([
    { kind: 'invoice', told_status: 'paid', told_digest: null },
    { kind: 'subscription', told_status: 'active', told_digest: null },
  ])
  await listen(organization, billingNoticeTypes)
  await recordEvents(store, organization.id, of(life, 'customer.subscription.deleted'))
  expect(await told(organization)).toEqual([
    { type: 'subscription.canceled', previous: 'active', status: 'canceled' },
  ])
})

test('who listens to one kind is told of it alone, and the others stay settled', async () => {
  const organization = await anOrganization('invoices')
  await listen(organization, ['invoice.paid'])
  await recordEvents(store, organization.id, stripeLife({ name: 'invoices' }), { size: 50 })
  const types = (await told(organization)).map(({ type }) => type)
  expect(new Set(types)).toEqual(new Set(['invoice.paid']))
  expect(types.length).toBeGreaterThan(0)
})

test('a late event that changes the past alone is told as such to who listens to that, and to nobody else', async () => {
  const [both, neither] = [await anOrganization('past'), await anOrganization('present')]
  await listen(both, ['subscription.updated', 'subscription.history_changed'])
  await listen(neither, ['subscription.updated'])
  for (const organization of [both, neither]) {
    const life = stripeLife({ name: 'past' })
    const moved = of(life, 'customer.subscription.updated').at(-1)!
    await recordEvents(
      store,
      organization.id,
      life.filter(event => event !== moved),
      { size: 50 },
    )
    const before = await told(organization)
    await recordEvents(store, organization.id, [moved])
    const since = (await told(organization)).slice(before.length).map(({ type }) => type)
    expect(since).toEqual(organization === both ? ['subscription.history_changed'] : [])
  }
})
