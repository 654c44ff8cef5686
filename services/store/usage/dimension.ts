/** By what rollups count. Of test data a dimension is another word, so that it never mixes with live data. */
export const dimensions = ['source', 'type', 'destination'] as const
export type Dimension = (typeof dimensions)[number]

/** The dimension in a row of `rollups`, as SQL. @param mode a column */
export const dimensionOf = (dimension: Dimension, mode: string): string =>
  `case ${mode} when 'test' then 'test_${dimension}' else '${dimension}' end`

/** A dimension of both modes, as rows have it: row-level security shows the transaction's own. */
export const bothModesOf = (dimension: Dimension): string[] => [dimension, `test_${dimension}`]
