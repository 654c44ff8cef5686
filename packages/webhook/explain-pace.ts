/** How long an explanation may take, and when it lets others have their turn. */
export interface Pace {
  /** Asked before each trial. Resolves at once, or after others had their turn; false once the time is used up. */
  goOn(): Promise<boolean>
}

/**
 * An explanation tries a hundred secrets on a body of some hundred KiB, in a process that answers others meanwhile. So it
 * works in slices, and ends when its time is used up. What it does between two questions is bounded by the body's length.
 *
 * @param budgetMs of work, waiting for one's turn not counted; milliseconds
 * @param sliceMs after which others have their turn; milliseconds
 */
export function openPace({ budgetMs = 1_000, sliceMs = 5, now = () => performance.now() } = {}): Pace {
  let leftMs = budgetMs
  let sinceMs = now()
  return {
    async goOn() {
      const workedMs = now() - sinceMs
      if (workedMs < sliceMs) return leftMs > workedMs
      leftMs -= workedMs
      // A timer, since whatever came in meanwhile is read before it.
      await new Promise(resolve => setTimeout(resolve, 0))
      sinceMs = now()
      return leftMs > 0
    },
  }
}
