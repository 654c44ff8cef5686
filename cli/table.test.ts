import { expect, test } from 'vitest'
import { type Column, fitWidths, layOut, rowLine } from './table.ts'
import { printable, type Terminal } from './terminal.ts'

test.each([
  ['what fits stays', [10, 10], [5, 5], 80, [10, 10]],
  ['the last column gives way first', [20, 20], [5, 5], 32, [20, 10]],
  ['then the one before', [20, 20], [5, 5], 22, [15, 5]],
  ['a column without a least is never cut', [30, 20], [undefined, 8], 20, [30, 8]],
  ['a column narrower than its least stays', [3, 40], [5, 8], 20, [3, 15]],
])('%s', (_name, wanted, least, columns, widths) => {
  expect(fitWidths(wanted, least, columns)).toEqual(widths)
})

const columns: Column<string>[] = [
  { title: 'ID', text: () => '0123456789' },
  { title: 'SOURCE', text: () => 'stripe', optional: true },
  { title: 'TYPE', text: type => type, least: 6 },
  { title: 'DONE', text: () => '1/2', optional: true },
]
const terminal = (width: number): Terminal => ({
  columns: width,
  isTty: false,
  print: () => {},
  note: () => {},
  paint: (_colour, text) => text,
})

test.each([
  [80, '0123456789  stripe  invoice.paid  1/2'],
  [32, '0123456789  stripe  invoi…  1/2'],
  [26, '0123456789  stripe  invoi…'],
  [20, '0123456789  invoice…'],
  [5, '0123456789  invoi…'],
])('a terminal of %i columns', (width, line) => {
  const layout = layOut(columns, ['invoice.paid'], terminal(width))
  expect(rowLine(layout, 'invoice.paid', terminal(width))).toBe(line)
})

test('what comes from outside can not move, colour or retitle a terminal', () => {
  const hostile = '\u001b]0;title\u0007\u001b[31mred\u001b[0m\rover\u009b2J\nnext'
  expect(printable(hostile)).not.toMatch(/\p{Cc}/u)
  expect(printable(hostile, { lines: true })).not.toMatch(/[^\P{Cc}\n]/u)
})
