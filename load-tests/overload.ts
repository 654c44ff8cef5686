import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Arrivals, openArrivals } from '@fairlead/testbed/load/arrivals'
import { type LoadSender, openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, type Subject, startSubject } from '@fairlead/testbed/load/subject'
import { until } from '@fairlead/testbed/until'
import { cpuPerItem, readCpu } from './cpu.ts'
import { readMetric } from './neighbours.ts'
import { percentile } from './percentile.ts'
import { startRefuser } from './refuser.ts'

/**
 * What happens at three times the capacity: how much is still accepted and delivered in that time, how quickly the rest is
 * refused, and what memory that takes. In each round, because the machine changes too:
 *
 *   peak     as many connections as are kept busy, which is the capacity
 *   control  the same, while a bare server (`refuser.ts`) refuses the two thirds that will be too much
 *   over     three times the peak, whatever the answers do
 *
 * Generator and destination share the processors with what they load, and three times as many requests take more of them:
 * the control tells what is left of the peak when refusing costs Fairlead nothing. What the bare server takes to refuse
 * a request in the same seconds, on processors that are all busy, tells how much of the time is Fairlead's.
 *
 *   node load-tests/overload.ts [--seconds 20] [--rounds 3] [--times 3] [--connections 6000] [--apart]
 *
 * With --apart (Linux, taskset) all of Fairlead has one processor, and the generator, the destination and the control's
 * bare server the others: what Fairlead does with less, without anyone taking it away.
 *
 * The promise: goodput of 95 % of the peak or more, 429 or 503 with Retry-After in under 5 ms, bounded memory.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    times: { type: 'string', default: '3' },
    connections: { type: 'string', default: '6000' },
    apart: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const bodyBytes = 2048
/** Enough to keep the receiver busy, and few enough that none waits long. */
const peakConnections = 256
const parkedMetric = 'fairlead_deliveries_parked_total'
/** Enough for a percentile, and too few to take processors from what is measured. */
const barePerSecond = 100

interface Measured {
  readonly sent: readonly Sent[]
  /** Requests to the bare server. */
  readonly bare: readonly Sent[]
  /** A second, while the load lasted. */
  readonly accepted: number
  readonly delivered: number
  /** Deliveries a second that found their lane full: each costs more than one that is attempted at once. */
  readonly parked: number
  /** The most that Fairlead's processes had in memory, MiB. */
  readonly memoryMib: number
  /** Cores that were used while the load lasted: by Fairlead with its servers, and by generator and destination. */
  readonly cores: { readonly fairlead: number; readonly generator: number }
}

async function measure(
  subject: Subject,
  arrivals: Arrivals,
  bareSender: LoadSender,
  load: (tell: (sent: Sent) => void) => Promise<void>,
): Promise<Measured> {
  const own = await Promise.all(
    (['fairlead', 'receiver', 'worker'] as const).map(name => subject.standalone.pidOf(name)),
  )
  const sent: Sent[] = []
  const before = arrivals.events.size
  const startMs = performance.now()
  let memoryMib = 0
  const watching = setInterval(() => {
    memoryMib = Math.max(memoryMib, residentMib(own))
  }, 250)
  const roots = { ...(await subject.pids()), generator: process.pid }
  const cpuBefore = readCpu(roots)
  const parkedBefore = await readMetric(subject, parkedMetric)
  let delivered = 0
  let parked = 0
  let cores = { fairlead: 0, generator: 0 }
  setTimeout(async () => {
    delivered = arrivals.events.size - before
    cores = coresOf(cpuPerItem(cpuBefore, readCpu(roots), seconds))
    parked = (await readMetric(subject, parkedMetric)) - parkedBefore
  }, seconds * 1000)
  const bare: Sent[] = []
  await Promise.all([
    load(one => sent.push(one)),
    bareSender.atRate(barePerSecond, seconds, one => bare.push(one)),
  ])
  // What was accepted is owed, whatever the load.
  await until(() => sent.every(({ id }) => id === undefined || arrivals.events.has(id)), {
    deadlineMs: 300_000,
    everyMs: 100,
    what: 'the arrival of all that was accepted',
  })
  clearInterval(watching)
  const inTime = sent.filter(
    ({ id, dueMs, acceptMs }) => id !== undefined && dueMs + acceptMs - startMs <= seconds * 1000,
  )
  return {
    sent,
    bare,
    accepted: inTime.length / seconds,
    delivered: delivered / seconds,
    parked: parked / seconds,
    memoryMib,
    cores,
  }
}

/** Moves this process with all its threads to these processors. */
function runOn(processors: string): void {
  execFileSync('taskset', ['-acp', processors, `${process.pid}`])
}

/** @param cpu µs of processor time for each second */
function coresOf(cpu: ReadonlyMap<string, number>): Measured['cores'] {
  const generator = (cpu.get('generator') ?? 0) / 1e6
  const all = [...cpu.values()].reduce((sum, micros) => sum + micros, 0) / 1e6
  return { generator, fairlead: all - generator }
}

function residentMib(pids: readonly number[]): number {
  const kib = pids.map(pid =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]),
  )
  return Math.round(kib.reduce((sum, each) => sum + each, 0) / 1024)
}

function report(name: string, { sent, bare, accepted, delivered, parked, memoryMib, cores }: Measured): void {
  const refused = sent.filter(({ status }) => status === 429 || status === 503)
  const unanswered = sent.filter(({ status }) => status === 0)
  const others = sent.filter(({ id, status }) => !id && ![0, 429, 503].includes(status))
  const statuses = [...new Set(others.map(({ status }) => status))].join(', ')
  const inMs = (answers: readonly Sent[]) => {
    const list = answers.map(({ answerMs }) => answerMs)
    return [0.5, 0.95, 0.99].map(p => `p${p * 100} ${percentile(list, p).toFixed(1)}`).join('  ')
  }
  console.log(
    `${name}: offered ${Math.round(sent.length / seconds)}/s, accepted ${Math.round(accepted)}/s, delivered ` +
      `${Math.round(delivered)}/s while it lasted, parked ${Math.round(parked)}/s; memory ${memoryMib} MiB; ` +
      `cores: Fairlead ${cores.fairlead.toFixed(2)}, generator and destination ${cores.generator.toFixed(2)}`,
  )
  if (sent.length > 0 && refused.length + unanswered.length + others.length > 0) {
    const untold = refused.filter(({ retryAfter }) => retryAfter === undefined).length
    console.log(
      `  refused ${refused.length} (${untold} without Retry-After) in ms ${inMs(refused)}; ` +
        `unanswered ${unanswered.length}, other answers ${others.length} ${statuses}`,
    )
    // Where most connections are made.
    const firstMs = Math.min(...sent.slice(0, 1_000).map(({ dueMs }) => dueMs)) + 1_000
    console.log(`  those of the first second: ${inMs(refused.filter(({ dueMs }) => dueMs < firstMs))}`)
  }
  console.log(`  a bare server's refusals in ms ${inMs(bare)}`)
}

async function main(): Promise<void> {
  await using arrivals = await openArrivals()
  // What is started now inherits it.
  if (values.apart) runOn('0')
  const destinationUrl = `http://127.0.0.1:${arrivals.port}/hooks`
  await using subject = await startSubject([{ name: 'load', destinationUrl }])
  await using refuser = await startRefuser()
  if (values.apart) runOn(`1-${cpus().length - 1}`)
  await using controlRefuser = await startRefuser()
  const options = { url: subject.sourceUrl('load'), secret: loadSecret, bodyBytes }
  const crowdOptions = { ...options, connections: Number(values.connections) }
  await using steady = await openLoadSender({ ...options, connections: peakConnections })
  await using bare = await openLoadSender({ ...options, url: refuser.url, connections: 64 })
  await steady.asFastAsPossible(10, () => {}) // warm-up
  const times = Number(values.times)
  const ratios: Record<'peak' | 'control', string>[] = []
  for (let round = 1; round <= Number(values.rounds); round++) {
    const peak = await measure(subject, arrivals, bare, tell => steady.asFastAsPossible(seconds, tell))
    report(`round ${round}, peak`, peak)
    const control = await measure(subject, arrivals, bare, async tell => {
      await using refused = await openLoadSender({ ...crowdOptions, url: controlRefuser.url })
      await Promise.all([
        steady.asFastAsPossible(seconds, tell),
        refused.atRate(peak.accepted * (times - 1), seconds, () => {}),
      ])
    })
    report(`round ${round}, control`, control)
    const over = await measure(subject, arrivals, bare, async tell => {
      await using crowd = await openLoadSender(crowdOptions)
      await crowd.atRate(peak.accepted * times, seconds, tell)
    })
    report(`round ${round}, over`, over)
    ratios.push({ peak: compare(over, peak), control: compare(over, control) })
  }
  for (const to of ['peak', 'control'] as const)
    console.log(`accepted and delivered to the ${to}: ${ratios.map(ratio => ratio[to]).join(', ')}`)
}

function compare(over: Measured, to: Measured): string {
  const percent = (what: 'accepted' | 'delivered') => Math.round((over[what] / to[what]) * 100)
  return `${percent('accepted')} and ${percent('delivered')} %`
}

await main()
