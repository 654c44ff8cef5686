import { setTimeout as delay } from 'node:timers/promises'
import { signalTree } from '../process-tree.ts'
import type { Disturbance } from './compare.ts'
import type { Platform, Victim } from './platform.ts'
import type { Fault, FaultKind, Targets } from './schedule.ts'

/** The disturbances of a platform. */
export function targetsOf({ processes, links, disks }: Platform): Targets {
  const kinds = (names: readonly string[], of: readonly FaultKind[]) => names.map(name => [name, of] as const)
  return Object.fromEntries([
    ...kinds(Object.keys(processes), ['kill', 'freeze', 'restart']),
    ...kinds(Object.keys(links), ['cut', 'stall']),
    ...kinds(Object.keys(disks), ['fill']),
  ])
}

/** A receiver's or a store's link to nats-servers is not theirs: what is cut there is not delivered again. */
function hitsDelivery(target: string): boolean {
  return /^(worker|nats)/.test(target)
}

/** Carries out a schedule; resolves when everything that was broken is whole again. */
export async function inflict(faults: readonly Fault[], platform: Platform): Promise<Disturbance[]> {
  const startMs = performance.now()
  const turn = turns()
  return await Promise.all(
    faults.map(async fault => {
      await delay(Math.max(0, fault.atMs - (performance.now() - startMs)))
      const name = `${fault.kind} ${fault.target}`
      const began = performance.now()
      console.log(`  ${(began - startMs).toFixed(0).padStart(6)} ms  ${name} for ${fault.holdMs} ms`)
      await turn(fault.target, () => carryOut(fault, platform))
      return { name, startMs: began, endMs: performance.now(), hitsDelivery: hitsDelivery(fault.target) }
    }),
  )
}

/** One at a time for each target: on a slow machine a restart may take longer than planned. */
function turns() {
  const last = new Map<string, Promise<unknown>>()
  return async (target: string, work: () => Promise<void>): Promise<void> => {
    // A server and its disk are one.
    const key = target.replace(/-disk$/, '')
    const before = last.get(key)
    const mine = (async () => {
      await before?.catch(() => {})
      await work()
    })()
    last.set(key, mine)
    await mine
  }
}

async function carryOut({ kind, target, holdMs }: Fault, platform: Platform): Promise<void> {
  const process = () => platform.processes[target]!
  switch (kind) {
    case 'kill': {
      await process().kill9()
      await delay(holdMs)
      await process().start()
      return
    }
    case 'freeze': {
      const { pid } = process()
      signalTree(pid, 'SIGSTOP')
      await delay(holdMs)
      signalTree(pid, 'SIGCONT')
      return
    }
    case 'restart': {
      await process().stop()
      await process().start()
      return
    }
    case 'cut':
    case 'stall': {
      const link = platform.links[target]!
      link[kind]()
      await delay(holdMs)
      link.heal()
      return
    }
    case 'fill': {
      const { disk, server } = platform.disks[target]!
      await disk.fill()
      await delay(holdMs)
      await disk.empty()
      await startAgain(server)
      return
    }
    default:
      return kind satisfies never
  }
}

/** After its disk was full a server may have ended, or have switched off what it stores: its supervisor starts it anew. */
async function startAgain(server: Victim): Promise<void> {
  await server.kill9()
  await server.start()
}
