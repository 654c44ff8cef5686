import { createHmac, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Platform, startPlatform } from '@fairlead/testbed/chaos/platform'
import { loadSecret } from '@fairlead/testbed/load/subject'
import { askPrometheus, startPrometheus } from '@fairlead/testbed/prometheus'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { type Sink, startSink } from '@fairlead/testbed/sink'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rulesFile } from './alerts/rules-file.ts'

/*
 * Alerts fired for real: parts are killed, frozen and filled, while a real Prometheus scrapes two installations. Windows and waits
 * of the rules are 60 times shorter than in production; thresholds are not.
 */

const factor = 60
const [broken, well] = ['broken', 'well'] as const
const opened = new AsyncDisposableStack()
let platform: Platform
let prometheusUrl = ''
let sink: Sink
/** How webhooks are sent now. */
let traffic = { secret: loadSecret, bytes: 200 }
const stopping = new AbortController()
const times: string[] = []

beforeAll(async () => {
  sink = opened.use(await startSink())
  platform = opened.use(
    await startPlatform({
      natsServers: 1,
      sinkPort: sink.port,
      retryDelaysSeconds: [1],
      eventsMaxBytes: 16 * 1024 ** 2,
    }),
  )
  const folder = opened.use(await scratchFolder()).path
  const neighbour = await freeSettings(join(folder, 'home'))
  const standalone = opened.use(startStandalone(neighbour))
  await standalone.ready({ deadlineMs: 240_000 })
  const targets = [
    ...Object.entries(platform.metricsPorts).map(([pod, port]) => ({
      address: `127.0.0.1:${port}`,
      labels: { namespace: broken, pod },
    })),
    {
      address: `127.0.0.1:${neighbour.metricsPort}`,
      labels: { namespace: well, pod: 'standalone-0' },
    },
  ]
  const prometheus = opened.use(
    await startPrometheus({ home: join(folder, 'prometheus'), targets, rules: rulesFile(factor) }),
  )
  prometheusUrl = prometheus.url
  const sending = keepSending()
  opened.defer(async () => {
    stopping.abort()
    await sending
  })
  await until(async () => (await ask('sum(fairlead_worker_partitions{namespace="broken"})')).length > 0, {
    deadlineMs: 60_000,
    what: 'the first scrapes',
  })
}, 600_000)

afterAll(async () => {
  console.log(
    `alert, seconds until it fired, and until it was over (windows 1/${factor}):\n${times.join('\n')}`,
  )
  await opened.disposeAsync()
})

/** Twenty webhooks a second, whatever becomes of them. */
async function keepSending(): Promise<void> {
  while (!stopping.signal.aborted) {
    const body = JSON.stringify({ ref: randomUUID(), filler: 'x'.repeat(traffic.bytes) })
    const signature = createHmac('sha256', traffic.secret).update(body).digest('hex')
    void fetch(platform.sourceUrl, {
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/json',
        'x-github-event': 'push',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${signature}`,
      },
      signal: AbortSignal.timeout(10_000),
    }).then(
      response => response.arrayBuffer(),
      () => undefined,
    )
    await delay(50)
  }
}

const ask = (query: string) => askPrometheus(prometheusUrl, query, { toMs: Date.now() })

/** Alerts that fire, by namespace. */
async function firing(namespace: string): Promise<Set<string>> {
  const series = await ask(`ALERTS{alertstate="firing",namespace="${namespace}"}`)
  return new Set(series.map(({ labels }) => labels.alertname ?? ''))
}

interface Fault {
  readonly alert: string
  readonly what: string
  inflict(): Promise<unknown>
  /** Absent: what was done stays, so this is the last of its kind. */
  mend?(): Promise<unknown>
}

const stop = (name: string) => ({
  inflict: () => platform.processes[name]!.kill9(),
  mend: async () => platform.processes[name]!.start(),
})
const freeze = (name: string) => ({
  inflict: async () => process.kill(platform.processes[name]!.pid, 'SIGSTOP'),
  mend: async () => process.kill(platform.processes[name]!.pid, 'SIGCONT'),
})

const faults: readonly Fault[] = [
  { alert: 'FairleadNoReceiver', what: 'the receiver is killed', ...stop('receiver') },
  {
    alert: 'FairleadNoWorker',
    what: 'all workers are killed',
    inflict: () => Promise.all(['worker-1', 'worker-2'].map(name => platform.processes[name]!.kill9())),
    mend: () => Promise.all(['worker-1', 'worker-2'].map(async name => platform.processes[name]!.start())),
  },
  { alert: 'FairleadNoStore', what: 'the store is killed', ...stop('store') },
  {
    alert: 'FairleadNobodyReconciles',
    what: 'the operator is killed',
    inflict: () => platform.operator.kill9(),
    mend: async () => platform.operator.start(),
  },
  { alert: 'FairleadLogStands', what: 'PostgreSQL is stopped', ...stop('postgres') },
  { alert: 'FairleadRefusesForLackOfStorage', what: 'nats-server is frozen', ...freeze('nats') },
  { alert: 'FairleadRepeatsUnchecked', what: 'Redis is frozen', ...freeze('redis') },
  {
    alert: 'FairleadSignaturesDoNotMatch',
    what: 'a provider has another secret',
    inflict: async () => (traffic = { ...traffic, secret: 'another-test-secret' }),
    mend: async () => (traffic = { ...traffic, secret: loadSecret }),
  },
  {
    alert: 'FairleadDeadLetters',
    what: 'a destination fails for good',
    inflict: async () => sink.answer({ status: 500 }),
    mend: async () => sink.answer({ status: 200 }),
  },
  {
    alert: 'FairleadDeliveriesFail',
    what: 'a destination hangs',
    inflict: async () => sink.answer({ hang: true }),
    mend: async () => sink.answer({ status: 200 }),
  },
  {
    alert: 'FairleadStreamNearlyFull',
    what: 'EVENTS is filled',
    inflict: async () => (traffic = { ...traffic, bytes: 100_000 }),
  },
]

test.each(faults)('$alert names its installation when $what, and the other one is quiet', async fault => {
  await until(async () => !(await firing(broken)).has(fault.alert), {
    deadlineMs: 180_000,
    what: `${fault.alert} to be quiet`,
  })
  const startMs = Date.now()
  await fault.inflict()
  await until(async () => (await firing(broken)).has(fault.alert), {
    deadlineMs: 240_000,
    everyMs: 250,
    what: `${fault.alert} to fire`,
  })
  const firedMs = Date.now()
  expect(await firing(well)).not.toContain(fault.alert)
  await fault.mend?.()
  const mendedMs = Date.now()
  if (fault.mend)
    await until(async () => !(await firing(broken)).has(fault.alert), {
      deadlineMs: 240_000,
      everyMs: 250,
      what: `${fault.alert} to be over`,
    })
  const seconds = (ms: number) => (ms / 1_000).toFixed(1)
  const over = fault.mend ? seconds(Date.now() - mendedMs) : '–'
  times.push(`${fault.alert} (${fault.what}): ${seconds(firedMs - startMs)} / ${over}`)
})
