import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { type Arrivals, openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestReceiver } from '@fairlead/testbed/receiver'
import { startTestRedis } from '@fairlead/testbed/redis'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'

/**
 * What a second receiver and a second worker add: webhooks delivered in a closed loop by one of each and by two of each, in turn.
 * Every receiver and worker is a process of its own, held to a part of one core by the kernel's quota; nats-server, Redis,
 * generator and destination are free. Counts what was lost and repeated. Needs root and cgroup v1's `cpu` controller.
 *
 *   node load-tests/scale-out.ts [--quota 0.15] [--seconds 20] [--rounds 3]
 */
const { values } = parseArgs({
  options: {
    quota: { type: 'string', default: '0.15' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
  },
})

const secret = 'test-load-secret'
/** Of all receivers together: enough that none of them waits for the generator. */
const connections = 64
/** Names are hashed to partitions: with so many all sixteen have some. */
const organizations = Array.from({ length: 64 }, (_, i) => `load-${i}`)
/** After the quota is set: what was in the making is done with. */
const settleMs = 3_000

type Environment = Readonly<Record<string, string>> & { readonly FAIRLEAD_NATS_URL: string }

/** A part of one core for each process that it holds. */
function openQuota(cores: number) {
  const made: string[] = []
  return {
    hold(pid: number): void {
      const folder = `/sys/fs/cgroup/cpu/fairlead-load-${pid}`
      mkdirSync(folder)
      made.push(folder)
      writeFileSync(`${folder}/cpu.cfs_period_us`, '20000')
      writeFileSync(`${folder}/cpu.cfs_quota_us`, String(Math.round(cores * 20_000)))
      writeFileSync(`${folder}/cgroup.procs`, String(pid))
    },
    /** After their processes have ended. */
    [Symbol.dispose]() {
      for (const folder of made) rmdirSync(folder)
    },
  }
}

/** Starts so many receivers and workers, free of a quota until they are ready. */
async function startParts(count: number, env: Environment, arrivals: Arrivals) {
  await using opened = new AsyncDisposableStack()
  const logFolder = opened.use(await scratchFolder()).path
  const pids: number[] = []
  const urls: string[] = []
  for (let i = 0; i < count; i++) {
    const receiver = opened.use(await startTestReceiver({ natsUrl: env.FAIRLEAD_NATS_URL, logFolder, env }))
    urls.push(receiver.url)
    const name = `worker-${i}`
    const own = { FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8', FAIRLEAD_WORKER_NAME: name }
    const main = 'services/worker/main.ts'
    const worker = startService({ name, main, logFolder, env: { ...env, ...own } })
    pids.push(receiver.pid, opened.use(worker).pid)
  }
  for (const url of urls) await until(() => reachesDestination(url, arrivals), { deadlineMs: 120_000 })
  const held = opened.move()
  return { pids, urls, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** Whether this receiver takes a webhook of each organization, and workers deliver all: every partition has an owner. */
async function reachesDestination(url: string, { events }: Arrivals): Promise<boolean> {
  const sent = await send([url], 64, 1).catch(() => [])
  const ids = sent.flatMap(({ id }) => id ?? [])
  if (ids.length < organizations.length) return false
  await until(() => ids.every(id => events.has(id)), { deadlineMs: 30_000 })
  return true
}

/** All requests of a closed loop over these receivers. */
async function send(urls: readonly string[], all: number, seconds: number): Promise<Sent[]> {
  const sent: Sent[] = []
  await Promise.all(
    urls.map(async url => {
      const sources = organizations.map(name => `${url}/webhooks/${name}/github`)
      const options = { url: sources, secret, connections: all / urls.length, bodyBytes: 2_200 }
      await using sender = await openLoadSender(options)
      await sender.asFastAsPossible(seconds, one => sent.push(one))
    }),
  )
  return sent
}

/** Webhooks a second that arrived while they were sent. */
async function measure(count: number, env: Environment, arrivals: Arrivals): Promise<number> {
  using quota = openQuota(Number(values.quota))
  await using running = await startParts(count, env, arrivals)
  for (const pid of running.pids) quota.hold(pid)
  await delay(settleMs)
  const seconds = Number(values.seconds)
  const beganMs = performance.now()
  const sent = await send(running.urls, connections, seconds)
  const endedMs = performance.now()
  const accepted = sent.flatMap(({ id }) => id ?? [])
  const { events } = arrivals
  const arrived = accepted.filter(id => (events.get(id)?.atMs ?? Number.POSITIVE_INFINITY) <= endedMs).length
  await until(() => accepted.every(id => events.has(id)), { deadlineMs: 120_000 }).catch(() => {})
  const lost = accepted.filter(id => !events.has(id)).length
  const repeated = accepted.filter(id => (events.get(id)?.count ?? 1) > 1).length
  const perSecond = (arrived * 1_000) / (endedMs - beganMs)
  console.log(
    `${count} of each: ${Math.round(perSecond)} delivered/s, ${Math.round((accepted.length * 1_000) / (endedMs - beganMs))} accepted/s; ` +
      `refused ${sent.length - accepted.length}, lost ${lost}, repeated ${repeated}`,
  )
  return perSecond
}

async function main(): Promise<void> {
  await using nats = await startTestNats({ syncAlways: true })
  await using redis = await startTestRedis()
  await using arrivals = await openArrivals()
  const connection = await connectNats({ url: nats.url, name: 'load' })
  const made = organizations.map(name =>
    anOrganization(name, {
      sources: [{ name: 'github', provider: 'github', secrets: [secret] }],
      destinations: [{ name: 'arrivals', url: `http://127.0.0.1:${arrivals.port}`, concurrency: 64 }],
    }),
  )
  await putConfiguration(connection, ...made)
  await connection.close()
  const env = {
    FAIRLEAD_NATS_URL: nats.url,
    FAIRLEAD_REDIS_URL: redis.url,
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
  }
  for (let round = 1; round <= Number(values.rounds); round++) {
    const one = await measure(1, env, arrivals)
    const two = await measure(2, env, arrivals)
    console.log(`round ${round}: two of each deliver ${(two / one).toFixed(2)} times what one does`)
  }
}

await main()
