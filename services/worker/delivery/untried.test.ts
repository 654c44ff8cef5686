import { fromBinary } from '@bufbuild/protobuf'
import { putConfiguration } from '@fairlead/testbed/configuration'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { encodeLedgerFactsAnswer, type LedgerFactsAnswer, ledgerFactsSubject } from '@fairlead/wire/ledger'
import { type RecordFactsRequest, RecordFactsRequestSchema } from '@fairlead/wire/store/ledger'
import { expect, test } from 'vitest'
import { attemptsOf, openPlatform, startWorker } from '../fixtures/platform.ts'

/** Answers facts as a store does, and keeps what it was given. */
async function answerFacts(url: string, answer: (request: RecordFactsRequest) => LedgerFactsAnswer) {
  const nats = await connectNats({ url, name: 'store' })
  const requests: RecordFactsRequest[] = []
  nats.subscribe(ledgerFactsSubject, {
    callback: (_, message) => {
      const request = fromBinary(RecordFactsRequestSchema, message.data)
      requests.push(request)
      message.respond(encodeLedgerFactsAnswer(answer(request)))
    },
  })
  await nats.flush()
  return { requests, [Symbol.asyncDispose]: () => nats.close() }
}

const withLedger = async () => {
  const opened = await openPlatform({ destinations: [] })
  await putConfiguration(opened.nats, { ...opened.organization, routes: [], ledger: true })
  return opened
}

const customer = (id: string) =>
  JSON.stringify({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-08-26.dahlia',
    created: 1_772_323_200,
    livemode: true,
    type: 'customer.created',
    data: { object: { id: `cus_${id}`, object: 'customer', created: 1_772_323_200, email: 'a@b.example' } },
  })
const stripe = { provider: 'stripe', source: 'stripe', type: 'customer.created', revision: 2 }

test('deliveries to the ledger wait while no store answers, and spend no attempt', async () => {
  await using opened = await withLedger()
  await using worker = await startWorker(opened.server.url)
  const ids = await Promise.all(
    ['1', '2', '3', '4', '5', '6', '7'].map(id => opened.publish(customer(id), stripe)),
  )
  await until(async () => (await opened.manager.streams.info('DELIVERIES')).state.messages >= ids.length, {
    what: 'parked deliveries',
  })
  expect((await opened.records()).filter(record => 'outcome' in record)).toEqual([])
  await using store = await answerFacts(opened.server.url, () => ({ kind: 'recorded' }))
  for (const id of ids) {
    const [attempt, ...others] = await until(
      async () => {
        const all = attemptsOf(await opened.records(), id)
        return all.length > 0 && all
      },
      { what: 'an attempt in the log', deadlineMs: 60_000 },
    )
    expect([attempt, others]).toMatchObject([{ outcome: 'delivered', number: 1 }, []])
  }
  expect(worker.worker.mayStart).toBe(true)
  const facts = store.requests.flatMap(({ events }) => events.flatMap(({ facts }) => facts))
  expect(new Set(facts.map(({ objectId }) => objectId)).size).toBe(ids.length)
  expect(facts.every(({ json }) => !json.includes('@'))).toBe(true)
})

test('a store that is away for Postgres counts as no attempt, and a refusal as one', async () => {
  await using opened = await withLedger()
  await using _worker = await startWorker(opened.server.url)
  let asked = 0
  await using _store = await answerFacts(opened.server.url, () => {
    asked++
    if (asked < 3) return { kind: 'away', reason: 'test' }
    return asked === 3 ? { kind: 'refused', reason: 'test' } : { kind: 'recorded' }
  })
  const id = await opened.publish(customer('1'), stripe)
  const attempts = await until(
    async () => {
      const all = attemptsOf(await opened.records(), id)
      return all.length === 2 && all
    },
    { what: 'two attempts in the log', deadlineMs: 60_000 },
  )
  expect(attempts.map(({ outcome, number }) => [outcome, number])).toEqual([
    ['processor_failed', 1],
    ['delivered', 2],
  ])
})

test('one event that a store refuses fails alone, and none of its batch with it', async () => {
  await using opened = await withLedger()
  await using store = await answerFacts(opened.server.url, ({ events }) =>
    events.some(event => event.facts.some(({ objectId }) => objectId === 'cus_bad'))
      ? { kind: 'refused', reason: 'test' }
      : { kind: 'recorded' },
  )
  await using _worker = await startWorker(opened.server.url)
  const names = ['a', 'b', 'bad', 'c', 'd', 'e']
  const ids = await Promise.all(names.map(name => opened.publish(customer(name), stripe)))
  const outcomes = await until(
    async () => {
      const records = await opened.records()
      const found = ids.map(id => attemptsOf(records, id)[0]?.outcome)
      return found.every(outcome => outcome !== undefined) && found
    },
    { what: 'an attempt of each', deadlineMs: 60_000 },
  )
  expect(outcomes).toEqual(names.map(name => (name === 'bad' ? 'processor_failed' : 'delivered')))
  expect(store.requests.length).toBeGreaterThan(0)
})

test('what is no billing event goes to no ledger, and what can not be read is handed over as quarantined', async () => {
  await using opened = await withLedger()
  await using store = await answerFacts(opened.server.url, () => ({ kind: 'recorded' }))
  await using _worker = await startWorker(opened.server.url)
  await opened.publish('{"action":"opened"}', { revision: 2 })
  const id = await opened.publish('no JSON', stripe)
  await until(async () => attemptsOf(await opened.records(), id).length > 0, { what: 'an attempt' })
  expect(store.requests.flatMap(({ events }) => events.map(({ quarantined }) => quarantined))).toEqual([
    'not_json',
  ])
})
