import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/testbed/load/subject'
import { until } from '@fairlead/testbed/until'
import { cpuPerItem, readCpu } from './cpu.ts'
import { percentile } from './percentile.ts'
import { measureKept, measureUnkept } from './traces-cost.ts'

/**
 * What traces cost: the CPU of a webhook through `npm start` without a collector, with one at the default ratio of 1 %, with
 * every trace kept, and with a collector that takes requests and never answers. All of them run at the same time and are given
 * load in turn, in another order each round, so that what else the machine does touches all alike.
 *
 *   node load-tests/traces.ts [--rounds 5] [--seconds 10] [--rate 200] [--modes off,default,all,away]
 *
 * Before that, of a webhook alone: nanoseconds and bytes where its trace is not kept, and CPU where it is; --rounds 0: only that.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
    modes: { type: 'string', default: 'off,default,all,away' },
    collector: { type: 'string' },
  },
})
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)]
const tenant = 'load'

/** Environment of each mode, with the collectors' URLs. */
const environments: Readonly<Record<string, (urls: Collectors) => Record<string, string>>> = {
  off: () => ({}),
  default: ({ answering }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: answering }),
  all: ({ answering }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: answering, OTEL_TRACES_SAMPLER: 'always_on' }),
  away: ({ hanging }) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: hanging, OTEL_TRACES_SAMPLER: 'always_on' }),
}

interface Collectors {
  readonly answering: string
  readonly hanging: string
}

interface Round {
  /** CPU µs a webhook of all Fairlead's processes. */
  readonly cpu: number
  readonly acceptMs: readonly number[]
  readonly lost: number
}

interface Mode {
  readonly name: string
  readonly subject: Subject
  readonly rounds: Round[]
  /** Resident bytes of Fairlead's processes before the first round, and after the last. */
  rss: { first: number; last: number }
}

/** A collector as a process of its own, so that its CPU is not Fairlead's. */
async function serveCollector(kind: string): Promise<void> {
  const server = createServer((request, response) => {
    request.resume()
    if (kind === 'answering')
      request.on('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(server.address())
  process.once('disconnect', () => process.exit())
}

async function startCollector(kind: string, opened: AsyncDisposableStack): Promise<string> {
  const child = fork(import.meta.filename, ['--collector', kind])
  opened.defer(() => void child.kill())
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return `http://127.0.0.1:${port}`
}

async function measure({ subject, rounds: done }: Mode, arrivals: Awaited<ReturnType<typeof openArrivals>>) {
  await using sender = await openLoadSender({
    url: subject.sourceUrl(tenant),
    secret: loadSecret,
    connections: 64,
    bodyBytes: 2048,
  })
  const sent: Sent[] = []
  const pids = await subject.pids()
  const before = readCpu(pids)
  await sender.atRate(rate, seconds, one => sent.push(one))
  const accepted = sent.filter(({ id }) => id !== undefined)
  const isWhole = () => accepted.every(({ id }) => arrivals.events.has(id!))
  await until(isWhole, { deadlineMs: 60_000, everyMs: 50 }).catch(() => {})
  // The spans of the last second are sent.
  await new Promise(resolve => setTimeout(resolve, 1_500))
  const cpu = cpuPerItem(before, readCpu(pids), sent.length)
  done.push({
    cpu: [...cpu.values()].reduce((sum, micros) => sum + micros, 0),
    acceptMs: accepted.map(({ acceptMs }) => acceptMs),
    lost: accepted.filter(({ id }) => !arrivals.events.has(id!)).length + (sent.length - accepted.length),
  })
}

/** Of `npm start` and the receiver, its child. */
async function residentBytes({ subject }: Mode): Promise<number> {
  const { fairlead } = await subject.pids()
  const children = readFileSync(`/proc/${fairlead}/task/${fairlead}/children`, 'utf8').trim().split(' ')
  return [String(fairlead), ...children].reduce((sum, pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return /Name:\s*(node|MainThread)/.test(status)
        ? sum + 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
        : sum
    } catch {
      return sum
    }
  }, 0)
}

async function spanCounts({ subject }: Mode): Promise<string> {
  const text = await (await fetch(`http://127.0.0.1:${subject.settings.metricsPort}/metrics`)).text()
  return ['exported', 'dropped', 'failed']
    .map(result => {
      const lines = text.matchAll(
        new RegExp(`^fairlead_spans_total\\{[^}]*result="${result}"\\} (\\d+)`, 'gm'),
      )
      return `${result} ${[...lines].reduce((sum, [, count]) => sum + Number(count), 0)}`
    })
    .join(', ')
}

const median = (list: readonly number[]) => percentile(list, 0.5)

async function report(modes: readonly Mode[]): Promise<void> {
  const [base] = modes
  for (const mode of modes) {
    const cpu = mode.rounds.map(round => round.cpu)
    // Against the first mode in the same round, so that what the machine did meanwhile is in both.
    const extra = cpu.map((micros, round) => micros - base!.rounds[round]!.cpu)
    const accept = mode.rounds.flatMap(round => round.acceptMs)
    const lost = mode.rounds.reduce((sum, round) => sum + round.lost, 0)
    const us = (value: number) => value.toFixed(1)
    console.log(
      `${mode.name.padEnd(8)} CPU µs a webhook ${us(median(cpu))} [${us(Math.min(...cpu))}–${us(Math.max(...cpu))}]` +
        `, more than ${base!.name} ${us(median(extra))} [${us(Math.min(...extra))}–${us(Math.max(...extra))}]` +
        `; accept ms p50 ${percentile(accept, 0.5).toFixed(1)} p99 ${percentile(accept, 0.99).toFixed(1)}` +
        `; lost or refused ${lost}; memory +${((mode.rss.last - mode.rss.first) / 1024 ** 2).toFixed(1)} MiB` +
        `; spans: ${await spanCounts(mode)}`,
    )
  }
}

async function main(): Promise<void> {
  measureUnkept()
  await using opened = new AsyncDisposableStack()
  const arrivals = opened.use(await openArrivals())
  const urls: Collectors = {
    answering: await startCollector('answering', opened),
    hanging: await startCollector('hanging', opened),
  }
  await measureKept(urls.answering)
  const modes: Mode[] = []
  if (rounds === 0) return
  for (const name of values.modes.split(',')) {
    const environment = environments[name]
    if (!environment) throw new TypeError(`there is no mode ${name}`)
    const destination = { name: tenant, destinationUrl: `http://127.0.0.1:${arrivals.port}/` }
    const subject = opened.use(await startSubject([destination], environment(urls)))
    modes.push({ name, subject, rounds: [], rss: { first: 0, last: 0 } })
  }
  console.log(`${rounds} rounds of ${seconds} s at ${rate}/s`)
  for (const mode of modes) await measure(mode, arrivals)
  for (const mode of modes) {
    mode.rounds.length = 0
    mode.rss.first = await residentBytes(mode)
  }
  for (let round = 0; round < rounds; round++) {
    const first = round % modes.length
    for (const mode of [...modes.slice(first), ...modes.slice(0, first)]) await measure(mode, arrivals)
  }
  for (const mode of modes) mode.rss.last = await residentBytes(mode)
  await report(modes)
}

if (values.collector) await serveCollector(values.collector)
else await main()
