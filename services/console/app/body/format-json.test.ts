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

const parts = [
  'a',
  'é',
  '\u202e',
  '\u{1f600}',
  '\\u0041',
  '\\ud800',
  '\\/',
  '\\"',
  '\\\\',
  '\\n',
  ' ',
  '{',
  ']',
  ':',
  ',',
]
const string = fc.array(fc.constantFrom(...parts), { maxLength: 6 }).map(some => [`"${some.join('')}"`])
const number = fc.constantFrom('0', '-0', '1.0', '1E+2', '1152921506151679042', '0.1e-7').map(text => [text])
const word = fc.constantFrom('true', 'false', 'null').map(text => [text])
const apart = (items: readonly string[][]): string[] =>
  items.flatMap((item, index) => (index === 0 ? item : [',', ...item]))

/** A document as its tokens, with what a parser would put right: duplicate keys, escapes of what needs none, numbers in any form. */
const document = fc.letrec<{ value: string[]; list: string[]; record: string[] }>(tie => ({
  value: fc.oneof({ depthSize: 'small' }, string, number, word, tie('list'), tie('record')),
  list: fc.array(tie('value'), { maxLength: 5 }).map(items => ['[', ...apart(items), ']']),
  record: fc
    .array(fc.tuple(string, tie('value')), { maxLength: 5 })
    .map(entries => ['{', ...apart(entries.map(([key, value]) => [...key, ':', ...value])), '}']),
})).value

test('without white space between tokens, any document is the same text as before', () => {
  fc.assert(
    fc.property(document, fc.infiniteStream(fc.constantFrom('', ' ', '\n\t', '\r')), (tokens, spaces) => {
      const text = tokens.map(token => spaces.next().value + token).join('')
      const kept = formatJson(text)!
        .flatMap(line => line.filter(({ kind }) => kind !== 'space'))
        .map(token => token.text)
      expect(kept.join('')).toBe(tokens.join(''))
    }),
    { numRuns: 2_000 },
  )
})

test('a megabyte takes longer to format than a click may', () => {
  const text = JSON.stringify(
    Array.from({ length: 7_000 }, (_, n) => ({
      id: `evt_${n}`,
      amount: n,
      note: 'x'.repeat(80),
      tags: ['a', 'b'],
    })),
  )
  expect(text.length).toBeGreaterThan(2 ** 20 * 0.9)
  const startedMs = performance.now()
  expect(formatJson(text)!.length).toBeGreaterThan(7_000)
  // 40 ms on a free processor; what is not linear takes minutes.
  expect(performance.now() - startedMs).toBeLessThan(10_000)
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
