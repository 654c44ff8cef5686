import type { Source } from './directory.ts'

/**
 * Requests that were refused because too much came. A line for each would be work for what is turned away, taken from
 * what is accepted: there is one a second for each source, with how many they were.
 */
export interface Shed extends Disposable {
  add(source: Source): void
}

const everyMs = 1_000

export function openShed(tell: (source: Source, count: number) => void): Shed {
  const counts = new Map<Source, number>()
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [source, count] of counts) tell(source, count)
    counts.clear()
  }

  return {
    add(source) {
      counts.set(source, (counts.get(source) ?? 0) + 1)
      timer ??= setTimeout(flush, everyMs)
    },
    [Symbol.dispose]: flush,
  }
}
