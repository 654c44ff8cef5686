import fc from 'fast-check'
import { expect, test } from 'vitest'
import { presentBody, presentHeaders } from './content.ts'

const header = (name: string, value: string) => ({
  $typeName: 'fairlead.store.v1.Header' as const,
  name,
  value,
})

test.each([
  ['Authorization', 'Bearer abc'],
  ['authorization', 'Basic abc'],
  ['Cookie', 'session=abc'],
  ['X-Gitlab-Token', 'abc'],
  ['X-Api-Key', 'abc'],
  ['x-telegram-bot-api-secret-token', 'abc'],
])('%s is a secret itself, and is not shown', (name, value) => {
  expect(presentHeaders([header(name, value)])).toEqual({ [name.toLowerCase()]: '[redacted]' })
})

test('signatures are shown, repeated headers joined, and no name reaches the prototype', () => {
  const presented = presentHeaders([
    header('Stripe-Signature', 't=1,v1=ab'),
    header('X-Forwarded-For', 'a'),
    header('x-forwarded-for', 'b'),
    header('__proto__', 'polluted'),
  ])
  expect(JSON.parse(JSON.stringify(presented))).toEqual(
    JSON.parse('{"stripe-signature":"t=1,v1=ab","x-forwarded-for":"a, b","__proto__":"polluted"}'),
  )
})

test('a body comes back to the byte, as text or as base64', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string().map(text => Buffer.from(text)),
      ),
      bytes => {
        const { body, bodyEncoding } = presentBody(bytes)
        expect(Buffer.from(body, bodyEncoding)).toEqual(Buffer.from(bytes))
      },
    ),
  )
})

test('a byte order mark is part of a body', () => {
  expect(presentBody(Buffer.from('\ufeff{}'))).toEqual({ body: '\ufeff{}', bodyEncoding: 'utf-8' })
})
