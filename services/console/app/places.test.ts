import { expect, test } from 'vitest'
import { goalsOf } from './palette.tsx'
import { placesIn } from './places.ts'

const all = (hasLedger: boolean) =>
  placesIn('acme', true, hasLedger).flatMap(({ links, rare }) => [...links, ...(rare?.links ?? [])])

test('a page is in the menu twice, or only where the ledger is on', () => {
  const [on, off] = [all(true), all(false)].map(places => places.map(({ to }) => to).toSorted())
  expect(new Set(on).size).toBe(on!.length)
  expect(off).toEqual(on)
})

test('a page that the menu folds is not found by its name', () => {
  for (const { to, label } of all(false)) {
    const found = goalsOf(label, placesIn('acme', true, false), 'acme', [])
    expect(
      found.map(goal => goal.to),
      label,
    ).toContain(to)
  }
})

test('where the ledger is off, its pages keep what is needed daily below the fold', () => {
  const billing = (hasLedger: boolean) =>
    placesIn('acme', false, hasLedger).find(({ title }) => title === 'Billing')!
  expect(billing(false).links).toEqual([])
  expect(billing(true).links.map(({ label }) => label)).toContain('Customers')
  expect(billing(true).rare?.links.map(({ label }) => label)).toContain('Quarantine')
})
