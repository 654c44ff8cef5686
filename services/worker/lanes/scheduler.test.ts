import { newId, type OrganizationId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openScheduler, type Waiting } from './scheduler.ts'

const organizations = (count: number) => Array.from({ length: count }, (_, i) => newId('org', i + 1))

/** Lanes that record in which order they are served. */
function openLanes() {
  const served: string[] = []
  const lane = (
    name: string,
    organization: OrganizationId,
    options: { isDoubtful?: boolean; none?: boolean } = {},
  ) =>
    ({
      organization,
      isDoubtful: options.isDoubtful ?? false,
      serve() {
        served.push(name)
        return !options.none
      },
    }) satisfies Waiting
  return { served, lane }
}

test('organizations take turns, and a lane stands in line once however often it was refused', () => {
  const scheduler = openScheduler()
  const { served, lane } = openLanes()
  const [first, second] = organizations(2)
  const lanes = ['a', 'b', 'c'].map(name => lane(name, first!))
  for (let i = 0; i < 3; i++) for (const each of lanes) scheduler.add(each)
  scheduler.add(lane('other', second!))
  expect(scheduler.waiting).toBe(4)
  for (let i = 0; i < 10; i++) scheduler.next()
  expect(served).toEqual(['a', 'other', 'b', 'c'])
  expect(scheduler.waiting).toBe(0)
})

test('an organization has as many turns in a row as its weight', () => {
  const [heavy, light] = organizations(2)
  const scheduler = openScheduler(id => (id === heavy ? 3 : 1))
  const { served, lane } = openLanes()
  for (let i = 0; i < 6; i++) scheduler.add(lane('heavy', heavy!))
  for (let i = 0; i < 6; i++) scheduler.add(lane('light', light!))
  for (let i = 0; i < 8; i++) scheduler.next()
  expect(served).toEqual(['heavy', 'heavy', 'heavy', 'light', 'heavy', 'heavy', 'heavy', 'light'])
})

test('lanes in doubt and healthy lanes take turns, however many wait in either line', () => {
  const scheduler = openScheduler()
  const { served, lane } = openLanes()
  const all = organizations(8)
  for (const organization of all.slice(0, 6))
    scheduler.add(lane('in doubt', organization, { isDoubtful: true }))
  for (const organization of all.slice(6)) scheduler.add(lane('well', organization))
  for (let i = 0; i < 4; i++) scheduler.next()
  expect(served.toSorted()).toEqual(['in doubt', 'in doubt', 'well', 'well'])
  for (let i = 0; i < 4; i++) scheduler.next()
  expect(served).toHaveLength(8)
})

test('a slot that a lane can not use is offered to the next lane', () => {
  const scheduler = openScheduler()
  const { served, lane } = openLanes()
  const [first, second] = organizations(2)
  scheduler.add(lane('broken meanwhile', first!, { none: true }))
  scheduler.add(lane('well', second!))
  scheduler.next()
  expect(served).toEqual(['broken meanwhile', 'well'])
})
