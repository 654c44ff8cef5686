import { createHmac } from 'node:crypto'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestRedis } from '@fairlead/testbed/redis'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { eventSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { receiverConfig } from '../config.ts'
import { openReceiver } from '../receiver.ts'

/** Repeats of a webhook, over HTTP, after JetStream has forgotten the first. */

const secret = 'test-secret'
const github = { provider: 'github', secrets: [secret] }
const organization = anOrganization('acme', {
  sources: [
    { name: 'github', ...github },
    { name: 'every', ...github, deduplicate: false },
  ],
})
const neighbour = anOrganization('neighbour', { sources: [{ name: 'github', ...github }] })

interface Answer {
  readonly status: number
  readonly id: string
  readonly duplicate: boolean
}

async function startServers() {
  await using cleanup = new AsyncDisposableStack()
  const server = cleanup.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  cleanup.defer(() => nats.close())
  await putConfiguration(nats, organization, neighbour)
  const manager = await jetstreamManager(nats)
  const held = cleanup.move()
  return {
    nats,
    manager,
    url: server.url,
    stored: async () => (await manager.streams.info('EVENTS')).state.messages,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
type Servers = Awaited<ReturnType<typeof startServers>>

async function openAgain({ url, nats, manager }: Servers, redisUrl: string | undefined, waitMs = 1_000) {
  const config = receiverConfig.parse({
    FAIRLEAD_NATS_URL: url,
    FAIRLEAD_RECEIVER_PORT: '0',
    FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    FAIRLEAD_REDIS_URL: redisUrl,
    FAIRLEAD_SEEN_WAIT_MS: `${waitMs}`,
  })
  const registry = new Registry()
  const fetchKey = async () => Promise.reject(new Error('no key is fetched in this test'))
  const log = pino({ level: 'silent' })
  const receiver = await openReceiver(config, { nats, registry, log, fetchKey })
  // The shortest window that JetStream has; a receiver that starts sets the usual one again.
  await manager.streams.update('EVENTS', { duplicate_window: 100_000_000 })
  const metric = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = await registry.getSingleMetric(name)!.get()
    return values
      .filter(value => Object.entries(labels).every(([key, text]) => value.labels[key] === text))
      .reduce((sum, { value }) => sum + value, 0)
  }
  const opened = {
    metric,
    async post(delivery: string, path = 'acme/github'): Promise<Answer> {
      const body = '{}'
      const response = await fetch(`http://127.0.0.1:${receiver.port}/webhooks/${path}`, {
        method: 'POST',
        body,
        headers: {
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
          'x-github-delivery': delivery,
        },
      })
      return { status: response.status, ...((await response.json()) as { id: string; duplicate: boolean }) }
    },
    up: () => until(async () => (await metric('fairlead_seen_up')) === 1, { what: 'Redis found' }),
    written: () =>
      until(async () => (await metric('fairlead_seen_waiting_ids')) === 0, { what: 'all ids written' }),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  }
  if (redisUrl) await opened.up()
  return opened
}

/** What was published before this has left JetStream's memory. */
async function windowPassed({ nats, manager }: Servers): Promise<void> {
  const probe = eventSubject(organization.id, 'probe')
  const publish = async () => (await jetstream(nats).publish(probe, '', { msgID: probe })).duplicate
  expect(await publish()).toBe(false)
  await until(async () => !(await publish()), { what: "the end of JetStream's window" })
  await manager.streams.purge('EVENTS', { filter: probe })
}

test("without Redis, a repeat after JetStream's window is a second event", async () => {
  await using servers = await startServers()
  await using receiver = await openAgain(servers, undefined)
  const first = await receiver.post('d-1')
  await windowPassed(servers)
  expect(await receiver.post('d-1')).toEqual(first)
  expect(await servers.stored()).toBe(2)
})

test('with Redis, a repeat is answered as a duplicate after the window and after every restart', async () => {
  await using servers = await startServers()
  await using redis = await startTestRedis()
  let first: Answer
  {
    await using receiver = await openAgain(servers, redis.url)
    first = await receiver.post('d-1')
    expect(first).toMatchObject({ status: 200, duplicate: false })
    await receiver.written()
    await windowPassed(servers)
    expect(await receiver.post('d-1')).toEqual({ ...first, duplicate: true })
    expect(
      await receiver.metric('fairlead_duplicates_suppressed_total', { provider: 'github', by: 'redis' }),
    ).toBe(1)
  }
  await redis.kill9()
  await redis.restart()
  await using receiver = await openAgain(servers, redis.url)
  expect(await receiver.post('d-1')).toEqual({ ...first, duplicate: true })
  expect(await servers.stored()).toBe(1)
  // Another organization's delivery of that name, and another delivery, are events of their own.
  expect(await receiver.post('d-1', 'neighbour/github')).toMatchObject({ status: 200, duplicate: false })
  expect(await receiver.post('d-2')).toMatchObject({ status: 200, duplicate: false })
  expect(await servers.stored()).toBe(3)
})

test("a repeat inside JetStream's window is known also when Redis never saw the first", async () => {
  await using servers = await startServers()
  await using receiver = await openAgain(servers, undefined)
  await servers.manager.streams.update('EVENTS', { duplicate_window: 60_000_000_000 })
  const first = await receiver.post('d-1')
  expect(await receiver.post('d-1')).toEqual({ ...first, duplicate: true })
  expect(await receiver.metric('fairlead_duplicates_suppressed_total', { by: 'jetstream' })).toBe(1)
})

test('a source that does not de-duplicate neither asks nor writes', async () => {
  await using servers = await startServers()
  await using redis = await startTestRedis()
  await using receiver = await openAgain(servers, redis.url)
  const answers = [await receiver.post('d-1', 'acme/every'), await receiver.post('d-1', 'acme/every')]
  expect(answers.map(({ duplicate }) => duplicate)).toEqual([false, false])
  expect(await receiver.metric('fairlead_seen_waiting_ids')).toBe(0)
  expect(await receiver.metric('fairlead_seen_check_seconds')).toBe(0)
  expect(await servers.stored()).toBe(2)
})

test('an event that JetStream refused is not remembered: its repeat is accepted', async () => {
  await using servers = await startServers()
  await using redis = await startTestRedis()
  await using receiver = await openAgain(servers, redis.url)
  await receiver.post('d-0')
  await servers.manager.streams.update('EVENTS', { max_msgs: 1 })
  expect((await receiver.post('d-1')).status).toBe(503)
  await receiver.written()
  await servers.manager.streams.update('EVENTS', { max_msgs: -1 })
  expect(await receiver.post('d-1')).toMatchObject({ status: 200, duplicate: false })
  expect(await servers.stored()).toBe(2)
})

test('after EVENTS is made anew, events that were lost with the old stream are accepted again', async () => {
  await using servers = await startServers()
  await using redis = await startTestRedis()
  {
    await using receiver = await openAgain(servers, redis.url)
    await receiver.post('d-1')
    await receiver.written()
  }
  await servers.manager.streams.delete('EVENTS')
  await using receiver = await openAgain(servers, redis.url)
  expect(await receiver.post('d-1')).toMatchObject({ status: 200, duplicate: false })
})

test('while Redis hangs or is gone webhooks are accepted, and counted as unchecked', async () => {
  await using servers = await startServers()
  await using redis = await startTestRedis()
  await using receiver = await openAgain(servers, redis.url, 50)
  const unchecked = async () =>
    (await receiver.metric('fairlead_seen_unchecked_total', { reason: 'late' })) +
    (await receiver.metric('fairlead_seen_unchecked_total', { reason: 'down' }))
  process.kill(redis.pid, 'SIGSTOP')
  try {
    for (let i = 1; i <= 20; i++) {
      expect(await receiver.post(`hanging-${i}`)).toMatchObject({ status: 200, duplicate: false })
    }
    expect(await unchecked()).toBe(20)
    expect(await receiver.metric('fairlead_seen_up')).toBe(0)
  } finally {
    process.kill(redis.pid, 'SIGCONT')
  }
  await receiver.up()
  await redis.kill9()
  await until(async () => (await receiver.metric('fairlead_seen_up')) === 0, { what: 'Redis lost' })
  expect(await receiver.post('gone-1')).toMatchObject({ status: 200, duplicate: false })
  expect(await unchecked()).toBe(21)
  await redis.restart()
  await receiver.up()
  await receiver.written()
  // One that waits for Redis for a second: 50 ms may be too short on a slow machine.
  await using patient = await openAgain(servers, redis.url)
  await windowPassed(servers)
  for (const delivery of ['hanging-1', 'hanging-20', 'gone-1']) {
    expect(await patient.post(delivery)).toMatchObject({ status: 200, duplicate: true })
  }
  expect(await patient.metric('fairlead_duplicates_suppressed_total', { by: 'redis' })).toBe(3)
})
