import { eventId, newId, toHex } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openKeeper } from './keep.ts'

const organization = newId('org', 0)
const ids = Array.from({ length: 20_000 }, (_, i) => eventId(organization, 'stripe', { id: `${i}` }))

test.each([
  [0, 0, 0],
  [0.01, 120, 280],
  [0.5, 9_600, 10_400],
  [1, 20_000, 20_000],
])(
  'a ratio of %s keeps between %s and %s of 20,000 traces, the same ones each time',
  (ratio, least, most) => {
    const keeper = openKeeper(ratio, () => {})
    const kept = ids.filter(keeper.samples)
    expect(kept.length).toBeGreaterThanOrEqual(least)
    expect(kept.length).toBeLessThanOrEqual(most)
    expect(ids.filter(openKeeper(ratio, () => {}).samples)).toEqual(kept)
  },
)

test.each([0, 0.01, 0.5, 1])('of a trace’s id the ratio %s says what it says of the event’s', ratio => {
  const keeper = openKeeper(ratio, () => {})
  expect(ids.filter(id => keeper.samplesTrace(toHex(id)))).toEqual(ids.filter(keeper.samples))
})

test('what a smaller ratio keeps, a larger one keeps too: processes with different settings still agree', () => {
  const [few, many] = [openKeeper(0.01, () => {}), openKeeper(0.1, () => {})]
  expect(ids.filter(few.samples).every(many.samples)).toBe(true)
})

test('ids that are chosen so that the ratio keeps them are bounded', () => {
  let skipped = 0
  const keeper = openKeeper(0.01, () => skipped++)
  const kept = Array.from({ length: 100_000 }, (_, i) => keeper.admitSampled(i / 10)).filter(Boolean).length
  // Ten seconds of 300 a second, and the burst.
  expect(kept).toBeLessThan(3_700)
  expect(kept + skipped).toBe(100_000)
})

test('a flood of failures is capped, with every kind present in each ten seconds, and the rest counted', () => {
  let skipped = 0
  const keeper = openKeeper(0, () => skipped++)
  const kinds = Array.from({ length: 50 }, (_, i) => `org dst-${i} destination_failed`)
  const windows = Array.from({ length: 3 }, () => new Map<string, number>())
  // 5,000 a second for thirty seconds; the last kinds come only when the bound is used up.
  for (let i = 0; i < 150_000; i++) {
    const ms = i / 5
    const kind = kinds[i % 5_000 < 4_900 ? i % 5 : i % 50]!
    if (!keeper.admitFailure(kind, ms)) continue
    const window = windows[Math.floor(ms / 10_000)]!
    window.set(kind, (window.get(kind) ?? 0) + 1)
  }
  for (const window of windows) {
    expect([...window.keys()].sort()).toEqual([...kinds].sort())
    expect([...window.values()].reduce((sum, count) => sum + count)).toBeLessThanOrEqual(2_000 + 200 + 50)
  }
  expect(skipped).toBeGreaterThan(140_000)
})

test('failures of a hundred thousand kinds take no more memory than those of a few thousand', () => {
  const keeper = openKeeper(0, () => {})
  const kept = Array.from({ length: 100_000 }, (_, i) => keeper.admitFailure(`kind ${i}`, 1)).filter(
    Boolean,
  ).length
  expect(kept).toBeLessThanOrEqual(200 + 4_096)
})
