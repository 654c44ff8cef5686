import { randomBytes } from 'node:crypto'
import type { Log } from '@fairlead/daemon/log'
import type { Target } from './cover.ts'
import type { Memory } from './memory.ts'
import type { Partition } from './partition.ts'
import { hasArrived, type Probe } from './probe.ts'
import { askLog, type Receivers, sendProbe } from './send.ts'
import type { ProbeTraces } from './traces.ts'

/** A partition, and the organization that its probes go to. */
export interface Probed {
  readonly target: Target
  readonly partition: Partition
}

export interface RoundsOptions {
  readonly probed: readonly Probed[]
  readonly receivers: Receivers
  readonly apiUrl: string
  readonly memory: Memory
  readonly intervalMs: number
  readonly lostMs: number
  readonly log: Log
  /** Absent: no collector is configured. */
  readonly traces?: ProbeTraces | undefined
  now(): number
}

const retryMs = 1_000
const logEveryMs = 2_000

/**
 * What is done with probes over time, in steps: `step` begins those that are due, tries again those that no receiver accepted,
 * asks the log, and gives up what is lost. It never waits: what it began goes on beside the next step.
 */
export interface Rounds {
  step(): void
  /** Writes a partition into memory, after a change: a prober that is started anew knows of it from then on. */
  keep(partition: Partition): Promise<void>
  /** Resolves when nothing is under way and all is kept. */
  settled(): Promise<void>
}

export function openRounds(options: RoundsOptions): Rounds {
  const { probed, intervalMs, now } = options
  const startMs = now()
  const dueMs = new Map(
    probed.map(({ partition }, index) => [partition.number, startMs + (index * intervalMs) / probed.length]),
  )
  /** Calls that are under way, and when what they are for may be tried again. */
  const busy = new Map<Probe, Promise<void>>()
  const notBeforeMs = new Map<Probe, number>()
  const writing = new Map<number, Promise<void>>()
  /** Partitions that the log is asked about: one question at a time, however many probes are open. */
  const asking = new Set<number>()

  /** Probes that are kept are what is open, so a partition is written before its probe is sent. */
  function keep(partition: Partition): Promise<void> {
    const before = writing.get(partition.number) ?? Promise.resolve()
    const written = before.then(() => options.memory.write(partition.number, partition.keep()))
    writing.set(partition.number, written)
    return written
  }

  function start(probe: Probe, waitMs: number, call: () => Promise<void>): void {
    if (busy.has(probe) || now() < (notBeforeMs.get(probe) ?? 0)) return
    const running = call()
      .catch((err: unknown) => options.log.error({ err, probe: probe.id }, 'probe.failed'))
      .finally(() => {
        busy.delete(probe)
        notBeforeMs.set(probe, now() + waitMs)
      })
    busy.set(probe, running)
  }

  async function send({ target, partition }: Probed, probe: Probe): Promise<void> {
    if (probe.tries === 0) await keep(partition)
    const receiver = options.receivers.at(probe.sequence + probe.tries)
    probe.tries += 1
    const sent = await sendProbe(receiver, target, probe, now(), options.traces?.headersOf(probe))
    if (sent.kind === 'accepted') partition.accepted(probe, sent.event, now())
    else if (partition.open.includes(probe)) partition.refused(probe, sent.why)
    await keep(partition)
  }

  /** Asks the log of a probe that waits for it, or that has not arrived for so long that it must be lost. */
  async function ask({ target, partition }: Probed, probe: Probe, isOverdue: boolean): Promise<void> {
    asking.add(partition.number)
    const logged = await askLog(options.apiUrl, target, probe.event ?? '').finally(() =>
      asking.delete(partition.number),
    )
    if (!partition.open.includes(probe)) return
    if (logged === 'success' && probe.open.includes('log')) partition.logged(probe, now())
    if (!isOverdue || !partition.open.includes(probe)) return
    // Delivered while nobody was here to take it, or taken here while the log is behind: that is no loss.
    const isDelivered = logged === 'success' || hasArrived(probe)
    if (logged === 'unknown' && !isDelivered) return
    partition.close(probe, isDelivered ? 'missed' : 'lost', now())
    if (!isDelivered)
      options.log.error(
        { probe: probe.id, event: probe.event, partition: partition.number, logged },
        'probe.lost',
      )
    await keep(partition)
  }

  function look(one: Probed, probe: Probe, nowMs: number): void {
    const ageMs = nowMs - probe.sentMs
    if (probe.event === undefined) {
      if (ageMs > options.lostMs) one.partition.close(probe, 'refused', nowMs)
      else start(probe, retryMs, () => send(one, probe))
      return
    }
    const isOverdue = ageMs > options.lostMs
    const waitsForLog = probe.open.includes('log') && hasArrived(probe)
    if ((isOverdue || waitsForLog) && !asking.has(one.partition.number))
      start(probe, logEveryMs, () => ask(one, probe, isOverdue))
  }

  return {
    step() {
      const nowMs = now()
      for (const one of probed) {
        const { partition } = one
        if (nowMs >= (dueMs.get(partition.number) ?? 0)) {
          dueMs.set(partition.number, nowMs + intervalMs)
          partition.begin(nowMs, randomBytes(4).toString('hex'))
        }
        for (const probe of [...partition.open]) look(one, probe, nowMs)
      }
      for (const probe of notBeforeMs.keys())
        if (!busy.has(probe) && !probed.some(({ partition }) => partition.open.includes(probe)))
          notBeforeMs.delete(probe)
    },
    keep,
    async settled() {
      await Promise.all(busy.values())
      await Promise.all(probed.map(({ partition }) => keep(partition)))
    },
  }
}
