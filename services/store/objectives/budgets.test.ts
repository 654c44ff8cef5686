import { createTestDatabase } from '@fairlead/testbed/postgres'
import { newId, type OrganizationId } from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { expect, test } from 'vitest'
import type { Slo } from '../organizations/rows.ts'
import { openPool } from '../postgres.ts'
import { anAttempt, anEventMeta } from '../project/fixture/story.ts'
import { inScope } from '../scope.ts'
import { budgetLeft, openBudgets } from './budgets.ts'
import { countHours, hourCounts, hourMs } from './count-hours.ts'

const slo: Slo = {
  freshness: { target: 0.99, withinSeconds: 5 },
  delivery: { target: 0.95, withinSeconds: 60 },
}
const startMs = Date.parse('2026-03-01T12:30:00Z')
const [acme, other] = [newId('org', startMs), newId('org', startMs)]

/** The first of an event, that long after its receipt. */
function attempt(organization: OrganizationId, lateMs: number): AttemptRecord {
  const meta = anEventMeta({ organization, receivedAt: startMs })
  const delivery = { destination: newId('dst', startMs), attempts: 1, end: 'delivered' } as const
  return { ...anAttempt({ meta, deliveries: [delivery] }, delivery, 1, 1), at: startMs + lateMs }
}

test('what an organization does not declare is not counted, nor what its own destination held up', () => {
  const slos = new Map([[acme, { freshness: slo.freshness! }]])
  const heldUp = { ...attempt(acme, 60_000), heldUp: true }
  const counts = hourCounts([attempt(acme, 10), attempt(acme, 60_000), heldUp, attempt(other, 10)], slos)
  expect(counts).toEqual([{ organization: acme, objective: 'freshness', good: 1, bad: 1 }])
})

test('a budget counts 30 days, by the hour, and the running hour as it grows', async () => {
  await using database = await createTestDatabase()
  await using shared = openPool(database.url, 2)
  let nowMs = startMs
  const slos = new Map([[acme, slo]])
  const budgets = openBudgets(
    shared.pool,
    () => slos,
    () => nowMs,
  )
  const count = (...attempts: ReturnType<typeof attempt>[]) =>
    inScope(shared.pool, 'platform', db => countHours(db, attempts, slos, nowMs), { timeoutMs: 10_000 })

  await budgets.read()
  expect(budgets.of(acme)).toEqual([
    { objective: 'freshness', target: 0.99, good: 0, bad: 0 },
    { objective: 'delivery', target: 0.95, good: 0, bad: 0 },
  ])
  expect(budgets.of(other)).toEqual([])

  await count(attempt(acme, 10), attempt(acme, 10), attempt(acme, 61_000))
  await count(attempt(acme, 10), attempt(other, 10))
  await budgets.read()
  const [freshness, delivery] = budgets.of(acme)
  expect([freshness, delivery]).toMatchObject([
    { good: 3, bad: 1 },
    { good: 3, bad: 1 },
  ])
  expect(budgetLeft(delivery!)).toBeCloseTo(-4)

  // Hours later, and hours that the projection counts while another one is read.
  nowMs += 5 * hourMs
  await count(attempt(acme, 10))
  await budgets.read()
  expect(budgets.of(acme)[0]).toMatchObject({ good: 4, bad: 1 })

  nowMs = startMs + 30 * 24 * hourMs + hourMs
  await budgets.read()
  expect(budgets.of(acme)[0]).toMatchObject({ good: 1, bad: 0 })
})
