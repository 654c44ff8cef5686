import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { type LoadSender, openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestRedis } from '@fairlead/testbed/redis'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { cpuPerItem, readCpu } from './cpu.ts'
import { percentile } from './percentile.ts'

/**
 * The receiver alone, with a nats-server and a Redis of its own and nobody who delivers: what accepting one webhook of
 * 2 KB costs each of the three in processor time, and how often the receiver is switched in.
 *
 *   node load-tests/receiver.ts [--rates 100,500] [--seconds 10] [--connections 64,256] [--receiver other/main.ts]
 *       [--profile folder] [--victim]
 *
 * With --victim another organization sends 25 webhooks a second from a process of its own beside the closed loops, and what it
 * waits is printed.
 *
 * --receiver measures another version, --profile has V8 write a CPU profile when it ends. Rates are open loops, connections
 * closed ones.
 */
const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '100,500' },
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '64,256' },
    receiver: {
      type: 'string',
      default: fileURLToPath(import.meta.resolve('@fairlead/receiver/main')),
    },
    profile: { type: 'string' },
    victim: { type: 'boolean', default: false },
    'victim-url': { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const secret = 'test-load-secret'

/** Context switches of all threads of a process so far. */
function readSwitches(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    return [...status.matchAll(/ctxt_switches:\s+(\d+)/g)].reduce(
      (all, [, count]) => all + Number(count),
      sum,
    )
  }, 0)
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await once(server.close(), 'close')
  return typeof address === 'object' && address ? address.port : 0
}

async function startReceiver(environment: Record<string, string>) {
  const profile = values.profile ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : []
  const child = spawn(process.execPath, [...profile, values.receiver], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'close')
    },
  }
}

async function measure(
  name: string,
  pids: Record<string, number> & { receiver: number },
  load: (tell: (sent: Sent) => void) => Promise<void>,
): Promise<void> {
  const sent: Sent[] = []
  const [cpu, switches] = [readCpu(pids), readSwitches(pids.receiver)]
  await load(one => sent.push(one))
  const perItem = cpuPerItem(cpu, readCpu(pids), sent.length)
  const accepted = sent.filter(({ id }) => id !== undefined)
  const accept = accepted.map(({ acceptMs }) => acceptMs)
  const ms = (p: number) => percentile(accept, p).toFixed(1)
  const micros = [...perItem].map(([part, each]) => `${part} ${Math.round(each)}`).join(', ')
  console.log(
    `${name}: accepted ${accepted.length} of ${sent.length} (${Math.round(sent.length / seconds)}/s), ` +
      `ms p50 ${ms(0.5)} p95 ${ms(0.95)} p99 ${ms(0.99)}; CPU µs a webhook: ${micros}; ` +
      `switches ${((readSwitches(pids.receiver) - switches) / sent.length).toFixed(2)}`,
  )
}

async function main(): Promise<void> {
  await using nats = await startTestNats({ syncAlways: true })
  await using redis = await startTestRedis()
  const connection = await connectNats({ url: nats.url, name: 'load' })
  const sources = [{ name: 'github', provider: 'github', secrets: [secret] }]
  await putConfiguration(
    connection,
    anOrganization('load', { sources }),
    anOrganization('victim', { sources }),
  )
  await connection.close()
  const port = await findFreePort()
  await using receiver = await startReceiver({
    FAIRLEAD_NATS_URL: nats.url,
    FAIRLEAD_REDIS_URL: redis.url,
    FAIRLEAD_RECEIVER_PORT: `${port}`,
    FAIRLEAD_RECEIVER_HOST: '127.0.0.1',
    FAIRLEAD_METRICS_PORT: '0',
    FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
  })
  const url = `http://127.0.0.1:${port}/webhooks/load/github`
  await until(() => fetch(url).then(({ status }) => status === 405), {
    what: 'a receiver',
    deadlineMs: 60_000,
  })
  const pids = { receiver: receiver.pid, nats: nats.pid, redis: redis.pid }
  const open = (connections: number): Promise<LoadSender> =>
    openLoadSender({ url, secret, connections, bodyBytes: 2048 })
  {
    await using sender = await open(64)
    await sender.asFastAsPossible(3, () => {}) // warm-up
    for (const rate of values.rates.split(',').filter(Boolean).map(Number))
      await measure(`${rate}/s`, pids, tell => sender.atRate(rate, seconds, tell))
  }
  for (const connections of values.connections.split(',').filter(Boolean).map(Number)) {
    await using sender = await open(connections)
    const victim = values.victim && watchVictim(url.replace('/load/', '/victim/'))
    await measure(`${connections} connections`, pids, tell => sender.asFastAsPossible(seconds, tell))
    if (victim) await victim
  }
}

/** Another organization's webhooks, measured in a process that does nothing else. */
async function watchVictim(url: string): Promise<void> {
  const own = [import.meta.filename, '--victim-url', url, '--seconds', `${seconds - 1}`]
  const child = spawn(process.execPath, own, { stdio: 'inherit' })
  await once(child, 'close')
}

async function sendAsVictim(url: string): Promise<void> {
  const sent: Sent[] = []
  await using sender = await openLoadSender({ url, secret, connections: 64, bodyBytes: 512 })
  await sender.atRate(25, seconds, one => sent.push(one))
  const accept = sent.map(({ acceptMs }) => acceptMs)
  const refused = sent.filter(({ id }) => id === undefined).length
  const ms = (p: number) => percentile(accept, p).toFixed(0)
  console.log(
    `  the victim: refused ${refused} of ${sent.length}, ms p50 ${ms(0.5)} p95 ${ms(0.95)} max ${ms(1)}`,
  )
}

if (values['victim-url']) await sendAsVictim(values['victim-url'])
else await main()
