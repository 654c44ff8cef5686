import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openRequestSender, type Sent } from '@fairlead/testbed/load/sender'
import { until } from '@fairlead/testbed/until'
import { cpuPerItem, readCpu } from './cpu.ts'
import { orderOf, percentAbove, type Spread, spreadOf } from './hot-path/compare.ts'
import { openRequests } from './hot-path/request.ts'
import { openRig, type Rig } from './hot-path/rig.ts'

/**
 * What the hot path of a webhook pays for the log and for all that is built on it: CPU of receiver, worker, nats-server and Redis
 * for each webhook of 2 KB, the same requests in modes that take turns in every round, through the same processes:
 *
 *   none     the worker throws its records away, the source declares no values, no projector runs
 *   stored   the worker's records are stored, as a delivery that survives crashes needs; nobody reads them
 *   declared the same, and the source declares 8 pointers and 8 headers, all of which the requests have (not by default)
 *   all      they are projected (log, issues, searches, analytics, usage), and the source declares as many
 *
 * PostgreSQL and the projector do their work beside the hot path, and are told apart. The audit log has changes of settings in it
 * and nothing of webhooks. The recording of an exchange in the worker's sender belongs to all modes.
 *
 *   node load-tests/hot-path.ts [--rounds 6] [--seconds 6] [--rate 300] [--modes none,stored,all]
 *
 * A round takes `seconds` of each mode and about 10 s more. Ends with 1 where a webhook was lost or refused: the figures are void then.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '6' },
    rate: { type: 'string', default: '300' },
    modes: { type: 'string', default: 'none,stored,all' },
  },
})
const [rounds, seconds, rate] = [Number(values.rounds), Number(values.seconds), Number(values.rate)]
/** After the load, in all modes: the projector ends its batches, the worker its records. */
const tailMs = 1_500

interface Mode {
  readonly name: string
  readonly records: boolean
  readonly projector: boolean
  readonly declares: boolean
}
const known: readonly Mode[] = [
  { name: 'none', records: false, projector: false, declares: false },
  { name: 'stored', records: true, projector: false, declares: false },
  { name: 'declared', records: true, projector: false, declares: true },
  { name: 'all', records: true, projector: true, declares: true },
]
const modes = values.modes.split(',').map(wanted => {
  const mode = known.find(({ name }) => name === wanted)
  if (!mode) throw new TypeError(`--modes: ${wanted} is none of ${known.map(({ name }) => name).join(', ')}`)
  return mode
})

interface Measured {
  /** CPU µs a webhook. */
  readonly hot: ReadonlyMap<string, number>
  readonly beside: ReadonlyMap<string, number>
  readonly refused: number
  readonly lost: number
  readonly behind: number
}

const sum = (cpu: ReadonlyMap<string, number>): number => [...cpu.values()].reduce((all, one) => all + one, 0)

async function measure(rig: Rig, mode: Mode, forSeconds = seconds): Promise<Measured> {
  rig.setRecords(mode.records)
  await rig.setProjector(mode.projector)
  const url = new URL(rig.sourceUrl(mode.declares))
  await using sender = await openRequestSender({
    hostname: url.hostname,
    port: Number(url.port),
    connections: 64,
    makeRequest: openRequests(url),
  })
  const sent: Sent[] = []
  const beside = rig.logPids()
  const before = [readCpu(rig.hotPids), readCpu(beside)] as const
  await sender.atRate(rate, forSeconds, one => sent.push(one))
  await delay(tailMs)
  const after = [readCpu(rig.hotPids), readCpu(beside)] as const
  const accepted = sent.flatMap(({ id }) => (id === undefined ? [] : [id]))
  const missing = () => accepted.filter(id => !rig.arrivals.events.has(id)).length
  await until(() => missing() === 0, { deadlineMs: 30_000, what: 'all arrivals' }).catch(() => {})
  return {
    hot: cpuPerItem(before[0], after[0], accepted.length),
    beside: cpuPerItem(before[1], after[1], accepted.length),
    refused: sent.length - accepted.length,
    lost: missing(),
    behind: mode.projector ? await rig.behind() : 0,
  }
}

const show = ({ median, least, most }: Spread, digits = 0): string =>
  `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`

function report(measured: ReadonlyMap<string, readonly Measured[]>): void {
  const hotOf = (name: string) => measured.get(name)!.map(({ hot }) => sum(hot))
  console.log(`\nCPU µs a webhook at ${rate}/s, median (least to most) of ${rounds} rounds`)
  for (const [name, list] of measured) {
    const parts = [...list[0]!.hot.keys()].map(
      part => `${part} ${show(spreadOf(list.map(({ hot }) => hot.get(part)!)))}`,
    )
    const beside = show(spreadOf(list.map(one => sum(one.beside))))
    console.log(
      `${name.padEnd(7)} ${show(spreadOf(hotOf(name)))}: ${parts.join(', ')}; PostgreSQL and projector ${beside}`,
    )
  }
  const against = (name: string, baseline: string) =>
    console.log(
      `${name} against ${baseline}: ${show(percentAbove(hotOf(name), hotOf(baseline)), 1)} % of the hot path`,
    )
  const names = [...measured.keys()]
  for (const [place, baseline] of names.entries())
    for (const name of names.slice(place + 1)) against(name, baseline)
}

await using rig = await openRig()
await until(() => fetch(rig.sourceUrl(true)).then(({ status }) => status === 405), {
  deadlineMs: 60_000,
  what: 'the configuration',
})
for (const mode of modes) await measure(rig, mode, 3) // warm-up
const measured = new Map<string, Measured[]>(modes.map(({ name }) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const mode of orderOf(modes, round)) {
    const one = await measure(rig, mode)
    measured.get(mode.name)!.push(one)
    const { refused, lost, behind } = one
    const parts = [...one.hot].map(([part, micros]) => `${part} ${Math.round(micros)}`).join(', ')
    console.log(
      `round ${round + 1} ${mode.name}: ${Math.round(sum(one.hot))} µs (${parts}); refused ${refused}, lost ${lost}, not yet in the log ${behind}`,
    )
  }
}
report(measured)
const isVoid = [...measured.values()].flat().some(({ refused, lost }) => refused + lost > 0)
if (isVoid) process.exitCode = 1
