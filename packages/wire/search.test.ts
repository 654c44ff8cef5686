import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openExtract, searchDigest } from './search.ts'

const organization = newId('org', 1)
const of = (name: string, value: string) => searchDigest(organization, name, value)
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

test('what stands at a pointer or in a header is found by its whole text, whatever its kind', () => {
  const extract = openExtract(organization, {
    pointers: ['/data/object/id', '/amount', '/paid', '/lines/0/sku', '/a~1b'],
    headers: ['x-request-id'],
  })
  const body = json({
    data: { object: { id: 'in_ünï' } },
    amount: 1200,
    paid: true,
    lines: [{ sku: 'A1' }],
    'a/b': 'x',
  })
  expect(extract(body, ['X-Request-Id', '7f3a', 'Authorization', 'Bearer secret']).toSorted()).toEqual(
    [
      of('/data/object/id', 'in_ünï'),
      of('/amount', '1200'),
      of('/paid', 'true'),
      of('/lines/0/sku', 'A1'),
      of('/a~1b', 'x'),
      of('x-request-id', '7f3a'),
    ].toSorted(),
  )
})

test.each([
  ['a body that is no JSON', Buffer.from('a=b&c=d')],
  ['an empty body', Buffer.alloc(0)],
  ['a body that is cut off', Buffer.from('{"id":"x')],
  ['an object where a text is wanted', json({ id: { id: 'x' } })],
  ['null', json({ id: null })],
  ['a value longer than 256 characters', json({ id: 'x'.repeat(257) })],
])('%s has no value, and fails nothing', (_, body) => {
  expect(openExtract(organization, { pointers: ['/id'], headers: [] })(body, [])).toEqual([])
})

test('a header that is sent a thousand times makes no thousand rows', () => {
  const headers = Array.from({ length: 1_000 }, (_, i) => ['X-A', `${i}`]).flat()
  expect(
    openExtract(organization, { pointers: [], headers: ['x-a'] })(Buffer.alloc(0), headers),
  ).toHaveLength(16)
})

test('equal values of two organizations, and of two names, have nothing in common', () => {
  expect(of('/a', 'x')).not.toBe(searchDigest(newId('org', 2), '/a', 'x'))
  expect(of('/a', 'x')).not.toBe(of('/b', 'x'))
})
