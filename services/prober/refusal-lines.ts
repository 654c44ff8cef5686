import type { Log } from '@fairlead/daemon/log'
import { openTokenBucket } from '@fairlead/daemon/token-bucket'

/** Requests that the prober refuses. Whoever makes its address a destination can cause any number of them. */
export type Refusal = 'probe.unsigned' | 'probe.changed'

export interface RefusalLines extends Disposable {
  tell(refusal: Refusal, facts: { readonly partition: number; readonly event: unknown }): void
}

/** Lines with facts of their own, of each kind. */
const ownLines = { perSecond: 0.1, burst: 5 }
/** The others are counted: a line of each kind in this time, ms. */
const everyMs = 60_000

/** @param now ms */
export function openRefusalLines(log: Pick<Log, 'error'>, now: () => number): RefusalLines {
  const buckets = {
    'probe.unsigned': openTokenBucket(ownLines),
    'probe.changed': openTokenBucket(ownLines),
  } as const satisfies Record<Refusal, unknown>
  const counts = new Map<Refusal, number>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [refusal, count] of counts) log.error({ count }, refusal)
    counts.clear()
  }

  return {
    tell(refusal, facts) {
      if (buckets[refusal].take(now()) === 0) {
        log.error(facts, refusal)
        return
      }
      counts.set(refusal, (counts.get(refusal) ?? 0) + 1)
      timer ??= setTimeout(flush, everyMs)
    },
    [Symbol.dispose]: flush,
  }
}
