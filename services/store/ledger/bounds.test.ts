import { mostFolded } from '@fairlead/ledger/weight'
import { scriptedLife } from '@fairlead/testbed/billing/scripted-life'
import { crowding } from '@fairlead/testbed/crowding'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { until } from '@fairlead/testbed/until'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { LedgerResource } from '@fairlead/wire/store/ledger'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { dumpLedger, recordEvents } from './fixtures/record-life.ts'
import { type StripeEvent, stripeLife } from './fixtures/stripe-life.ts'

const opened = new AsyncDisposableStack()
let store: TestStore

beforeAll(async () => {
  store = opened.use(await startTestStore())
})
afterAll(() => opened.disposeAsync())

/** @param told the types of changes that it is told */
async function anOrganization(slug: string, told: readonly string[] = []): Promise<OrganizationId> {
  const { organization, destinations } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: `${slug}.yaml` },
    slug,
    ledgerEnabled: true,
    destinations: [{ name: 'app', settings: { url: 'https://app.example/hooks' } }],
  })
  const organizationId = organization!.id
  if (told.length > 0) {
    const notifications = { destinationId: destinations[0]!.id, types: [...told] }
    await store.client.notifications.putNotifications({ organizationId, notifications })
  }
  return organizationId as OrganizationId
}

/** An active subscription, updated so often, so many times in each second. */
function updates(
  count: number,
  inOneSecond: number,
  change: (index: number) => object,
  before: (index: number) => object,
): StripeEvent[] {
  const { start } = scriptedLife({ name: 'hot' })
  const active = start.findLast(({ type }) => type === 'customer.subscription.updated')!
  return Array.from(
    { length: count },
    (_, index): StripeEvent => ({
      ...active,
      id: `evt_hot_${String(index).padStart(6, '0')}`,
      created: active.created + 60 + Math.floor(index / inOneSecond),
      data: {
        object: { ...active.data.object, ...change(index) },
        previous_attributes: { ...before(index) },
      },
    }),
  )
}

const end = (index: number) => ({ cancel_at: 1_800_000_000 + index })
const telling = (count: number, inOneSecond: number) =>
  updates(count, inOneSecond, end, index => end(index - 1))

const rowOf = async (organizationId: OrganizationId) =>
  (
    await store.client.ledger.getLedgerRow({
      organizationId,
      resource: LedgerResource.SUBSCRIPTIONS,
      id: 'sub_hot',
    })
  ).row?.fields

test('of an object with more facts than are folded the newest count, all are kept, and the row says that it is not complete', async () => {
  const [inOrder, reversed] = [await anOrganization('in-order'), await anOrganization('reversed')]
  const events = telling(mostFolded + 100, 1)
  await recordEvents(store, inOrder, events, { size: 220 })
  await recordEvents(store, reversed, events.toReversed(), { size: 300 })
  expect(await rowOf(inOrder)).toMatchObject({
    complete: false,
    anomalies: { too_many_facts: 1 },
    cancelAt: (1_800_000_000 + mostFolded + 99) * 1_000,
  })
  const [kept] = await store.query(
    "select count(*) from ledger_facts where organization_id = $1 and object_id = 'sub_hot'",
    [toUuid(inOrder)],
  )
  expect(Number(kept!.count)).toBeGreaterThanOrEqual(events.length)
  expect(await dumpLedger(store, reversed)).toBe(await dumpLedger(store, inOrder))
  const change = { actorId: 'test', requestSha256: new Uint8Array(32) }
  await store.client.ledger.rebuildLedger({ organizationId: inOrder, change })
  expect(await dumpLedger(store, inOrder)).toBe(await dumpLedger(store, reversed))
}, 240_000)

test('facts that change nothing push none out of the history, however many they are', async () => {
  const organization = await anOrganization('metadata')
  const life = stripeLife({ name: 'hot' })
  const seen = (index: number) => ({ metadata: { seen: String(index) } })
  const silent = updates(mostFolded + 100, 1, seen, index => seen(index - 1))
  await recordEvents(store, organization, life, { size: 40 })
  const before = await store.query(
    "select * from ledger_transitions where organization_id = $1 and id = 'sub_hot' order by position",
    [toUuid(organization)],
  )
  await recordEvents(store, organization, silent, { size: 300 })
  expect(await rowOf(organization)).toMatchObject({ complete: true, anomalies: {}, status: 'canceled' })
  const after = await store.query(
    "select * from ledger_transitions where organization_id = $1 and id = 'sub_hot' order by position",
    [toUuid(organization)],
  )
  expect(after).toEqual(before)
}, 240_000)

test("a tenant whose object has all the facts that are folded, in crowded seconds, does not hold up another one's", async () => {
  const [hot, neighbour] = [await anOrganization('hot'), await anOrganization('neighbour')]
  const events = telling(mostFolded + 200, 12)
  await recordEvents(store, hot, events.slice(0, mostFolded), { size: 250 })
  let busy = true
  const hold = async (): Promise<void> => {
    for (const event of events.slice(mostFolded)) {
      if (!busy) return
      await recordEvents(store, hot, [event])
    }
  }
  const holding = hold()
  const times: number[] = []
  for (const event of stripeLife({ name: 'neighbour' }).slice(0, 12)) {
    const startMs = performance.now()
    await recordEvents(store, neighbour, [event])
    times.push(performance.now() - startMs)
  }
  busy = false
  await holding
  // In one piece a fold of these took seconds; the half of the neighbour's calls that were slower would each have waited for one.
  expect(times.toSorted((a, b) => a - b)[6]).toBeLessThan(2_000 * crowding())
}, 240_000)

test('changes are told while facts of their account come without a break', async () => {
  const organization = await anOrganization('busy', ['customer.created'])
  const events = telling(40, 1)
  await recordEvents(store, organization, stripeLife({ name: 'hot' }).slice(0, 10))
  let busy = true
  const hold = async (): Promise<void> => {
    while (busy) for (const event of events) if (busy) await recordEvents(store, organization, [event])
  }
  const holding = Promise.all([hold(), hold(), hold()])
  try {
    await until(
      async () => {
        const told = await store.query(
          "select from ledger_outbox where organization_id = $1 and kind = 'customer' and told > 0",
          [toUuid(organization)],
        )
        return told.length > 0
      },
      { what: 'a change that is told', deadlineMs: 60_000 },
    )
  } finally {
    busy = false
    await holding
  }
})
