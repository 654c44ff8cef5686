import { openTokenBucket } from '@fairlead/daemon/token-bucket'
import type { Source } from '../directory.ts'
import type { ProblemCode } from '../problem.ts'

/**
 * Refused requests in log and metric. Strangers can cause any number of them, so most get no line of their own:
 *
 *   told     the first few of a source, each with a line of its own
 *   counted  the others, and all that are refused before their body is read: one line a second for each source and
 *            reason, with their number
 */
export interface RefusalLog extends Disposable {
  /** A request that was refused before its body was read. */
  count(source: Source | undefined, code: ProblemCode, reason: string): void
  /** A request that was refused after that. */
  tell(source: Source, code: ProblemCode, reason: string): void
}

export interface Refused {
  /** Absent where no source has that name, and for sources above the bound on lines. */
  readonly source: Source | undefined
  readonly code: ProblemCode
  readonly reason: string
  readonly count: number
}

const everyMs = 1_000
/** Lines a second for counts. With more sources and reasons the largest counts have a line each, the others one for each code. */
const mostLines = 50
/** Lines of requests of their own, for all sources together; for one source see its `lineBucket`. */
const linesInAll = { perSecond: 10, burst: 100 }

export interface RefusalLogOptions {
  tellOne(refused: Refused): void
  tellMany(refused: Refused): void
  /** Milliseconds. */
  now(): number
}

export function openRefusalLog({ tellOne, tellMany, now }: RefusalLogOptions): RefusalLog {
  const inAll = openTokenBucket(linesInAll)
  let counts = new Map<Source | undefined, Map<string, Counted>>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const all = [...counts.values()].flatMap(reasons => [...reasons.values()])
    counts = new Map()
    for (const refused of boundLines(all, mostLines)) tellMany(refused)
  }

  function count(source: Source | undefined, code: ProblemCode, reason: string): void {
    let reasons = counts.get(source)
    if (!reasons) {
      reasons = new Map()
      counts.set(source, reasons)
    }
    const known = reasons.get(reason)
    if (known) known.count++
    else reasons.set(reason, { source, code, reason, count: 1 })
    timer ??= setTimeout(flush, everyMs)
  }

  return {
    count,
    tell(source, code, reason) {
      const nowMs = now()
      if (source.lineBucket.take(nowMs) > 0 || inAll.take(nowMs) > 0) count(source, code, reason)
      else tellOne({ source, code, reason, count: 1 })
    },
    [Symbol.dispose]: flush,
  }
}

type Counted = { -readonly [Field in keyof Refused]: Refused[Field] }

/** At most `most` lines, and one for each code and reason: of the smaller counts their sum, without their sources. */
export function boundLines(all: readonly Refused[], most: number): readonly Refused[] {
  if (all.length <= most) return all
  const largest = all.toSorted((a, b) => b.count - a.count)
  const sums = new Map<string, Counted>()
  for (const { code, reason, count } of largest.slice(most)) {
    const key = `${code} ${reason}`
    const sum = sums.get(key)
    if (sum) sum.count += count
    else sums.set(key, { source: undefined, code, reason, count })
  }
  return [...largest.slice(0, most), ...sums.values()]
}
