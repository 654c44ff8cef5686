import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openHeaderWriter } from './headers.ts'

const write = openHeaderWriter()
/** Names and values in turn → the lines of a head. */
const lines = (headers: readonly string[]) =>
  headers.map((text, i) => (i % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('')

test.each([
  ['an ordinary one', ['X-Request-Id', 'abc'], ['X-Request-Id', 'abc']],
  ['repeated ones', ['a', '1', 'a', '2'], ['a', '1', 'a', '2']],
  ['tabs and Latin-1', ['a', 'b\tc é'], ['a', 'b\tc é']],
  ['a line break becomes spaces', ['a', 'b\r\nx-injected: c'], ['a', 'b  x-injected: c']],
  ['NUL and DEL become spaces', ['a', 'b\0c\x7fd'], ['a', 'b c d']],
  ['text beyond Latin-1 as UTF-8', ['a', 'ü→'], ['a', Buffer.from('ü→').toString('latin1')]],
  ['a name with a line break is dropped', ['a\r\nb', 'c', 'd', 'e'], ['d', 'e']],
  ['an empty name is dropped', ['', 'c'], []],
  ['a name with a colon is dropped', ['a:', 'c'], []],
  ["the connection's are dropped", ['Connection', 'x-a', 'TE', 'trailers', 'Upgrade', 'h2c'], []],
  ["the message's are dropped", ['Host', 'evil', 'Content-Length', '3', 'Transfer-Encoding', 'chunked'], []],
  ['Expect and Accept-Encoding are dropped', ['expect', '100-continue', 'accept-encoding', 'gzip'], []],
  ['a name without a value is dropped', ['a', 'b', 'c'], ['a', 'b']],
])('%s', (_name, headers, kept) => expect(write(headers)).toBe(lines(kept)))

/** Text of any characters, most of them in the ranges that headers treat differently. */
const anyText = fc
  .array(fc.oneof(...[0x7f, 0xff, 0x10ffff].map(max => fc.integer({ min: 0, max }))))
  .map(points => String.fromCodePoint(...points))

test('headers of any characters are written as well-formed lines', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyText, anyText)), pairs => {
      expect(write(pairs.flat())).toMatch(/^([!-9;-~]+: [\t -~\u0080-\u00ff]*\r\n)*$/)
    }),
  )
})
