import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { openArrivals } from '@fairlead/testbed/load/arrivals'
import { openLoadSender, type Sent } from '@fairlead/testbed/load/sender'
import { loadSecret, startSubject } from '@fairlead/testbed/load/subject'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { cpuPerItem, readCpu } from './cpu.ts'

/**
 * What each process of `npm start` asks of the kernel for a webhook of 2 KB: context switches, and with strace system calls.
 *
 *   node load-tests/syscalls.ts [--rates 100,500,closed] [--seconds 10] [--show 8]
 *
 * `closed` is a closed loop of 64 connections. The switches and the processor time are counted without strace, in a
 * run of their own, because tracing makes all of it slower. Of PostgreSQL only the log's writer is traced.
 */
const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '100,500,closed' },
    seconds: { type: 'string', default: '10' },
    show: { type: 'string', default: '8' },
  },
})
const seconds = Number(values.seconds)

await using scratch = await scratchFolder()
await using arrivals = await openArrivals()
await using subject = await startSubject([
  { name: 'load', destinationUrl: `http://127.0.0.1:${arrivals.port}/hooks` },
])
const pids: Readonly<Record<string, number>> = {
  ...(await subject.pids()),
  receiver: await subject.standalone.pidOf('receiver'),
  worker: await subject.standalone.pidOf('worker'),
}
await using sender = await openLoadSender({
  url: subject.sourceUrl('load'),
  secret: loadSecret,
  connections: 64,
  bodyBytes: 2048,
})
await send('200', 5)
for (const rate of values.rates.split(',')) {
  await countSwitches(rate)
  await countCalls(rate)
}

function nameOf(rate: string): string {
  return rate === 'closed' ? 'closed loop of 64' : `${rate}/s`
}

/** Sends, and waits until all has arrived and is in the log. Answers how many were sent. */
async function send(rate: string, forSeconds: number): Promise<number> {
  const sent: Sent[] = []
  const tell = (one: Sent) => void sent.push(one)
  if (rate === 'closed') await sender.asFastAsPossible(forSeconds, tell)
  else await sender.atRate(Number(rate), forSeconds, tell)
  const accepted = sent.filter(({ id }) => id !== undefined)
  await until(() => accepted.every(({ id }) => arrivals.events.has(id!)), { deadlineMs: 60_000, everyMs: 50 })
  await delay(1_000)
  return sent.length
}

async function countSwitches(rate: string): Promise<void> {
  const before = { cpu: readCpu(pids), switches: switchesOf() }
  const count = await send(rate, seconds)
  const cpu = cpuPerItem(before.cpu, readCpu(pids), count)
  const after = switchesOf()
  console.log(`\n${nameOf(rate)}: CPU µs and context switches a webhook`)
  for (const name of Object.keys(pids)) {
    const switches = ((after.get(name) ?? 0) - (before.switches.get(name) ?? 0)) / count
    console.log(`  ${name.padEnd(9)} ${Math.round(cpu.get(name) ?? 0)} µs, ${switches.toFixed(1)}`)
  }
}

async function countCalls(rate: string): Promise<void> {
  const traces = await Promise.all(Object.entries(await traced()).map(([name, pid]) => startTrace(name, pid)))
  await delay(500)
  const count = await send(rate, seconds)
  console.log(`${nameOf(rate)}: system calls a webhook`)
  for (const trace of traces) console.log(await trace.end(count))
}

async function traced(): Promise<Record<string, number>> {
  const { postgres, ...others } = pids
  // Of PostgreSQL's processes it is the busiest by far.
  const [writer] = childrenOf(postgres!).toSorted((a, b) => ticksOf(b) - ticksOf(a))
  return { ...others, ...(writer && { 'log writer': writer }) }
}

async function startTrace(name: string, pid: number) {
  const file = join(scratch.path, `${name}.strace`)
  const child = spawn('strace', ['-c', '-f', '-qq', '-o', file, '-p', String(pid)], { stdio: 'inherit' })
  await once(child, 'spawn')
  return {
    async end(webhooks: number): Promise<string> {
      child.kill('SIGINT')
      await once(child, 'exit')
      const calls = [
        ...(await readFile(file, 'utf8')).matchAll(/^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$/gm),
      ]
        .filter(([, , call]) => call !== 'total')
        .map(([, count, call]) => ({ call: call!, each: Number(count) / webhooks }))
        .toSorted((a, b) => b.each - a.each)
      const total = calls.reduce((sum, { each }) => sum + each, 0)
      const most = calls.slice(0, Number(values.show)).map(({ call, each }) => `${call} ${each.toFixed(2)}`)
      return `  ${name.padEnd(10)} ${total.toFixed(1)}: ${most.join(', ')}`
    },
  }
}

/** Of all threads. */
function switchesOf(): ReadonlyMap<string, number> {
  const of = (pid: number): number =>
    threadsOf(pid).reduce((sum, status) => {
      const found = [...status.matchAll(/^(?:non)?voluntary_ctxt_switches:\s+(\d+)/gm)]
      return sum + found.reduce((both, [, count]) => both + Number(count), 0)
    }, 0)
  return new Map(
    Object.entries(pids).map(([name, pid]) => {
      const family = name === 'postgres' ? [pid, ...childrenOf(pid)] : [pid]
      return [name, family.reduce((sum, one) => sum + of(one), 0)]
    }),
  )
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(id => readFileSync(`/proc/${pid}/task/${id}/status`, 'utf8'))
  } catch {
    return []
  }
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
}

/** Of user and system time together. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
