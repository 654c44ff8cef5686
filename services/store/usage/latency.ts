/** Upper bounds in milliseconds of the steps in which durations are counted: `latency_bucket` in SQL has the same. */
export const latencySteps = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000,
  10_000, 15_000, 20_000, 30_000,
] as const

/** The step that a duration in ms is counted in, from 0. Pure. */
export function latencyPlace(ms: number): number {
  let place = 0
  while (place < latencySteps.length && ms >= latencySteps[place]!) place++
  return place
}

/**
 * A percentile from counts by step, evenly spread within a step; above the last step, that step. Undefined without counts.
 * Pure.
 *
 * @param share in (0, 1]
 */
export function percentile(counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  const wanted = share * total
  let below = 0
  for (const [step, count] of counts.entries()) {
    if (below + count >= wanted && count > 0) {
      const from = step === 0 ? 0 : latencySteps[step - 1]!
      const to = latencySteps[step] ?? from
      return from + ((to - from) * (wanted - below)) / count
    }
    below += count
  }
  return latencySteps.at(-1)
}
