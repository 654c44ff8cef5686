import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { openRegistry } from '@fairlead/daemon/metrics'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { until } from '@fairlead/testbed/until'
import { eventId } from '@fairlead/webhook/id'
import type { OrganizationConfig } from '@fairlead/wire/config'
import { connectNats } from '@fairlead/wire/connect'
import { type EventMeta, encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { openPublisher } from '@fairlead/wire/publish'
import { ensureStreams } from '@fairlead/wire/streams'
import { eventSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import { openMeasuredWorker } from './open-worker.ts'

/**
 * What the worker alone costs: events of 2 KB, delivered by a process that does nothing else, and how many of their
 * deliveries were parked on the way. Some hundred events are on their way at any time. Processor time depends less on
 * what else the machine does than rates do; run it in turns with the commit that it is compared with.
 *
 * With `--keys 1` all of them have one order key, and go one after the other.
 *
 *   node load-tests/worker.ts [--events 20000] [--warm-up 2000] [--concurrency 64] [--destinations 1] [--keys 1]
 */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '20000' },
    concurrency: { type: 'string', default: '64' },
    destinations: { type: 'string', default: '1' },
    keys: { type: 'string' },
    'warm-up': { type: 'string', default: '2000' },
    worker: { type: 'string' },
  },
})

interface Reading {
  readonly cpu: NodeJS.CpuUsage
  /** Deliveries. */
  readonly parked: number
}

/** The worker, as a process of its own. */
async function serve(natsUrl: string): Promise<void> {
  const nats = await connectNats({ url: natsUrl, name: 'worker' })
  const registry = openRegistry()
  await openMeasuredWorker(nats, natsUrl, registry)
  process.on('message', async () => {
    const parked = await registry.getSingleMetric('fairlead_deliveries_parked_total')?.get()
    process.send?.({ cpu: process.cpuUsage(), parked: parked?.values[0]?.value ?? 0 } satisfies Reading)
  })
}

const headers = Array.from({ length: 12 }, (_, i) => [`X-Header-${i}`, 'a value of usual length']).flat()
const keyHeader = 'X-Order'

const aMeta = (organization: OrganizationConfig, index: number, size: number): EventMeta => ({
  id: eventId(organization.id, 'github', { id: `${index}` }),
  organization: organization.id,
  source: 'github',
  sourceId: organization.sources[0]!.id,
  provider: 'github',
  revision: 1,
  type: 'push',
  receivedAt: Date.now(),
  method: 'POST',
  url: '/webhooks/acme/github',
  headers: values.keys ? [...headers, keyHeader, `${index % Number(values.keys)}`] : headers,
  size,
})

async function main(): Promise<void> {
  const count = Number(values.events)
  const destinations = Number(values.destinations)
  await using server = await startTestNats()
  const nats = await connectNats({ url: server.url, name: 'load' })
  await ensureStreams(await jetstreamManager(nats), { replicas: 1, eventsMaxBytes: 1024 ** 3 })
  let arrived = 0
  const sink = createServer((request, response) => {
    request.resume().on('end', () => {
      arrived++
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const { port } = sink.address() as { port: number }
  const names = Array.from({ length: destinations }, (_, i) => `app-${i}`)
  const route = { source: '*', eventTypes: ['*'], destinations: names }
  const order = { key: { from: 'header' as const, name: keyHeader.toLowerCase() }, maxWaitSeconds: 3_600 }
  const organization = anOrganization('acme', {
    sources: [{ name: 'github', provider: 'github' }],
    destinations: names.map(name => ({
      name,
      url: `http://127.0.0.1:${port}/`,
      concurrency: Number(values.concurrency),
    })),
    routes: [{ ...route, ...(values.keys && { order }) }],
  })
  await putConfiguration(nats, organization)
  await using publisher = openPublisher(nats, { atomic: true, maxWaiting: count })
  const body = Buffer.alloc(2_048, 'x')
  const publish = (first: number, number: number) =>
    Promise.all(
      Array.from({ length: number }, (_, i) => {
        const meta = aMeta(organization, first + i, body.length)
        return publisher.publish(eventSubject(organization.id, 'github'), body, {
          'Nats-Msg-Id': meta.id,
          [eventHeader]: encodeEventMeta(meta),
        })
      }),
    )
  const child = fork(import.meta.filename, ['--worker', server.url], {
    env: { ...process.env, FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys },
  })
  const ask = async (): Promise<Reading> => {
    child.send('read')
    const [reading] = (await once(child, 'message')) as [Reading]
    return reading
  }
  const delivered = (number: number) =>
    until(() => arrived >= number * destinations, { deadlineMs: 300_000, everyMs: 20, what: 'all arrivals' })
  const warmUp = Number(values['warm-up'])
  await publish(0, warmUp)
  await delivered(warmUp)
  const before = await ask()
  const startMs = performance.now()
  // As a closed loop would: some hundreds on their way at any time.
  for (let done = 0; done < count; done += 500) {
    await publish(warmUp + done, 500)
    await until(() => arrived >= (warmUp + done - 1_000) * destinations, { deadlineMs: 300_000, everyMs: 5 })
  }
  await delivered(warmUp + count)
  const seconds = (performance.now() - startMs) / 1000
  await new Promise(resolve => setTimeout(resolve, 500))
  const after = await ask()
  const micros = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system
  console.log(
    `${count} events × ${destinations}: worker ${Math.round(micros / count)} µs an event (user ${Math.round((after.cpu.user - before.cpu.user) / count)}), ` +
      `${Math.round(count / seconds)}/s, parked ${after.parked}, repeated ${arrived - (warmUp + count) * destinations}`,
  )
  child.disconnect()
  sink.closeAllConnections()
  sink.close()
  await nats.close()
}

if (values.worker) await serve(values.worker)
else await main()
