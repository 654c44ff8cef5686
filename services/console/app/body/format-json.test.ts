import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatJson } from './format-json.ts'

const printed = (text: string) =>
  formatJson(text)
    ?.map(line => line.map(token => token.text).join(''))
    .join('\n')

test.each([
  ['a number loses its digits', '{"n":1152921506151679042}', '{\n  "n": 1152921506151679042\n}'],
  ['a duplicate key goes', '{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}'],
  ['an escape is written as its character', '["\\u0041\\/"]', '[\n  "\\u0041\\/"\n]'],
  ['a number is written another way', '[1.0,1E+2,-0]', '[\n  1.0,\n  1E+2,\n  -0\n]'],
  ['nothing in brackets takes lines', '{"a":{},"b":[]}', '{\n  "a": {},\n  "b": []\n}'],
  ['a text with brackets in it is taken apart', '"{[,:]}"', '"{[,:]}"'],
  ['a string before an empty array is taken for a bracket', '["[",[]]', '[\n  "[",\n  []\n]'],
])('never: %s', (_, text, expected) => {
  expect(printed(text)).toBe(expected)
})

test.each([
  '',
  '{',
  '{"a"}',
  '{"a":1,}',
  '[1,]',
  '01',
  '{"a":1}}',
  'a=1&b=2',
  '"a\nb"',
  '[1 2]',
  '{1:2}',
  'nul',
])('no JSON, so shown as it is: %j', text => {
  expect(formatJson(text)).toBeUndefined()
})

test('without white space between tokens, any document is the same text as before', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 1, '\t'), (json, indent) => {
      const text = JSON.stringify(JSON.parse(json), null, indent)
      const kept = formatJson(text)!
        .flatMap(line => line.filter(({ kind }) => kind !== 'space'))
        .map(token => token.text)
      expect(kept.join('')).toBe(JSON.stringify(JSON.parse(text)))
    }),
    { numRuns: 1_000 },
  )
})

test('a JSON text and only that is formatted', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', 'null', ' ')), parts => {
      const text = parts.join('')
      let isJson = true
      try {
        JSON.parse(text)
      } catch {
        isJson = false
      }
      expect(formatJson(text) !== undefined).toBe(isJson)
    }),
    { numRuns: 3_000 },
  )
})
