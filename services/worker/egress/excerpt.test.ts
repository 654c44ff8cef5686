import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerpt } from './excerpt.ts'

const answer = (text: string | Uint8Array, overrides = {}) => ({
  contentEncoding: undefined,
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
  ['said to be compressed, and is not', answer('whatever', { contentEncoding: 'gzip' }), ''],
  ['compressed in an unknown way', answer('whatever', { contentEncoding: 'lzma' }), ''],
  ['gzip', answer(gzipSync('no such hook'), { contentEncoding: 'gzip' }), 'no such hook'],
  ['gzip in capitals', answer(gzipSync('no such hook'), { contentEncoding: 'X-GZIP' }), 'no such hook'],
  ['deflate', answer(deflateSync('no such hook'), { contentEncoding: 'deflate' }), 'no such hook'],
  ['bare deflate', answer(deflateRawSync('no such hook'), { contentEncoding: 'deflate' }), 'no such hook'],
  ['brotli', answer(brotliCompressSync('no such hook'), { contentEncoding: 'br' }), 'no such hook'],
  ['zstd', answer(zstdCompressSync('no such hook'), { contentEncoding: 'zstd' }), 'no such hook'],
  [
    'twice',
    answer(brotliCompressSync(gzipSync('no such hook')), { contentEncoding: 'gzip, br' }),
    'no such hook',
  ],
  ['a thousandfold', answer(gzipSync('a'.repeat(10_000_000)), { contentEncoding: 'gzip' }), ''],
  ['a millionfold', answer(brotliCompressSync(Buffer.alloc(50_000_000)), { contentEncoding: 'br' }), ''],
  [
    'a token sent back, compressed',
    answer(gzipSync('bad token secret-token-1!'), { contentEncoding: 'gzip' }),
    'bad token [authorization]!',
  ],
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

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
])('the beginning of a page is readable, though its %s is cut off', (contentEncoding, compress) => {
  const page = `the field "amount" is missing; ${randomBytes(40_000).toString('base64')}`
  const body = compress(page).subarray(0, 1024)
  const said = excerpt(answer(body, { contentEncoding, cut: true }), sent)
  // zstd gives nothing before a whole block of it is there.
  if (contentEncoding === 'zstd') expect(said).toBe('')
  else expect(said).toMatch(/^the field "amount" is missing; /)
})

test('no bytes make it throw, nor longer, nor give control characters', () => {
  const codings = fc.constantFrom(undefined, 'gzip', 'deflate', 'br', 'zstd', 'identity', 'gzip, br', '')
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1024 }), fc.boolean(), codings, (bytes, cut, contentEncoding) => {
      const said = excerpt(answer(bytes, { cut, contentEncoding }), sent)
      expect(said.length).toBeLessThanOrEqual(200)
      expect(said).not.toMatch(/\p{Cc}/u)
    }),
  )
})

test('a destination with headers of any number of parts, which answers what becomes 64 KiB, takes a worker’s time from all others', () => {
  const parts = Array.from({ length: 900 }, (_, i) => `part-${i}-`.padEnd(8, 'x')).join(',')
  const headers = Array.from({ length: 20 }, (_, i) => [`x-${i}`, parts]).flat()
  const got = answer(gzipSync('y'.repeat(60_000)), { contentEncoding: 'gzip' })
  const begun = process.cpuUsage()
  for (let i = 0; i < 50; i++) expect(excerpt(got, headers)).toBe('')
  // 0.2 ms each; without the bound each takes a tenth of a second.
  expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(1_000)
  // One secret more than is looked for is not shown either.
  const two = Array.from({ length: 201 }, (_, i) => [`x-${i}`, `secret-number-${i}`]).flat()
  expect(excerpt(answer('secret-number-200'), two)).toBe('')
  expect(excerpt(answer('secret-number-199'), two.slice(0, 400))).toBe('[x-199]')
})
