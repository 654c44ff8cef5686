import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerpt } from './excerpt.ts'

const answer = (text: string | Uint8Array, overrides = {}) => ({
  headers: {},
  body: typeof text === 'string' ? Buffer.from(text) : text,
  cut: false,
  ...overrides,
})
const signature = 'ab'.repeat(32)
const sent = [
  'authorization',
  'Bearer secret-token-1',
  'provider-signature',
  `t=1766,v1=${signature}`,
  'fairlead-type',
  'invoice.paid',
]

test.each([
  ['plain text', answer('no such hook'), 'no such hook'],
  ['a page', answer('<html><h1>502 Bad Gateway</h1>\r\n<hr>nginx</html>'), '502 Bad Gateway nginx'],
  ['control characters', answer('a\0b\x1b[31mc\u202ed'), 'a b [31mc d'],
  ['not UTF-8', answer(Buffer.from([0xff, 0x61, 0xfe])), 'a'],
  ['nothing', answer(''), ''],
  ['compressed', answer('whatever', { headers: { 'content-encoding': 'gzip' } }), ''],
  ['a token sent back', answer('bad token secret-token-1!'), 'bad token [authorization]!'],
  [
    'a header sent back',
    answer('{"authorization":"Bearer secret-token-1"}'),
    '{"authorization":"[authorization]"}',
  ],
  ['a signature sent back', answer(`got ${signature}`), 'got [provider-signature]'],
  ['an event type is no secret', answer('invoice.paid is unknown'), 'invoice.paid is unknown'],
])('%s', (_name, got, expected) => expect(excerpt(got, sent)).toBe(expected))

test('at most 200 characters', () => {
  expect(excerpt(answer('x'.repeat(1000)), sent)).toHaveLength(200)
})

test('no piece of a secret that the limit of what is read cuts through', () => {
  const text = `${' '.repeat(1000)}secret-tok`
  expect(excerpt(answer(text, { cut: true }), sent)).toBe('')
})

test('no bytes make it throw, nor longer, nor give control characters', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1024 }), fc.boolean(), (bytes, cut) => {
      const said = excerpt(answer(bytes, { cut }), sent)
      expect(said.length).toBeLessThanOrEqual(200)
      expect(said).not.toMatch(/\p{Cc}/u)
    }),
  )
})
