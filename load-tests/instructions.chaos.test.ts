import { expect, test } from 'vitest'
import { bundle, countInstructions, growthOf } from './instructions/count-instructions.ts'

test('a count of the same code differs by 0.1 % or more, or a function that does its work twice is not told', async () => {
  const { text } = await bundle()
  const once = await countInstructions(text)
  const again = await countInstructions(text)
  const differences = Object.entries(once).map(([name, count]) => Math.abs(again[name]! / count - 1))
  console.log(`largest difference of two counts: ${(100 * Math.max(...differences)).toFixed(4)} %`)
  expect(Math.max(...differences)).toBeLessThan(0.001)

  const doubled = text.replace(/\bfold: \(\) => (\w+\(records, \[\]\))/, 'fold: () => [$1, $1]')
  expect(doubled).not.toBe(text)
  const grown = growthOf(once, await countInstructions(doubled))
  console.log(grown.join('\n'))
  expect(grown).toEqual([expect.stringMatching(/^fold: .*\(\+(9\d|10\d)\.\d %\)$/)])
}, 300_000)
