import { expect, test } from 'vitest'
import { valueAt, withValue } from './draft.ts'

test('a field that was emptied is sent as an empty text, or leaves an empty object', () => {
  expect(withValue({ name: 'a', rateLimit: { perSecond: 5 } }, 'rateLimit.perSecond', '')).toEqual({
    name: 'a',
  })
  expect(withValue({ name: 'a', url: 'https://a.example' }, 'url', '')).toEqual({ name: 'a' })
})

test('typing into one entry of a list changes another, or takes it away', () => {
  const draft = { headers: [{ name: 'A' }, { name: 'B' }] }
  expect(withValue(draft, 'headers.1.value', 'x')).toEqual({
    headers: [{ name: 'A' }, { name: 'B', value: 'x' }],
  })
  expect(withValue({ headers: [{ name: 'A' }] }, 'headers.0.name', '')).toEqual({ headers: [{}] })
  expect(withValue({ auth: [{ basic: { username: 'u' } }] }, 'auth.0.basic.username', '')).toEqual({
    auth: [{ basic: {} }],
  })
})

test('a field that no object leads to yet is lost', () => {
  expect(withValue({}, 'order.key.pointer', '/id')).toEqual({ order: { key: { pointer: '/id' } } })
  expect(valueAt({ auth: [{ basic: { username: 'u' } }] }, 'auth.0.basic.username')).toBe('u')
  expect(valueAt({ auth: [] }, 'auth.0.basic.username')).toBeUndefined()
})

test('fields change their order while one types', () => {
  expect(Object.keys(withValue({ name: 'a', url: 'b', active: true }, 'name', 'c'))).toEqual([
    'name',
    'url',
    'active',
  ])
})
