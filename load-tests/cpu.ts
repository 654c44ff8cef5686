import { readdirSync, readFileSync } from 'node:fs'

/** CPU seconds of processes and their descendants, by name. Reads /proc, so Linux only. */
export type CpuReading = ReadonlyMap<string, number>

const ticksPerSecond = 100 // sysconf(_SC_CLK_TCK): 100 on every Linux that Node runs on

/** What each of these has used so far: user and system time, of the process and of all that descend from it. */
export function readCpu(roots: Readonly<Record<string, number>>): CpuReading {
  const processes = readProcesses()
  const used = new Map<string, number>()
  const claimed = new Set(Object.values(roots))
  for (const [name, pid] of Object.entries(roots))
    used.set(name, sumTree(pid, processes, claimed) / ticksPerSecond)
  return used
}

/** CPU µs for each of `count` things between two readings. */
export function cpuPerItem(before: CpuReading, after: CpuReading, count: number): Map<string, number> {
  return new Map(
    [...after].map(([name, seconds]) => [name, ((seconds - (before.get(name) ?? 0)) * 1e6) / count]),
  )
}

interface ProcessStat {
  readonly parent: number
  readonly ticks: number
}

function readProcesses(): Map<number, ProcessStat> {
  const processes = new Map<number, ProcessStat>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      // The name is in parentheses and may hold anything: what follows the last one is fixed (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // Children that have ended count for their parent: PostgreSQL's workers come and go.
      const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0)
      processes.set(Number(entry), { parent: Number(fields[1]), ticks })
    } catch {
      // It ended meanwhile.
    }
  }
  return processes
}

/** Stops at processes that are counted under a name of their own. */
function sumTree(
  pid: number,
  processes: ReadonlyMap<number, ProcessStat>,
  claimed: ReadonlySet<number>,
): number {
  let ticks = processes.get(pid)?.ticks ?? 0
  for (const [child, { parent }] of processes) {
    if (parent === pid && !claimed.has(child)) ticks += sumTree(child, processes, claimed)
  }
  return ticks
}
