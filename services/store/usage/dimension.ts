import type { Mode } from '@fairlead/wire/mode'

/** By what rollups count. Of test data a dimension is another word, so that it never mixes with live data. */
export const dimensions = ['source', 'type', 'destination'] as const
export type Dimension = (typeof dimensions)[number]

/** The dimension in a row of `rollups`. */
export const dimensionOf = (dimension: Dimension, mode: Mode): string =>
  mode === 'test' ? `test_${dimension}` : dimension

/** A dimension of both modes, as rows have it: row-level security shows the transaction's own. */
export const bothModesOf = (dimension: Dimension): string[] => [dimension, `test_${dimension}`]
