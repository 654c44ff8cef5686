import { until } from '@fairlead/testbed/until'
import { newId } from '@fairlead/webhook/id'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BodyLease, openBodyMemory } from './body-memory.ts'

const organizations = [1, 2, 3].map(n => newId('org', n))
const [one, two] = organizations as [(typeof organizations)[0], (typeof organizations)[0]]
const ignore = () => {}

test('one organization holds at most half, and another one finds room beside it, also from the same peer', () => {
  using memory = openBodyMemory({ limit: 1_000 })
  const held: BodyLease[] = []
  for (let lease = memory.lease(one, 'p', ignore); lease.grow(50); lease = memory.lease(one, 'p', ignore))
    held.push(lease)
  expect(memory.used).toBe(500)
  expect(memory.lease(two, 'p', ignore).grow(100)).toBe(true)
  for (const lease of held) lease[Symbol.dispose]()
  expect(memory.used).toBe(100)
})

test('a peer that sends to many organizations leaves room for others', () => {
  using memory = openBodyMemory({ limit: 1_000 })
  for (let n = 10; n < 100; n++) memory.lease(newId('org', n), 'attacker', ignore).grow(50)
  expect(memory.used).toBeLessThanOrEqual(750)
  expect(memory.lease(two, 'other', ignore).grow(50)).toBe(true)
})

test('whatever is asked of leases, what they hold is what is counted, and nothing is left when they are gone', () => {
  const step = fc.record({
    kind: fc.constantFrom('open', 'grow', 'complete', 'dispose'),
    which: fc.nat(9),
    bytes: fc.integer({ min: 0, max: 400 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      using memory = openBodyMemory({ limit: 1_000 })
      const leases: BodyLease[] = []
      for (const { kind, which, bytes } of steps) {
        const lease = leases[which % Math.max(1, leases.length)]
        if (kind === 'open') leases.push(memory.lease(organizations[which % 3]!, `peer-${which % 2}`, ignore))
        else if (kind === 'grow') lease?.grow(bytes)
        else if (kind === 'complete') lease?.complete()
        else lease?.[Symbol.dispose]()
        expect(memory.used).toBe(leases.reduce((sum, { bytes }) => sum + bytes, 0))
        expect(memory.used).toBeLessThanOrEqual(1_000)
      }
      for (const lease of leases) lease[Symbol.dispose]()
      expect(memory.used).toBe(0)
    }),
  )
})

test('a body that stalls is given up after a period of grace, one that goes on slowly is not', async () => {
  using memory = openBodyMemory({ limit: 100_000, periodMs: 40, leastBytesPerSecond: 100 })
  const slow: string[] = []
  const stalled = memory.lease(one, 'p', () => slow.push('stalled'))
  stalled.grow(50_000)
  const steady = memory.lease(two, 'p', () => slow.push('steady'))
  const sending = setInterval(() => steady.grow(100), 10)
  memory.lease(two, 'p', () => slow.push('complete')).complete()
  try {
    await until(() => slow.length > 0, { what: 'a body given up' })
    await until(() => steady.bytes > 1_500, { what: 'more of the slow one' })
  } finally {
    clearInterval(sending)
  }
  expect(slow).toEqual(['stalled'])
})
