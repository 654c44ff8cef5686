/** How long an explanation may take, and when it yields to other work of the process. */
export interface Pace {
  /** Called before each trial. Resolves at once, or after other work was done; to false once the time is used up. */
  goOn(): Promise<boolean>
}

/**
 * An explanation tries a hundred secrets on a body of some hundred KiB, in a process that answers others meanwhile. So it
 * works in slices, and ends when its time is used up. The work of one trial is bounded by the body's length.
 *
 * @param budgetMs milliseconds of work; time spent yielding is not counted
 * @param sliceMs milliseconds of work between two yields
 */
export function openPace({ budgetMs = 1_000, sliceMs = 5, now = () => performance.now() } = {}): Pace {
  let leftMs = budgetMs
  let sinceMs = now()
  return {
    async goOn() {
      const workedMs = now() - sinceMs
      if (workedMs < sliceMs) return leftMs > workedMs
      leftMs -= workedMs
      // A timer: sockets are read before it fires.
      await new Promise(resolve => setTimeout(resolve, 0))
      sinceMs = now()
      return leftMs > 0
    },
  }
}
