import { seeded } from '../seeded.ts'

/**
 * What is done to the system, and when: drawn from a seed, so that a run which found a fault can be made again. Pure.
 */

export type FaultKind =
  /** kill -9, and a start after the hold. */
  | 'kill'
  /** SIGSTOP to the whole process tree, SIGCONT after the hold. */
  | 'freeze'
  /** An orderly stop and a start at once: a rolling update. */
  | 'restart'
  /** Connections are reset and refused. */
  | 'cut'
  /** Connections stay open and pass nothing. */
  | 'stall'
  /** The disk takes no more bytes. */
  | 'fill'

export interface Fault {
  /** From the start of the schedule, ms. */
  readonly atMs: number
  readonly holdMs: number
  readonly kind: FaultKind
  /** A process, a link or a disk, by name. */
  readonly target: string
}

/** What can be done to each target. */
export type Targets = Readonly<Record<string, readonly FaultKind[]>>

/** From one fault's beginning to the next one's, ms. Holds are longer, so that faults overlap. */
const gapMs = { least: 500, most: 4_000 }
const holdMs = { least: 200, most: 6_000 }

/** @param lastMs no fault begins later */
export function planFaults(seed: number, targets: Targets, lastMs: number): Fault[] {
  const random = seeded(seed)
  const between = ({ least, most }: { least: number; most: number }) =>
    Math.round(least + random() * (most - least))
  const names = Object.keys(targets).sort()
  const busyUntilMs = new Map<string, number>()
  const faults: Fault[] = []
  for (let atMs = between(gapMs); atMs <= lastMs; atMs += between(gapMs)) {
    // A target has one fault at a time, and a moment to recover; the draw is made in any case.
    const drawn = names[Math.floor(random() * names.length)]!
    const kinds = targets[drawn]!
    const kind = kinds[Math.floor(random() * kinds.length)]!
    const fault = { atMs, holdMs: between(holdMs), kind, target: drawn }
    if ((busyUntilMs.get(drawn) ?? 0) > atMs) continue
    busyUntilMs.set(drawn, atMs + fault.holdMs + 3_000)
    faults.push(fault)
  }
  return faults
}
