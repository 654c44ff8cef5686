import { openTokenBucket } from '@fairlead/daemon/token-bucket'
import { expect, test } from 'vitest'
import type { Source } from '../directory.ts'
import { boundLines, openRefusalLog, type Refused } from './refusal-log.ts'

function openTold() {
  const ones: Refused[] = []
  const many: Refused[] = []
  const refusals = openRefusalLog({
    tellOne: refused => ones.push(refused),
    tellMany: refused => many.push(refused),
    now: () => 0,
  })
  return { ones, many, refusals }
}
const aSource = () => ({ lineBucket: openTokenBucket({ perSecond: 0.1, burst: 5 }) }) as Source

test('of a flood of bad signatures the first few have a line, the others are counted', () => {
  const { ones, many, refusals } = openTold()
  const source = aSource()
  for (let i = 0; i < 1_000; i++) refusals.tell(source, 'signature_mismatch', 'signature_mismatch')
  expect(ones).toHaveLength(5)
  refusals[Symbol.dispose]()
  expect(many).toEqual([{ source, code: 'signature_mismatch', reason: 'signature_mismatch', count: 995 }])
})

test('a flood to many sources writes a bounded number of lines, and loses no count', () => {
  const { ones, many, refusals } = openTold()
  for (let s = 0; s < 300; s++) {
    const source = aSource()
    for (let i = 0; i < 10; i++) refusals.tell(source, 'signature_missing', 'signature_missing')
  }
  refusals[Symbol.dispose]()
  expect(ones.length).toBeLessThanOrEqual(100)
  expect(many.length).toBeLessThanOrEqual(51)
  expect([...ones, ...many].reduce((sum, { count }) => sum + count, 0)).toBe(3_000)
})

test('the largest counts keep their source', () => {
  const refused = [3, 1, 2].map(
    count => ({ source: aSource(), code: 'too_large', reason: 'x', count }) as const,
  )
  expect(boundLines(refused, 1)).toEqual([
    refused[0],
    { source: undefined, code: 'too_large', reason: 'x', count: 3 },
  ])
})
