import type { ReactNode } from 'react'
import { ScrollX } from '../parts/scroll-x.tsx'

/** Figures row by row, newest first. */
export function FiguresTable<Row>({
  title,
  rows,
  keyOf,
  columns,
}: {
  readonly title: string
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  /** The first names the row. */
  readonly columns: readonly (readonly [string, (row: Row) => ReactNode])[]
}) {
  return (
    <ScrollX label={title}>
      <table className="plain figures-table">
        <caption className="visually-hidden">{title}</caption>
        <thead>
          <tr>
            {columns.map(([name], index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: two columns may have one name under two others
              <th key={index} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.toReversed().map(row => (
            <tr key={keyOf(row)}>
              {columns.map(([, cell], index) =>
                index === 0 ? (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a column has its place
                  <th key={index} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  // biome-ignore lint/suspicious/noArrayIndexKey: a column has its place
                  <td key={index}>{cell(row)}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  )
}
