import { fromBinary } from '@bufbuild/protobuf'
import { startTestNats } from '@fairlead/testbed/nats'
import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { encodeLedgerFactsAnswer, ledgerFactsSubject } from '@fairlead/wire/ledger'
import { RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type FactBatches, openFactBatches } from './record-facts.ts'

const opened = new AsyncDisposableStack()
let batches: FactBatches
/** The ids of each request's events, by organization. */
const requests = new Map<string, string[][]>()

beforeAll(async () => {
  const { url } = opened.use(await startTestNats())
  const store = await connectNats({ url, name: 'store' })
  opened.defer(() => store.close())
  store.subscribe(ledgerFactsSubject, {
    callback: (_, message) => {
      const { organizationId, events } = fromBinary(RecordFactsRequestSchema, message.data)
      const ids = events.map(({ eventId }) => eventId)
      requests.set(organizationId, [...(requests.get(organizationId) ?? []), ids])
      message.respond(encodeLedgerFactsAnswer({ kind: 'recorded' }))
    },
  })
  await store.flush()
  const nats = await connectNats({ url, name: 'worker' })
  opened.defer(() => nats.close())
  batches = openFactBatches(nats)
})
afterAll(() => opened.disposeAsync())

const anOrganization = (): OrganizationId => newId('org', Date.now())
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `evt_${index}`)
const record = (organization: OrganizationId, count: number) =>
  ids(count).map(eventId => batches.record(organization, { eventId }))

test('events that follow each other go to the store together, each once, and neither the first nor another tenant waits for them', async () => {
  const [busy, other] = [anOrganization(), anOrganization()]
  await Promise.all([...record(busy, 40), ...record(other, 1)])
  expect(requests.get(busy)).toEqual([['evt_0'], ids(40).slice(1)])
  expect(requests.get(other)).toEqual([['evt_0']])
})

test('a request that is full waits for nobody', async () => {
  // No time passes, so that nothing goes because its time has come.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const organization = anOrganization()
  await Promise.all(record(organization, 201))
  expect(requests.get(organization)?.map(({ length }) => length)).toEqual([1, 200])
})
