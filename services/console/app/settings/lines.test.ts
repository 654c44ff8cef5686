import { expect, test } from 'vitest'
import { faultOfLine, typedLines } from './lines.ts'

test('below a blank line a fault is told at the line above its own', () => {
  const { texts, numberOf } = typedLines('\na\n \n b \nc\n')
  expect(texts).toEqual(['a', 'b', 'c'])
  expect([0, 1, 2, 3].map(numberOf)).toEqual([2, 4, 5, undefined])
  expect(faultOfLine(new Map([['list.1', 'is wrong']]), 'list', numberOf)).toBe('Line 4: is wrong')
})

test('of several faults the last is told, or that of another field', () => {
  const { numberOf } = typedLines('a\nb\nc')
  const faults = new Map([
    ['list.2', 'third'],
    ['listed.0', 'another'],
    ['list.1.name', 'second'],
  ])
  expect(faultOfLine(faults, 'list', numberOf)).toBe('Line 2: second')
  expect(faultOfLine(faults, 'else', numberOf)).toBeUndefined()
})

test('a fault without a line is told as of line NaN', () => {
  expect(faultOfLine(new Map([['rates.USD', 'is unknown']]), 'rates', typedLines('a').numberOf)).toBe(
    'is unknown',
  )
})
