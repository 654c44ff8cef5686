import { expect, test } from 'vitest'
import { indentJson } from './content-page.ts'

test.each([
  [
    'numbers as they were written',
    '{"id":820982911946154508,"x":1.0}',
    '{\n  "id": 820982911946154508,\n  "x": 1.0\n}',
  ],
  ['what is no JSON', 'a=b&c=d', 'a=b&c=d'],
  ['nothing', '', ''],
])('shows %s', (_name, text, shown) => {
  expect(indentJson(text)).toBe(shown)
})
