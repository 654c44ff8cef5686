import type { Colour, Terminal } from './terminal.ts'
import { printable } from './terminal.ts'

/** One column of a table. */
export interface Column<Row> {
  readonly title: string
  readonly text: (row: Row) => string
  readonly colour?: (row: Row) => Colour | undefined
  /** Characters below which it isn't cut. Absent: never cut. Columns that may be cut give way from the last on. */
  readonly least?: number
  readonly alignRight?: boolean
  /** True: left out where the terminal is too narrow. */
  readonly optional?: boolean
}

const gap = 2

/** How wide each column may be, so that a line fits: those that may be cut share what is too much, the last first. */
export function fitWidths(
  wanted: readonly number[],
  least: readonly (number | undefined)[],
  columns: number,
): number[] {
  const widths = [...wanted]
  let over = widths.reduce((sum, width) => sum + width + gap, -gap) - columns
  for (let i = widths.length - 1; i >= 0 && over > 0; i--) {
    const floor = least[i]
    if (floor === undefined) continue
    const cut = Math.min(over, Math.max(0, widths[i]! - floor))
    widths[i]! -= cut
    over -= cut
  }
  return widths
}

/** Columns with the widths that were found for them. */
export interface Layout<Row> {
  readonly columns: readonly Column<Row>[]
  readonly widths: readonly number[]
}

/** Lays rows out for a terminal; on a narrow one without the columns that can be done without, the last first. */
export function layOut<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Pick<Terminal, 'columns'>,
): Layout<Row> {
  const wanted = columns.map(column =>
    Math.max(column.title.length, ...rows.map(row => printable(column.text(row)).length)),
  )
  const widths = fitWidths(
    wanted,
    columns.map(({ least }) => least),
    terminal.columns,
  )
  const needed = widths.reduce((sum, width) => sum + width + gap, -gap)
  const spare = columns.findLastIndex(({ optional }) => optional)
  if (needed <= terminal.columns || spare < 0) return { columns, widths }
  return layOut(columns.toSpliced(spare, 1), rows, terminal)
}

export function headerLine<Row>({ columns, widths }: Layout<Row>, terminal: Terminal): string {
  const titles = columns.map((column, i) => fit(column.title, widths[i]!, column))
  return terminal.paint('dim', titles.join(' '.repeat(gap)).trimEnd())
}

export function rowLine<Row>({ columns, widths }: Layout<Row>, row: Row, terminal: Terminal): string {
  const cells = columns.map((column, i) => {
    const text = fit(printable(column.text(row)), widths[i]!, column)
    const colour = column.colour?.(row)
    return colour ? terminal.paint(colour, text) : text
  })
  return cells.join(' '.repeat(gap)).trimEnd()
}

/** Prints a header and all rows. */
export function printTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Terminal,
): void {
  const layout = layOut(columns, rows, terminal)
  terminal.print(headerLine(layout, terminal))
  for (const row of rows) terminal.print(rowLine(layout, row, terminal))
}

function fit(text: string, width: number, column: { readonly alignRight?: boolean }): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text
  return column.alignRight ? cut.padStart(width) : cut.padEnd(width)
}
