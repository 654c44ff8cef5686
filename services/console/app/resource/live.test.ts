import { expect, test, vi } from 'vitest'
import { applyChanges, follow, type LiveState, mergeFresh, withNew } from './live.ts'

interface Row {
  readonly id: string
  readonly status?: string
}
const idOf = ({ id }: Row) => id
const list = (...pages: Row[][]) => ({
  pages: pages.map(items => ({ items, next: null })),
  pageParams: pages.map(() => undefined),
})

test('a row that the list has changes in place, and moves no other', () => {
  let next = list([{ id: 'b' }, { id: 'a' }])
  const unknown = applyChanges(next, new Map([['a', { id: 'a', status: 'success' }]]), idOf, set => {
    next = set as typeof next
  })
  expect(unknown).toEqual([])
  expect(next.pages[0]!.items).toEqual([{ id: 'b' }, { id: 'a', status: 'success' }])
})

test('a row that waits and changes meanwhile is shown twice, or as it was', () => {
  const waiting = mergeFresh([{ id: 'b' }, { id: 'a' }], [{ id: 'c' }, { id: 'a', status: 'failed' }], idOf)
  expect(waiting).toEqual([{ id: 'c' }, { id: 'b' }, { id: 'a', status: 'failed' }])
})

test('a row that was loaded with the list meanwhile comes a second time', () => {
  const shown = withNew(list([{ id: 'b' }]), [{ id: 'c' }, { id: 'b' }], 10, idOf)
  expect(shown.pages[0]!.items.map(idOf)).toEqual(['c', 'b'])
})

test('new rows fill the first page without a bound', () => {
  let next = list([{ id: '0' }])
  for (let n = 1; n <= 50; n++) next = withNew(next, [{ id: `${n}` }], 10, idOf) as typeof next
  expect(next.pages.flatMap(page => page.items.map(idOf))).toEqual([
    '50',
    '49',
    '48',
    '47',
    '46',
    '45',
    '44',
    '43',
    '42',
    '41',
  ])
  expect(next.pages.at(-1)).toMatchObject({ next: null, isCut: true })
})

test('a list that grows for ever forgets its oldest pages, and what it was asked for with them', () => {
  const grown = withNew(list([{ id: 'b' }], [{ id: 'a' }]), [{ id: 'd' }, { id: 'c' }], 3, idOf)
  expect(grown.pages.map(page => page.items.map(idOf))).toEqual([['d', 'c', 'b']])
  expect(grown.pageParams).toHaveLength(1)
})

test('a stream that was refused keeps its slot from other tabs', async () => {
  const opened: Refused[] = []
  class Refused extends EventTarget {
    static readonly CLOSED = 2
    readonly readyState = 2
    onerror = () => {}
    constructor() {
      super()
      opened.push(this)
    }
    close() {}
  }
  vi.stubGlobal('EventSource', Refused)
  vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'visible' }))
  const states: LiveState[] = []
  const isHeld = async () => {
    const { held = [] } = await navigator.locks.query()
    return held.some(({ name }) => name?.startsWith('fairlead-stream-'))
  }
  try {
    const stop = follow('/events', '', {
      take: () => {},
      reset: () => {},
      state: state => states.push(state),
    })
    await vi.waitUntil(() => opened.length === 1, { timeout: 25_000 })
    expect(await isHeld()).toBe(true)
    opened[0]!.onerror()
    await vi.waitUntil(async () => !(await isHeld()), { timeout: 25_000 })
    expect(states).toEqual(['connecting', 'connecting', 'ended'])
    stop()
  } finally {
    vi.unstubAllGlobals()
  }
})
