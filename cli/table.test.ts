import { expect, test } from 'vitest'
import { fitWidths } from './table.ts'

test.each([
  ['what fits stays', [10, 10], [5, 5], 80, [10, 10]],
  ['the last column gives way first', [20, 20], [5, 5], 32, [20, 10]],
  ['then the one before', [20, 20], [5, 5], 22, [15, 5]],
  ['a column without a least is never cut', [30, 20], [undefined, 8], 20, [30, 8]],
  ['a column narrower than its least stays', [3, 40], [5, 8], 20, [3, 15]],
])('%s', (_name, wanted, least, columns, widths) => {
  expect(fitWidths(wanted, least, columns)).toEqual(widths)
})
