import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestRedis } from '@fairlead/testbed/redis'
import { freeSettings } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import type { EventId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { jetstreamManager } from '@nats-io/jetstream'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { generationOf } from '../receiver.ts'
import { storedSince } from './catch-up.ts'
import { openSeen } from './seen.ts'

const secret = 'test-secret'
const organization = anOrganization('acme', {
  sources: [{ name: 'github', provider: 'github', secrets: [secret] }],
})

/** A receiver as a process of its own, to be killed. */
async function startReceiver(natsUrl: string, redisUrl: string) {
  const { receiverPort, metricsPort } = await freeSettings('unused')
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', 'main.ts')], {
    stdio: 'ignore',
    env: {
      ...process.env,
      FAIRLEAD_NATS_URL: natsUrl,
      FAIRLEAD_REDIS_URL: redisUrl,
      FAIRLEAD_RECEIVER_PORT: `${receiverPort}`,
      FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
      FAIRLEAD_METRICS_PORT: `${metricsPort}`,
      FAIRLEAD_METRICS_HOST: '127.0.0.1',
      FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
    },
  })
  const exited = once(child, 'exit')
  return {
    async post(delivery: string): Promise<EventId> {
      const response = await fetch(`http://127.0.0.1:${receiverPort}/webhooks/acme/github`, {
        method: 'POST',
        body: '{}',
        headers: {
          'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update('{}').digest('hex')}`,
          'x-github-delivery': delivery,
        },
      })
      expect(response.status).toBe(200)
      return ((await response.json()) as { id: EventId }).id
    },
    async end(signal: NodeJS.Signals) {
      child.kill(signal)
      await exited
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

test('ids that a killed receiver had not written are read from EVENTS by another', async () => {
  await using redis = await startTestRedis()
  await using server = await startTestNats()
  const nats = await connectNats({ url: server.url, name: 'test' })
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => nats.close())
  await putConfiguration(nats, organization)
  const client = new Redis(redis.url)
  cleanup.defer(() => client.disconnect())
  const lines = async () => {
    const [key] = await client.keys('fairlead:{seen}:*:receivers')
    return key ? await client.hgetall(key) : {}
  }

  await using receiver = await startReceiver(server.url, redis.url)
  await until(async () => Object.keys(await lines()).length === 1, {
    deadlineMs: 60_000,
    what: 'its line in the roll',
  })
  process.kill(redis.pid, 'SIGSTOP')
  const ids: EventId[] = []
  try {
    for (let i = 0; i < 50; i++) ids.push(await receiver.post(`d-${i}`))
    await receiver.end('SIGKILL')
  } finally {
    process.kill(redis.pid, 'SIGCONT')
  }

  const generation = await generationOf(await jetstreamManager(nats))
  const open = (catchUp: boolean) =>
    openSeen({
      url: redis.url,
      generation,
      waitMs: 20_000,
      now: Date.now,
      events: { checked() {}, unchecked() {}, deferred() {}, forgotten() {} },
      changed() {},
      ...(catchUp && { catchUp: { stored: storedSince(nats), signEveryMs: 100, absentMs: 500 } }),
    })
  {
    await using blind = open(false)
    await until(() => blind.up)
    expect(await blind.check(ids.at(-1)!)).toBe('new')
  }
  {
    const openedMs = Date.now()
    await using seen = open(true)
    await until(() => seen.up)
    await until(async () => (await seen.check(ids.at(-1)!)) === 'accepted', {
      what: 'the ids caught up with',
    })
    for (const id of ids) expect(await seen.check(id)).toBe('accepted')
    // The dead receiver's line is struck before EVENTS is read; until then this receiver's line covers the gap.
    const caughtUp = async () => {
      const upTo = Object.values(await lines()).map(Number)
      return upTo.length === 1 && upTo[0]! >= openedMs
    }
    await until(caughtUp, { what: 'the dead one struck, and all it owed read' })
  }
  // A receiver that ends in order leaves nothing to catch up with.
  expect(await lines()).toEqual({})
})
