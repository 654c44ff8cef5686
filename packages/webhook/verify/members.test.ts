import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanFirstName, scanLimitBytes, scanMember } from './members.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** What the scanner promises to find, told by JSON.parse. */
function expectedAt(value: unknown, path: readonly string[]): string | undefined {
  let at = value
  for (const segment of path) {
    if (Array.isArray(at)) at = segment === '0' ? at[0] : undefined
    else if (typeof at === 'object' && at !== null && Object.hasOwn(at, segment))
      at = (at as Record<string, unknown>)[segment]
    else return undefined
  }
  if (typeof at === 'string') return at
  return typeof at === 'number' || typeof at === 'boolean' ? JSON.stringify(at) : undefined
}

/** Paths that lead somewhere in a value, so that the property isn't about misses only. */
function pathsOf(value: unknown, depth = 0): string[][] {
  if (depth > 4 || typeof value !== 'object' || value === null) return []
  if (Array.isArray(value))
    return value.length > 0 ? [['0'], ...pathsOf(value[0], depth + 1).map(rest => ['0', ...rest])] : []
  return Object.entries(value).flatMap(([name, member]) => [
    [name],
    ...pathsOf(member, depth + 1).map(rest => [name, ...rest]),
  ])
}

describe('scanMember', () => {
  test.each([
    ['a string at the root', '{"id":"evt_1"}', ['id'], 'evt_1'],
    ['a number as its text', '{"update_id": 12345678901234567890}', ['update_id'], '12345678901234567890'],
    ['not the same name deeper down', '{"data":{"id":"inner"},"id":"outer"}', ['id'], 'outer'],
    ['not the name inside a string', '{"a":"\\"id\\":\\"x\\"","id":"y"}', ['id'], 'y'],
    ['an escaped name', '{"\\u0069d":"x"}', ['id'], 'x'],
    ['escapes in the value', '{"id":"a\\u00e9\\n\\"\\\\"}', ['id'], 'aé\n"\\'],
    ['a nested member', '{"event":{"type":"message"}}', ['event', 'type'], 'message'],
    ['an array’s first element', '[{"event":"open"},{"event":"click"}]', ['0', 'event'], 'open'],
    ['after a byte order mark', '\ufeff{"id":"x"}', ['id'], 'x'],
    ['nothing in an empty array', '{"events":[]}', ['events', '0', 'type'], undefined],
    ['nothing for an object', '{"id":{}}', ['id'], undefined],
    ['nothing for null', '{"id":null}', ['id'], undefined],
    ['nothing in a truncated text', '{"id":"evt_1', ['id'], undefined],
    ['nothing in an empty body', '', ['id'], undefined],
    ['nothing in a form', 'id=1&type=2', ['id'], undefined],
  ])('finds %s', (_title, text, path, expected) => {
    expect(scanMember(bytes(text), path)).toBe(expected)
  })

  test('agrees with JSON.parse on every member of any JSON value, however it is indented', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), fc.nat(), (value, indent, pick) => {
        const paths = pathsOf(value)
        const path = paths[pick % Math.max(1, paths.length)] ?? ['id']
        const text = JSON.stringify(value, null, indent)
        expect(scanMember(bytes(text), path, Number.POSITIVE_INFINITY)).toBe(
          expectedAt(JSON.parse(text), path),
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(fc.constantFrom('id', '0', 'a')),
        (body, path) => {
          scanMember(body, path)
          scanFirstName(body, ['id'])
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('looks no further than its limit', () => {
    const text = `{"padding":"${'x'.repeat(scanLimitBytes)}","id":"evt_1"}`
    expect(scanMember(bytes(text), ['id'])).toBeUndefined()
    expect(scanMember(bytes(text), ['id'], Number.POSITIVE_INFINITY)).toBe('evt_1')
  })

  test('never takes a number that its limit has cut', () => {
    const text = '{"a":1234567890}'
    expect(scanMember(bytes(text), ['a'], 10)).toBeUndefined()
  })
})

test.each([
  ['{"update_id":1,"message":{}}', 'message'],
  ['{ "update_id" : {"a":[1,"}"]} , "callback_query":1}', 'callback_query'],
  ['{"update_id":1}', undefined],
  ['[]', undefined],
])('scanFirstName of %s is %s', (text, expected) => {
  expect(scanFirstName(bytes(text), ['update_id'])).toBe(expected)
})
