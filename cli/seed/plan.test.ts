import { compileRoutes } from '@fairlead/webhook/match'
import { expect, test } from 'vitest'
import { planEvents, type Setting } from './plan.ts'
import { seededRandom } from './random.ts'

const dayMs = 86_400_000
const untilMs = Date.UTC(2026, 2, 16, 12)
const extent = { fromMs: untilMs - 14 * dayMs, untilMs, count: 5000 }
const setting: Setting = {
  sources: [
    { name: 'stripe', provider: 'stripe' },
    { name: 'github', provider: 'github' },
    { name: 'erp', provider: 'custom' },
  ],
  destinations: [
    { name: 'billing', retryDelaysMs: [60_000, 300_000, 900_000], timeoutMs: 15_000 },
    { name: 'builds', retryDelaysMs: [], timeoutMs: 5_000 },
  ],
  match: compileRoutes([
    { source: 'stripe', eventTypes: ['*'], destinations: ['billing'] },
    { source: 'github', eventTypes: ['push'], destinations: ['builds', 'billing'] },
  ]),
}
const plan = (seed: string) => planEvents(setting, extent, seededRandom(seed))
const events = plan('a')

test('the same seed plans the same, another seed another', () => {
  // As text: comparing 5,000 events field by field takes seconds.
  expect(JSON.stringify(plan('a'))).toBe(JSON.stringify(events))
  expect(JSON.stringify(plan('b'))).not.toBe(JSON.stringify(events))
})

test('as many as asked, in their order, within their time, and all ended by then', () => {
  expect(events).toHaveLength(extent.count)
  expect(events.filter(({ atMs }, i) => atMs < (events[i - 1]?.atMs ?? extent.fromMs))).toEqual([])
  const ends = events.flatMap(({ deliveries }) => deliveries.map(({ attempts }) => attempts.at(-1)!.atMs))
  expect(Math.max(...ends)).toBeLessThan(untilMs + 10)
  expect(events.at(-1)!.atMs).toBeLessThan(untilMs)
})

test('destinations are those of the routes, and attempts follow their schedule', () => {
  const wanted = (source: string, type: string) =>
    source === 'stripe' ? ['billing'] : source === 'github' && type === 'push' ? ['billing', 'builds'] : []
  const astray = events.filter(
    ({ source, type, deliveries }) =>
      deliveries.map(({ destination }) => destination).join() !== wanted(source, type).join(),
  )
  expect(astray).toEqual([])

  const offSchedule = events
    .flatMap(({ deliveries }) => deliveries)
    .filter(({ destination, state, attempts }) => {
      const most = destination === 'billing' ? 4 : 1
      const delivered = attempts.filter(({ outcome }) => outcome === 'delivered').length
      return state === 'delivered'
        ? delivered !== 1 || attempts.length > most
        : delivered !== 0 || attempts.length !== most
    })
  expect(offSchedule).toEqual([])
})

test('looks like a company: more by day and on weekdays, few failures, fewer dead letters', () => {
  const hour = (from: number, to: number) =>
    events.filter(({ atMs }) => new Date(atMs).getUTCHours() >= from && new Date(atMs).getUTCHours() < to)
      .length
  expect(hour(9, 17)).toBeGreaterThan(5 * hour(0, 5))
  const sundays = events.filter(({ atMs }) => new Date(atMs).getUTCDay() === 0).length
  expect(sundays).toBeLessThan(events.length / 10)
  const deliveries = events.flatMap(event => event.deliveries)
  const retried = deliveries.filter(({ attempts }) => attempts.length > 1).length / deliveries.length
  const dead = deliveries.filter(({ state }) => state !== 'delivered').length / deliveries.length
  expect(retried).toBeGreaterThan(0.005)
  expect(retried).toBeLessThan(0.1)
  expect(dead).toBeGreaterThan(0.001)
  expect(dead).toBeLessThan(0.05)
})
