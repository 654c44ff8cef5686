import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { processTree } from '@fairlead/testbed/process-tree'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { freeSettings, startStandalone } from '@fairlead/testbed/standalone'
import { readCpu } from './cpu.ts'

/**
 * What `npm start` takes while nothing happens, by process and together: memory as PSS (pages that several processes share
 * are counted once), processor time in percent of one core, and context switches a second:
 *
 *   node load-tests/idle.ts [--seconds 30] [--cold]
 *
 * With Node's compile cache, as `npm start` has it: a start before fills it. `--cold`: without one.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, cold: { type: 'boolean', default: false } },
})
/** What a start leaves to do, and garbage, is over by then. */
const settleMs = 10_000

await using scratch = await scratchFolder()
const settings = await freeSettings(scratch.path)
const cache = join(import.meta.dirname, '..', 'node_modules', '.cache', 'node')
const env = values.cold ? { NODE_DISABLE_COMPILE_CACHE: '1' } : { NODE_COMPILE_CACHE: cache }
const start = async () => {
  await using starting = new AsyncDisposableStack()
  const started = starting.use(startStandalone(settings, env))
  await started.ready({ deadlineMs: 300_000 })
  starting.move()
  return started
}
if (!values.cold) await (await start())[Symbol.asyncDispose]()
await using fairlead = await start()
await delay(settleMs)
const names = ['fairlead', 'receiver', 'worker', 'nats', 'postgres', 'redis'] as const
const pids = Object.fromEntries(
  await Promise.all(names.map(async name => [name, await fairlead.pidOf(name)])),
)
const before = { cpu: readCpu(pids), switches: switchesOf(pids) }
await delay(Number(values.seconds) * 1000)
const after = { cpu: readCpu(pids), switches: switchesOf(pids) }
const seconds = Number(values.seconds)
const rows = names.map(name => ({
  process: name,
  'PSS, MiB': pssOf(pids[name]!, Object.values(pids)) / 1024,
  '% of a core': (((after.cpu.get(name) ?? 0) - (before.cpu.get(name) ?? 0)) / seconds) * 100,
  'switches a second': ((after.switches.get(name) ?? 0) - (before.switches.get(name) ?? 0)) / seconds,
}))
const columns = ['PSS, MiB', '% of a core', 'switches a second'] as const
const total = Object.fromEntries(
  columns.map(column => [column, rows.reduce((sum, row) => sum + row[column], 0)]),
)
console.table([...rows, { process: 'all', ...total }].map(rounded))

function rounded(row: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    typeof value === 'number' ? Math.round(value * 10) / 10 : value,
  ])
  return Object.fromEntries(entries)
}

/** A process and those below it that have no name of their own. */
function familyOf(pid: number, named: readonly number[]): readonly number[] {
  const others = new Set(
    named.filter(other => other !== pid).flatMap(other => (isBelow(other, pid) ? processTree(other) : [])),
  )
  return processTree(pid).filter(one => !others.has(one))
}

function isBelow(pid: number, ancestor: number): boolean {
  return processTree(ancestor).includes(pid)
}

/** KiB. A process that has ended has none. */
function pssOf(pid: number, named: readonly number[]): number {
  return familyOf(pid, named).reduce(
    (sum, one) => sum + numberIn(`/proc/${one}/smaps_rollup`, /^Pss:\s+(\d+) kB/m),
    0,
  )
}

function switchesOf(roots: Readonly<Record<string, number>>): ReadonlyMap<string, number> {
  const named = Object.values(roots)
  const count = (pid: number) =>
    numberIn(`/proc/${pid}/status`, /^voluntary_ctxt_switches:\s+(\d+)/m) +
    numberIn(`/proc/${pid}/status`, /^nonvoluntary_ctxt_switches:\s+(\d+)/m)
  return new Map(
    Object.entries(roots).map(([name, pid]) => [
      name,
      familyOf(pid, named).reduce((sum, one) => sum + count(one), 0),
    ]),
  )
}

function numberIn(path: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(path, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
