import type { Source } from '../directory.ts'
import type { ProblemCode } from '../problem.ts'

/**
 * Requests that were refused before their body was read. A line for each would be work for what is turned away, taken
 * from what is accepted, and whoever sends them would fill the log: there is one a second for each source and reason,
 * with how many they were. The metric is told then too.
 */
export interface EarlyRefusals extends Disposable {
  add(source: Source | undefined, code: ProblemCode, reason: EarlyReason): void
}

/** `overloaded`: an `unavailable` that more room would have spared. */
export type EarlyReason = ProblemCode | 'overloaded'

export interface Refused {
  /** Absent where there is none of that name. */
  readonly source: Source | undefined
  readonly code: ProblemCode
  readonly reason: EarlyReason
  readonly count: number
}

const everyMs = 1_000

export function openEarlyRefusals(tell: (refused: Refused) => void): EarlyRefusals {
  const counts = new Map<Source | undefined, Map<EarlyReason, { code: ProblemCode; count: number }>>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [source, reasons] of counts)
      for (const [reason, { code, count }] of reasons) tell({ source, code, reason, count })
    counts.clear()
  }

  return {
    add(source, code, reason) {
      let reasons = counts.get(source)
      if (!reasons) {
        reasons = new Map()
        counts.set(source, reasons)
      }
      const known = reasons.get(reason)
      if (known) known.count++
      else reasons.set(reason, { code, count: 1 })
      timer ??= setTimeout(flush, everyMs)
    },
    [Symbol.dispose]: flush,
  }
}
