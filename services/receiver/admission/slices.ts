/**
 * Divides what accepting takes over turns of the event loop. What hundreds of requests ask for at one time would
 * otherwise be done in one turn, and each turn takes but one new connection (libuv 1.45 and later, PR 3696): who could
 * be refused in a moment would wait behind all that is accepted.
 */
export interface Slices {
  /** Resolves when this one may go on, in order; undefined: now. */
  enter(): Promise<void> | undefined
}

/** About a millisecond of work. */
const perTurn = 4

export function openSlices(): Slices {
  const waiting: (() => void)[] = []
  let left = perTurn
  let scheduled = false

  function nextTurn(): void {
    scheduled = false
    left = Math.max(0, perTurn - waiting.length)
    for (const goOn of waiting.splice(0, perTurn)) goOn()
    if (left < perTurn) schedule()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(nextTurn)
  }

  return {
    enter() {
      schedule()
      if (left > 0) {
        left--
        return undefined
      }
      return new Promise(resolve => waiting.push(resolve))
    },
  }
}
