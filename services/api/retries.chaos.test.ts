import { setTimeout as delay } from 'node:timers/promises'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { decodeDelivery } from '@fairlead/wire/delivery'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
const trials = 100
const failuresPerSecond = 50

let api: TestApi
let nats: NatsConnection
let publish: Publishing

beforeAll(async () => {
  api = await openTestApi()
  const acme = await anOrganization(api.store, 'acme')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

const dead = {
  outcome: 'destination_failed',
  status: 500,
  settlement: { kind: 'dead', reason: 'attempts_exhausted' },
} as const

/** Events whose deliveries die, 50 a second, until it is told to stop. */
function beginFailing() {
  const ids = new Set<string>()
  const ended = new AbortController()
  const failing = (async () => {
    for (let count = 0; !ended.signal.aborted; count++) {
      ids.add(await publish.event(`failing ${count}`))
      await publish.attempt(`failing ${count}`, 'billing', dead)
      await delay(1_000 / failuresPerSecond)
    }
  })()
  return {
    ids,
    async [Symbol.asyncDispose]() {
      ended.abort()
      await failing
    },
  }
}

/** Events whose deliveries were handed over to workers since it was last asked. */
function openHandedOver() {
  let seen = 0
  return async (): Promise<string[]> => {
    const manager = await jetstreamManager(nats)
    const { state } = await manager.streams.info('DELIVERIES')
    const events: string[] = []
    for (let seq = Math.max(seen + 1, state.first_seq); seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage('DELIVERIES', { seq })
      if (message?.subject.startsWith('deliveries.due.')) events.push(decodeDelivery(message.data).event)
    }
    seen = state.last_seq
    return events
  }
}

test(`${failuresPerSecond} failures a second arrive while a retry of all is planned and started, ${trials} times: another is tried than was planned`, async () => {
  await using failing = beginFailing()
  const { ids } = failing
  const handedOver = openHandedOver()
  const tried = new Set<string>()
  let surplus = 0
  for (let trial = 0; trial < trials; trial++) {
    const plan = await until(
      async () => {
        // Faster than deliveries die: each retry would take longer than the one before.
        const asked = { filter: {}, ratePerSecond: 1_000, dryRun: true }
        const { body } = await api.call('POST', `${base}/retries`, { body: asked })
        return body.planned > 0 && body
      },
      { what: 'something to retry', everyMs: 50 },
    )
    // All that had died when the plan was answered: nothing else may be in it.
    const died = new Set(ids)
    await until(() => ids.size >= died.size + 3, { what: 'failures after the plan' })
    const { body: started } = await api.call('POST', `${base}/retries/${plan.id}/start`)
    surplus += started.later.count
    const done = await until(
      async () => {
        const { body } = await api.call('GET', `${base}/retries/${plan.id}`)
        return body.state === 'completed' && body
      },
      { what: 'the end of a retry', deadlineMs: 120_000, everyMs: 20 },
    )
    const events = await handedOver()
    expect(done.published + done.skipped).toBe(plan.planned)
    expect(events).toHaveLength(done.published)
    expect(events.filter(id => !died.has(id) || tried.has(id))).toEqual([])
    for (const id of events) tried.add(id)
  }
  console.info(`${tried.size} of ${ids.size} tried in ${trials} retries; ${surplus} told as later`)
  // While a plan was looked at, more died, and it said so.
  expect(surplus).toBeGreaterThan(0)
})
