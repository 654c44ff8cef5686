import type { Stage } from './scenarios.ts'

/**
 * When each request is due, ms from the start, ascending. Evenly spread within a stage; what is left of a stage's last request
 * goes over into the next stage, so that the number of requests is exact.
 */
export function* dueTimes(stages: readonly Stage[]): Generator<number> {
  let startMs = 0
  /** Requests that are owed, below 1. */
  let owed = 0
  for (const { seconds, perSecond } of stages) {
    const endMs = startMs + seconds * 1000
    if (perSecond > 0) {
      const everyMs = 1000 / perSecond
      let at = startMs + (1 - owed) * everyMs
      // Half a microsecond: sums of fractions miss the stage's end by less.
      for (; at <= endMs + 0.0005; at += everyMs) yield at
      owed = 1 - (at - endMs) / everyMs
    }
    startMs = endMs
  }
}

export const durationSeconds = (stages: readonly Stage[]): number =>
  stages.reduce((sum, { seconds }) => sum + seconds, 0)
