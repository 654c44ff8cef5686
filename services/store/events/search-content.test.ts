import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeCursor } from '../page.ts'
import type { Content } from './content.ts'
import type { EventRow } from './rows.ts'
import { type ContentSearch, openMatch, searchContent, stepSize } from './search-content.ts'

const idOf = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
const wanted = { pointers: [{ name: '/plan', text: 'gold' }], headers: [] }

/** A log of events, newest first; of some the body says gold. */
function aLog(events: readonly { readonly isGold: boolean; readonly size?: number }[]) {
  const rows = events.map(
    ({ size = 100 }, n) =>
      ({ id: idOf(n), received_at: new Date(1_700_000_000_000 - n), size_bytes: String(size) }) as EventRow,
  )
  let read = 0
  const search = (asked: Partial<ContentSearch> = {}) =>
    searchContent({
      wanted,
      limit: 50,
      cursor: '',
      now: () => 0,
      signal: new AbortController().signal,
      async list(cursor) {
        const [, id] = decodeCursor(cursor, 'time', 'uuid')
        const begin = id ? rows.findIndex(row => row.id === id) + 1 : 0
        const step = rows.slice(begin, begin + stepSize)
        const last = step.at(-1)
        const isLast = begin + stepSize >= rows.length
        return { rows: step, next: isLast || !last ? '' : cursorOf(last) }
      },
      async read(row) {
        read++
        const { isGold } = events[rows.indexOf(row)]!
        return {
          body: Buffer.from(`{"plan":"${isGold ? 'gold' : 'silver'}"}`),
          meta: { headers: [] },
        } as unknown as Content
      },
      ...asked,
    })
  return { search, rows, reads: () => read }
}

const cursorOf = (row: EventRow) =>
  Buffer.from(JSON.stringify([row.received_at.toISOString(), row.id])).toString('base64url')

const many = (count: number, size?: number) =>
  Array.from({ length: count }, () => ({ isGold: false, ...(size && { size }) }))

test('a search that finds nothing reads more than 10,000 contents, or hides how far it looked', async () => {
  const { search, rows, reads } = aLog(many(25_000))
  const first = await search()
  expect([first.rows, reads()]).toEqual([[], 10_000])
  expect(first.searched).toEqual({ count: 10_000, until: rows[9_999]!.received_at })
  const second = await search({ cursor: first.next })
  expect(second.searched?.until).toEqual(rows[19_999]!.received_at)
  const third = await search({ cursor: second.next })
  expect([third.next, third.searched, reads()]).toEqual(['', undefined, 25_000])
})

test('large bodies end a page after 64 MiB, and one that is larger than that holds nothing up', async () => {
  const { search, reads } = aLog([...many(40, 10 * 1024 ** 2), ...many(1, 100 * 1024 ** 2), ...many(1)])
  const first = await search()
  expect([first.searched?.count, reads()]).toEqual([6, 6])
  let pages = 1
  for (let { next } = first; next !== ''; pages++) ({ next } = await search({ cursor: next }))
  expect(reads()).toBe(42)
  expect(pages).toBeLessThan(12)
})

test('a store that is slow ends a page after five seconds', async () => {
  const { search, reads } = aLog(many(5_000))
  let nowMs = 0
  const first = await search({ now: () => (nowMs += 1_700) })
  expect(reads()).toBeLessThan(2_500)
  expect(first.next).not.toBe('')
})

test('pages have each event that fits once, in their order, whatever their size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 1_200 }),
      fc.integer({ min: 1, max: 80 }),
      async (golds, limit) => {
        const { search, rows } = aLog(golds.map(isGold => ({ isGold })))
        const found: string[] = []
        let cursor = ''
        do {
          const page = await search({ cursor, limit })
          expect(page.rows.length).toBeLessThanOrEqual(limit)
          found.push(...page.rows.map(({ id }) => id))
          cursor = page.next
        } while (cursor !== '')
        expect(found).toEqual(rows.filter((_, n) => golds[n]).map(({ id }) => id))
      },
    ),
    { numRuns: 30 },
  )
})

test.each([
  [{ pointers: [{ name: '/a/b', text: '1' }], headers: [] }, true],
  [
    {
      pointers: [
        { name: '/a/b', text: '1' },
        { name: '/c', text: 'x' },
      ],
      headers: [],
    },
    true,
  ],
  [{ pointers: [{ name: '/a/b', text: '2' }], headers: [] }, false],
  [
    {
      pointers: [
        { name: '/c', text: 'x' },
        { name: '/c', text: 'y' },
      ],
      headers: [],
    },
    false,
  ],
  [{ pointers: [{ name: '/~1d~0', text: 'true' }], headers: [] }, true],
  [{ pointers: [{ name: '/a', text: '[object Object]' }], headers: [] }, false],
  [{ pointers: [], headers: [{ name: 'x-one', text: '2' }] }, true],
  [{ pointers: [], headers: [{ name: 'x-one', text: 'X-Two' }] }, false],
])('%j fits the content: %s', (asked, fits) => {
  const body = Buffer.from('{"a":{"b":1},"c":"x","/d~":true}')
  const headers = ['X-One', '1', 'x-one', '2', 'X-Two', 'a']
  expect(openMatch(asked)({ body, meta: { headers } } as unknown as Content)).toBe(fits)
})
