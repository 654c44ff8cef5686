import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJson, repeatedName } from './body.ts'

test.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":{"b":1,"c":[{"d":1,"d":1}]}}', 'a.c.d'],
  [String.raw`{"a":1,"\u0061":2}`, 'a'],
  ['{"a":"a","b":"a"}', undefined],
  ['[{"a":1},{"a":1}]', undefined],
  [String.raw`{"a":"\",\"a\":","b":["a","a"]}`, undefined],
  ['{"":1,"":2}', ''],
])('the name that stands twice in %s', (text, name) => {
  expect(repeatedName(text)).toBe(name)
})

test('JSON as programs write it has no name twice', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(repeatedName(text)).toBeUndefined()
    }),
  )
})

test('64 KiB of nesting or of backslashes take no time that is felt', () => {
  for (const text of ['['.repeat(32_000) + ']'.repeat(32_000), `"${'\\\\'.repeat(32_000)}"`]) {
    const startedAt = performance.now()
    repeatedName(text)
    expect(performance.now() - startedAt).toBeLessThan(500)
  }
})

test.each([
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
  ['half of JSON', Buffer.from('{')],
])('%s are refused', (_name, bytes) => {
  expect(() => parseJson(bytes)).toThrow(expect.objectContaining({ code: 'body_unreadable' }))
})
