import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { startTestStore, type TestStore } from '@fairlead/testbed/store'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { OwnerKind } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'

let store: TestStore
let organizationId: string
beforeAll(async () => {
  store = await startTestStore()
  const { organization } = await store.client.organizations.applyOrganization({
    owner: { kind: OwnerKind.FILE, reference: 'many.yaml' },
    slug: 'many',
    retentionDays: 10,
    sources: [{ name: 'stripe', settings: { provider: 'stripe' } }],
    destinations: [{ name: 'billing', settings: { url: 'https://billing.example/' } }],
  })
  organizationId = organization!.id
})
afterAll(async () => await store?.[Symbol.asyncDispose]())

const dayMs = 86_400_000
const startMs = Date.now() - 9 * dayMs
const event = (i: number, facts: { source?: string } = {}) => ({
  source: 'stripe',
  providerDeliveryId: `delivery ${i}`,
  type: `type.${i % 3}`,
  receivedAt: timestampFromMs(startMs + i * 1_000_000),
  deliveries: [
    {
      destination: 'billing',
      state: i % 5 === 0 ? DeliveryState.DEAD : DeliveryState.DELIVERED,
      attempts: [1, 2].map(number => ({ number, durationMs: 5, outcome: 'delivered', status: 200 })),
    },
  ],
  ...facts,
})
const count = async () => {
  const { events } = await store.client.events.listEvents({ organizationId, limit: 500 })
  return events
}

test('many events over many days, each once, however often they come', async () => {
  const events = Array.from({ length: 300 }, (_, i) => event(i))
  const again = { ...event(7), receivedAt: timestampFromMs(startMs) }
  expect(
    await store.client.events.createEvents({ organizationId, events: [...events, again] }),
  ).toMatchObject({
    created: 300,
  })
  expect(await store.client.events.createEvents({ organizationId, events })).toMatchObject({ created: 0 })
  const listed = await count()
  expect(listed).toHaveLength(300)
  expect(listed.filter(({ status }) => status === EventStatus.FAILED)).toHaveLength(60)
  const { deliveries } = await store.client.events.getEvent({ organizationId, eventId: listed[0]!.id })
  expect(deliveries).toMatchObject([{ destination: 'billing', attemptCount: 2 }])
  expect(deliveries[0]!.attempts.map(({ number }) => number)).toEqual([1, 2])
})

test('one event that can not be added keeps out all, and is named', async () => {
  const before = (await count()).length
  const events = [event(400), event(401, { source: 'nowhere' })]
  await expect(store.client.events.createEvents({ organizationId, events })).rejects.toThrow(
    /events\[1\]\.source/,
  )
  expect(await count()).toHaveLength(before)
})

test.each([0, 1001])('%i events are not 1 to 1000', async length => {
  const events = Array.from({ length }, (_, i) => event(i))
  await expect(store.client.events.createEvents({ organizationId, events })).rejects.toThrow(/1 to 1000/)
})
