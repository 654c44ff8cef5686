/** A figure of several rounds. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (place: number) => sorted[place] ?? Number.NaN
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    least: at(0),
    most: at(sorted.length - 1),
  }
}

/**
 * By how many percent `values` are above `baseline`: compared round by round, because the machine changes between rounds more than
 * within one.
 */
export const percentAbove = (values: readonly number[], baseline: readonly number[]): Spread =>
  spreadOf(values.map((value, round) => (value / baseline[round]! - 1) * 100))

/** Each mode comes as often as the others before and after each of them: what a mode leaves behind burdens all alike. */
export function orderOf<Mode>(modes: readonly Mode[], round: number): Mode[] {
  const turned = modes.map((_, i) => modes[(i + round) % modes.length]!)
  return Math.floor(round / modes.length) % 2 === 0 ? turned : turned.reverse()
}
