import { expect, test } from 'vitest'
import { applyChanges, mergeFresh, withNew } from './live.ts'

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

test('a list that grows for ever forgets its oldest pages, and what it was asked for with them', () => {
  const grown = withNew(list([{ id: 'b' }], [{ id: 'a' }]), [{ id: 'd' }, { id: 'c' }], 3, idOf)
  expect(grown.pages.map(page => page.items.map(idOf))).toEqual([['d', 'c', 'b']])
  expect(grown.pageParams).toHaveLength(1)
})
