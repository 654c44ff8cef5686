import { newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { isSwallowing } from '../source-counts.ts'
import { anEventMeta } from './fixture/story.ts'
import { foldSlots } from './write-repeats.ts'

test.each([
  ['nothing came', { accepted: 0, repeated: 0, differing: 0 }, false],
  ['all repeats are true ones', { accepted: 5, repeated: 500, differing: 0 }, false],
  ['nine differ', { accepted: 0, repeated: 9, differing: 9 }, false],
  ['ten differ, a fifth of all', { accepted: 30, repeated: 20, differing: 10 }, true],
  ['ten differ, of very many', { accepted: 31, repeated: 20, differing: 10 }, false],
])('a source swallows where many differ, and a good part of all: %s', (_name, counts, expected) => {
  expect(isSwallowing(counts)).toBe(expected)
})

test('requests are counted in the slot of ten minutes in which they came, each source by itself', () => {
  const organization = newId('org', 0)
  const [first, second] = [newId('src', 0), newId('src', 1)]
  const accepted = (sourceId: typeof first, receivedAt: number) => ({
    seq: 1,
    meta: anEventMeta({ organization, sourceId, receivedAt }),
  })
  const repeated = {
    kind: 'repeated' as const,
    organization,
    event: newId('evt', 0),
    eventSeq: 1,
    sourceId: first,
    count: 3,
    differing: 1,
    at: 600_001,
  }
  const slots = foldSlots(
    [accepted(first, 599_999), accepted(first, 600_000), accepted(second, 600_000)],
    [repeated, repeated],
  )
  expect(
    slots.toSorted((a, b) => a.atMs - b.atMs || b.accepted + b.repeated - a.accepted - a.repeated),
  ).toEqual([
    { organization, source: first, atMs: 0, accepted: 1, repeated: 0, differing: 0 },
    { organization, source: first, atMs: 600_000, accepted: 1, repeated: 6, differing: 2 },
    { organization, source: second, atMs: 600_000, accepted: 1, repeated: 0, differing: 0 },
  ])
})
