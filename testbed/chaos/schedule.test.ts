import { expect, test } from 'vitest'
import { planFaults } from './schedule.ts'

const targets = { nats: ['kill', 'freeze'], store: ['restart'], sink: ['cut', 'stall'] } as const

test('a seed gives the same faults again, and another seed others', () => {
  expect(planFaults(7, targets, 60_000)).toEqual(planFaults(7, targets, 60_000))
  expect(planFaults(7, targets, 60_000)).not.toEqual(planFaults(8, targets, 60_000))
})

test('a longer run begins like a shorter one', () => {
  const short = planFaults(7, targets, 30_000)
  expect(planFaults(7, targets, 60_000).slice(0, short.length)).toEqual(short)
})

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  'a target has one fault at a time, of a kind that it takes (seed %i)',
  seed => {
    const faults = planFaults(seed, targets, 120_000)
    expect(faults.length).toBeGreaterThan(10)
    for (const [name, kinds] of Object.entries(targets)) {
      const own = faults.filter(({ target }) => target === name)
      for (const { kind } of own) expect(kinds).toContain(kind)
      for (const [index, { atMs }] of own.slice(1).entries()) {
        expect(atMs).toBeGreaterThan(own[index]!.atMs + own[index]!.holdMs)
      }
    }
  },
)
