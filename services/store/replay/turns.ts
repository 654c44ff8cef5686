/** Which Replay's turn it is. Each Replay has its own pace, and none waits for another's rate. */
export interface Turns {
  /** The Replay that has been due longest; or the time until one is due, at most that of a poll. */
  next(active: readonly string[], nowMs: number): { readonly id?: string; readonly waitMs: number }
  /** Sets the next turn. Missed turns are not made up for, because the rate is a bound. */
  taken(id: string, startedMs: number, durationMs: number): void
  /** Puts it off; answers how often in turn it has failed. */
  failed(id: string, nowMs: number): number
}

export function openTurns(pollMs: number, backoffMs: number): Turns {
  /** Unix milliseconds of the next turn of those that had one. */
  const due = new Map<string, number>()
  const faults = new Map<string, number>()
  return {
    next(active, nowMs) {
      const ids = new Set(active)
      for (const map of [due, faults]) for (const id of map.keys()) if (!ids.has(id)) map.delete(id)
      let first: { id: string; at: number } | undefined
      for (const id of ids) {
        const at = due.get(id) ?? 0
        if (!first || at < first.at) first = { id, at }
      }
      if (!first) return { waitMs: pollMs }
      return first.at <= nowMs ? { id: first.id, waitMs: 0 } : { waitMs: Math.min(pollMs, first.at - nowMs) }
    },
    taken(id, startedMs, durationMs) {
      due.set(id, startedMs + durationMs)
      faults.delete(id)
    },
    failed(id, nowMs) {
      const count = (faults.get(id) ?? 0) + 1
      due.set(id, nowMs + backoffMs)
      faults.set(id, count)
      return count
    },
  }
}
