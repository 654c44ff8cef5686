import { newId } from '@fairlead/webhook/id'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSlots } from './slots.ts'

const organizations = (count: number) => Array.from({ length: count }, (_, i) => newId('org', i + 1))

test('an organization whose attempts hang does not hold the slots of others', () => {
  const slots = openSlots(100, 1e9)
  const [hanging, ...others] = organizations(10)
  let held = 0
  while (slots.take(hanging!, 1, true)) held++
  expect(held).toBe(38) // half of the three quarters that lanes in doubt may use
  for (const other of others) expect(slots.take(other, 1, false)).toBe(true)
  for (let i = 0; i < held; i++) slots.give(hanging!, 1)
  for (const other of others) slots.give(other, 1)
  expect(slots.used).toBe(0)
})

test('once slots run short, organizations hold them by weight', () => {
  const [heavy, light] = organizations(2)
  const slots = openSlots(160, 1e9, id => (id === heavy ? 3 : 1))
  const held = new Map([
    [heavy!, 0],
    [light!, 0],
  ])
  for (let turn = 0; turn < 200; turn++) {
    for (const [id, count] of held) if (slots.take(id, 1, true)) held.set(id, count + 1)
  }
  // Half of the 120 is shared freely, here equally; what an organization gets beyond is by weight, of that half.
  expect(held.get(light!)).toBe(30)
  expect(held.get(heavy!)).toBe(45)
})

test('bodies are bounded too, and a body alone always fits', () => {
  const slots = openSlots(100, 1_000)
  const [first, second] = organizations(2)
  expect(slots.take(first!, 5_000, true)).toBe(true)
  expect(slots.take(second!, 1, true)).toBe(false)
  slots.give(first!, 5_000)
  expect(slots.take(second!, 1, true)).toBe(true)
})

test('however many organizations hang, a healthy one has a slot at once, and gives back what it took', () => {
  const step = fc.record({
    organization: fc.nat(300),
    bytes: fc.nat(40_000),
    doubtful: fc.boolean(),
    give: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), steps => {
      const slots = openSlots(64, 1_000_000)
      const all = organizations(301)
      const well = newId('org', 1_000)
      const taken: { organization: (typeof all)[number]; bytes: number; doubtful: boolean }[] = []
      for (const { organization: index, bytes, doubtful, give } of steps) {
        const organization = all[index]!
        if (slots.take(organization, bytes, doubtful)) taken.push({ organization, bytes, doubtful })
        expect(slots.used).toBe(taken.length)
        expect(taken.length).toBeLessThanOrEqual(64)
        const back = give ? taken.shift() : undefined
        if (back) slots.give(back.organization, back.bytes)
      }
      for (const organization of all)
        while (slots.take(organization, 0, true)) taken.push({ organization, bytes: 0, doubtful: true })
      // Lanes in doubt have all that they may have: the quarter that is kept is left, but for what lanes that do well hold.
      const room = 64 - slots.used
      expect(room).toBeGreaterThanOrEqual(16 - taken.filter(({ doubtful }) => !doubtful).length)
      let got = 0
      while (slots.take(well, 0, false)) got++
      expect(got > 0).toBe(room > 0)
      for (; got > 0; got--) slots.give(well, 0)
      for (const { organization, bytes } of taken) slots.give(organization, bytes)
      expect(slots.used).toBe(0)
    }),
  )
  const slots = openSlots(1024, 1e9)
  for (const organization of organizations(2_000)) while (slots.take(organization, 2_048, true));
  expect(slots.used).toBe(768)
  const well = newId('org', 5_000)
  let got = 0
  while (slots.take(well, 2_048, false)) got++
  expect(got).toBe(128)
})
