import type { OrderConfig } from '@fairlead/wire/config'
import { expect, test, vi } from 'vitest'
import { openOrderKeys } from './order-key.ts'
import type { StoredEvent } from './stored-event.ts'

const eventOf = (body: string) =>
  ({ meta: { headers: ['X-Shop', 's1'] }, body: Buffer.from(body) }) as unknown as StoredEvent
const by = (pointer: string) =>
  ({ key: { from: 'body', pointer }, maxWaitSeconds: 60 }) as unknown as OrderConfig

test('a body is parsed for each of a hundred routes that order by something in it', () => {
  const keyOf = openOrderKeys(eventOf('{"a":1,"b":"1"}'))
  const parse = vi.spyOn(JSON, 'parse')
  try {
    const keys = Array.from({ length: 100 }, (_, i) => keyOf(by(i % 2 ? '/a' : '/b')))
    expect(parse).toHaveBeenCalledTimes(1)
    // A number is not the text that looks like it.
    expect(new Set(keys).size).toBe(2)
  } finally {
    parse.mockRestore()
  }
})

test('what is no JSON, or too large, has no key, and is looked at once', () => {
  for (const body of ['{', `{"a":"${'x'.repeat(1024 * 1024)}"}`]) {
    const keyOf = openOrderKeys(eventOf(body))
    const parse = vi.spyOn(JSON, 'parse')
    try {
      expect([keyOf(by('/a')), keyOf(by('/a'))]).toEqual([undefined, undefined])
      expect(parse.mock.calls.length).toBeLessThanOrEqual(1)
    } finally {
      parse.mockRestore()
    }
  }
})
