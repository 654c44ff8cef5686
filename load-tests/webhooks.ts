import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { type Arrivals, openArrivals } from '@fairlead/testbed/load/arrivals'
import { type LoadSender, openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/testbed/load/subject'
import { until } from '@fairlead/testbed/until'
import { type CpuReading, cpuPerItem, readCpu } from './cpu.ts'
import { startFloor } from './floor.ts'
import { percentile } from './percentile.ts'

/**
 * The whole way of webhooks of 2 KB through `npm start` on this machine: how long they take to be accepted and to
 * arrive, what they cost, and whether any is lost.
 *
 *   node load-tests/webhooks.ts [--seconds 60] [--rates 100,500] [--floor-seconds 10] [--capacity-seconds 20]
 *     [--connections 64] [--rounds 3]
 *
 * The baseline of the same run is a bare node:http server that reads a body and answers 200: the least that any
 * receiver could do, storing nothing. For the rates it is the floor besides (`floor.ts`): a bare receiver that answers when
 * JetStream has synced the event, before and after, with its processor time. Generator, destination and subject share the
 * machine's cores. Without rates (`--rates ''`) only the capacity is measured.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rates: { type: 'string', default: '100,500' },
    'capacity-seconds': { type: 'string', default: '20' },
    connections: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    'floor-seconds': { type: 'string', default: '10' },
    baseline: { type: 'boolean', default: false },
  },
})
const connections = Number(values.connections)
const bodyBytes = 2048

interface Measured {
  readonly name: string
  readonly sent: readonly Sent[]
  readonly seconds: number
  readonly cpu: Map<string, number>
  /** Deliveries that found no room in their lane. */
  readonly parked: number
}

async function measure(
  name: string,
  pids: Record<string, number>,
  load: (tell: (sent: Sent) => void) => Promise<void>,
  settled: (sent: readonly Sent[]) => Promise<unknown>,
  countParked = async () => 0,
): Promise<Measured> {
  const sent: Sent[] = []
  const parkedBefore = await countParked()
  const roots = { ...pids, generator: process.pid }
  const before: CpuReading = readCpu(roots)
  const startMs = performance.now()
  await load(one => sent.push(one))
  const seconds = (performance.now() - startMs) / 1000
  await settled(sent)
  const cpu = cpuPerItem(before, readCpu(roots), accepted(sent).length || sent.length)
  return { name, sent, seconds, cpu, parked: (await countParked()) - parkedBefore }
}

const accepted = (sent: readonly Sent[]) => sent.filter(({ id }) => id !== undefined)

/** Waits until all that was accepted has arrived, and a moment has passed in which nothing more came. */
async function untilArrived(sent: readonly Sent[], arrivals: Arrivals): Promise<void> {
  await until(() => accepted(sent).every(({ id }) => arrivals.events.has(id!)), {
    deadlineMs: 120_000,
    everyMs: 50,
    what: 'the arrival of all that was accepted',
  }).catch(error => console.log(`! ${error.message}`))
}

function report({ name, sent, seconds, cpu, parked }: Measured, arrivals: Arrivals): void {
  const ok = accepted(sent)
  const accept = ok.map(({ acceptMs }) => acceptMs)
  const arrival = ok.flatMap(({ id, dueMs }) => {
    const at = arrivals.events.get(id!)
    return at ? [at.atMs - dueMs] : []
  })
  const lastArrivalMs = Math.max(...ok.map(({ id }) => arrivals.events.get(id!)?.atMs ?? 0))
  const firstDueMs = Math.min(...sent.map(({ dueMs }) => dueMs))
  const lost = ok.length - arrival.length
  const refused = sent.filter(({ status }) => status === 503 || status === 429).length
  const repeated = ok.reduce(
    (sum, { id }) => sum + Math.max(0, (arrivals.events.get(id!)?.count ?? 1) - 1),
    0,
  )
  const ms = (value: number) => value.toFixed(1).padStart(7)
  console.log(`\n${name}`)
  console.log(
    `  accepted   ${ok.length} of ${sent.length} in ${seconds.toFixed(1)} s (${Math.round(ok.length / seconds)}/s); refused ${refused}`,
  )
  console.log(
    `  delivered  ${Math.round((ok.length * 1000) / (lastArrivalMs - firstDueMs))}/s to the last arrival; lost ${lost}, repeated ${repeated}, parked ${parked}`,
  )
  for (const [what, list] of [
    ['accept', accept],
    ['arrival', arrival],
  ] as const) {
    console.log(
      `  ${what.padEnd(8)} ms p50 ${ms(percentile(list, 0.5))}  p95 ${ms(percentile(list, 0.95))}  ` +
        `p99 ${ms(percentile(list, 0.99))}  max ${ms(percentile(list, 1))}`,
    )
  }
  const parts = [...cpu].map(([part, micros]) => `${part} ${Math.round(micros)}`).join(', ')
  const system = [...cpu]
    .filter(([part]) => part !== 'generator')
    .reduce((sum, [, micros]) => sum + micros, 0)
  console.log(`  CPU µs a webhook: ${parts}; all but the generator ${Math.round(system)}`)
}

/** The baseline, as a process of its own. */
async function serveBaseline(): Promise<void> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      Buffer.concat(chunks)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"evt_0","duplicate":false}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(server.address())
  process.once('disconnect', () => process.exit())
}

async function measureBaseline(): Promise<number> {
  const child = fork(import.meta.filename, ['--baseline'])
  try {
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const options = { url: `http://127.0.0.1:${port}/`, secret: loadSecret, connections, bodyBytes }
    await using sender = await openLoadSender(options)
    const measured = await measure(
      'baseline',
      { baseline: child.pid! },
      tell => sender.asFastAsPossible(3, tell),
      async () => {},
    )
    const cost = measured.cpu.get('baseline')!
    console.log(
      `baseline: node:http that stores nothing: ${Math.round(measured.sent.length / measured.seconds)}/s, ${cost.toFixed(1)} µs of CPU each`,
    )
    return cost
  } finally {
    child.disconnect()
  }
}

/** At the rate that Fairlead is measured at: what being safe takes here and now. */
async function measureFloor(rate: number): Promise<void> {
  await using floor = await startFloor()
  const options = { url: floor.url, secret: loadSecret, connections, bodyBytes }
  await using sender = await openLoadSender(options)
  await sender.atRate(rate, 2, () => {}) // warm-up
  const sent: Sent[] = []
  const before = readCpu(floor.pids)
  await sender.atRate(rate, Number(values['floor-seconds']), one => sent.push(one))
  const cpu = [...cpuPerItem(before, readCpu(floor.pids), sent.length)]
  const accept = sent.map(({ acceptMs }) => acceptMs)
  const ms = (p: number) => percentile(accept, p).toFixed(1)
  const cost = cpu.map(([name, micros]) => `${name} ${Math.round(micros)}`).join(', ')
  console.log(
    `floor at ${rate}/s: accept ms p50 ${ms(0.5)}  p95 ${ms(0.95)}  p99 ${ms(0.99)}  max ${ms(1)}; CPU µs ${cost}`,
  )
}

async function parkedBy(subject: Subject): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${subject.settings.metricsPort}/metrics`)).text()
  return Number(/^fairlead_deliveries_parked_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? Number.NaN)
}

async function main(): Promise<void> {
  const baselines: number[] = [await measureBaseline()]
  await using arrivals = await openArrivals()
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: 'load', destinationUrl }])
  const pids = {
    ...(await subject.pids()),
    receiver: await subject.standalone.pidOf('receiver'),
    worker: await subject.standalone.pidOf('worker'),
  }
  const countParked = () => parkedBy(subject)
  const options = { url: subject.sourceUrl('load'), secret: loadSecret, connections, bodyBytes }
  await using sender: LoadSender = await openLoadSender(options)
  const settled = (sent: readonly Sent[]) => untilArrived(sent, arrivals)

  await measure('warm-up', pids, tell => sender.atRate(200, 5, tell), settled)
  for (const rate of values.rates.split(',').filter(Boolean).map(Number)) {
    const seconds = Number(values.seconds)
    await measureFloor(rate)
    report(
      await measure(
        `${rate}/s for ${seconds} s`,
        pids,
        tell => sender.atRate(rate, seconds, tell),
        settled,
        countParked,
      ),
      arrivals,
    )
    await measureFloor(rate)
  }
  const costs: number[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    baselines.push(await measureBaseline())
    const capacity = await measure(
      `capacity, round ${round}: ${connections} connections`,
      pids,
      tell => sender.asFastAsPossible(Number(values['capacity-seconds']), tell),
      settled,
      countParked,
    )
    report(capacity, arrivals)
    costs.push(
      [...capacity.cpu].filter(([part]) => part !== 'generator').reduce((sum, [, micros]) => sum + micros, 0),
    )
  }
  const ratios = costs.map((cost, i) => cost / ((baselines[i]! + baselines[i + 1]!) / 2))
  if (ratios.length > 0) {
    console.log(
      `\nCPU of the whole system to the baseline, at capacity: ${ratios.map(ratio => ratio.toFixed(1)).join(', ')} times`,
    )
  }
}

if (values.baseline) await serveBaseline()
else await main()
