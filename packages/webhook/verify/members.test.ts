import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openScan, scanFirstName, scanMember } from './members.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The scanner's promise, computed with JSON.parse. */
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
        fc.pre(!path.includes('*'))
        const text = JSON.stringify(value, null, indent)
        expect(scanMember(bytes(text), path)).toBe(expectedAt(JSON.parse(text), path))
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

  test('a member behind the first 64 KiB is found, whatever stands before it', () => {
    for (const padding of ['x'.repeat(97 * 1024), '\\"'.repeat(60 * 1024), '\\\\'.repeat(60 * 1024)]) {
      expect(scanMember(bytes(`{"padding":"${padding}","type":"invoice.paid"}`), ['type'])).toBe(
        'invoice.paid',
      )
    }
    const deep = `{"padding":${'['.repeat(60_000)}${']'.repeat(60_000)},"type":"invoice.paid"}`
    expect(scanMember(bytes(deep), ['type'])).toBe('invoice.paid')
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

describe('openScan', () => {
  const scan = (text: string, ...args: Parameters<typeof openScan>) => openScan(...args)(bytes(text))

  test('several members are found in one pass, in any order', () => {
    const paths = [['id'], ['data', 'type'], ['type']]
    expect(scan('{"type":"a","data":{"x":[{}],"type":"b"},"id":1}', paths).values).toEqual(['1', 'b', 'a'])
    expect(scan('{"data":{"type":"b"},"id":"c"}', paths).values).toEqual(['c', 'b', undefined])
  })

  test('only the first of two equal names counts, as deep as it is', () => {
    expect(scan('{"data":{},"data":{"id":"x"}}', [['data', 'id']]).values).toEqual([undefined])
    expect(scan('{"id":null,"id":"x"}', [['id']]).values).toEqual([undefined])
  })

  test('each element of nested arrays has its row, with what it lacks', () => {
    const list = { elements: ['entry', '*', 'changes', '*'], members: [['field'], ['value', 'id']] }
    const text =
      '{"entry":[{"changes":[{"field":"a","value":{"id":1}},{"field":"b"}]},{"other":1},{"changes":[3]}],"object":"page"}'
    const found = scan(text, [['object']], [list])
    expect(found.values).toEqual(['page'])
    expect(found.lists).toEqual([
      [
        ['a', '1'],
        ['b', undefined],
        [undefined, undefined],
      ],
    ])
  })

  test('the same array serves several lists, of all or of distinct elements', () => {
    const text = `[${Array.from({ length: 100 }, (_, i) => `{"id":${i},"type":"t${i % 40}"}`).join()}]`
    const found = scan(
      text,
      [],
      [
        { elements: ['*'], members: [['id']] },
        { elements: ['*'], members: [['type']], distinct: 32 },
      ],
    )
    expect(found.lists[0]).toHaveLength(100)
    expect(found.lists[1]).toEqual(Array.from({ length: 32 }, (_, i) => [`t${i}`]))
  })

  test('a list that is too long for all its rows ends in one without a text', () => {
    const { lists } = scan(`[${'1,'.repeat(20_000)}1]`, [], [{ elements: ['*'], members: [[]] }])
    expect(lists[0]).toHaveLength(10_001)
    expect(lists[0]!.at(-1)).toEqual([undefined])
  })

  test('JSON Lines, and one object alone, are elements of the root', () => {
    const list = { elements: ['*'], members: [['id']] }
    expect(scan('{"id":1}\n{"id":2}\n', [], [list]).lists[0]).toEqual([['1'], ['2']])
    expect(scan('{"id":1}', [['id']], [list])).toMatchObject({ values: ['1'], lists: [[['1']]] })
  })

  test('agrees with JSON.parse on every element of any array', () => {
    const element = fc.record(
      { id: fc.jsonValue(), in: fc.record({ type: fc.jsonValue() }) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(element, { minLength: 1 }), fc.constantFrom(0, 1), (values, indent) => {
        const { lists } = scan(
          JSON.stringify({ before: [1], list: values }, null, indent),
          [],
          [{ elements: ['list', '*'], members: [['id'], ['in', 'type']] }],
        )
        const parsed = JSON.parse(JSON.stringify(values)) as unknown[]
        expect(lists[0]).toEqual(
          parsed.map(value => [expectedAt(value, ['id']), expectedAt(value, ['in', 'type'])]),
        )
      }),
      { numRuns: 150 },
    )
  })
})
