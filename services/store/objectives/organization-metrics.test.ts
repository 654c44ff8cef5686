import { newId } from '@fairlead/webhook/id'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import type { DeclaredSet } from './declared-set.ts'
import { judgedOf, openOrganizationMetrics } from './organization-metrics.ts'

const slo = { freshness: { target: 0.99, withinSeconds: 2 }, delivery: { target: 0.99, withinSeconds: 60 } }
const first = {
  trigger: 'route',
  number: 1,
  receivedAt: 0,
  at: 1_000,
  durationMs: 10,
  settlement: { kind: 'delivered' },
} as const

test.each([
  [
    'in time',
    {},
    [
      ['freshness', 'good'],
      ['delivery', 'good'],
    ],
  ],
  [
    'later than its own threshold',
    { at: 2_001 },
    [
      ['freshness', 'bad'],
      ['delivery', 'good'],
    ],
  ],
  [
    'late while its destination hangs',
    { at: 50_000, heldUp: true },
    [
      ['freshness', 'excluded'],
      ['delivery', 'good'],
    ],
  ],
  ['a second attempt', { number: 2 }, [['delivery', 'good']]],
  ['to be tried again', { settlement: { kind: 'retry', at: 5 } }, [['freshness', 'good']]],
  [
    'given up',
    { settlement: { kind: 'dead', reason: 'gone' } },
    [
      ['freshness', 'good'],
      ['delivery', 'bad'],
    ],
  ],
  ['a Replay', { trigger: 'replay' }, []],
] as const)('an attempt is judged by its organization: %s', (_name, changed, judged) => {
  expect(judgedOf({ ...first, ...changed }, slo)).toEqual(judged)
})

const id = newId('org', 0)
const destination = newId('dst', 0)
const setOf = (count: number, name = 'app'): DeclaredSet => ({
  organizations: new Map(
    Array.from({ length: count }, (_, n) => [
      n === 0 ? id : newId('org', n),
      { slug: `org-${n}`, slo, destinations: new Map(n === 0 ? [[destination, name]] : []) },
    ]),
  ),
  slos: new Map(),
  folded: 0,
})

test('series of an organization appear at 0 when it is declared, and go when it is not any more', async () => {
  const registry = new Registry()
  const metrics = openOrganizationMetrics(registry)
  metrics.declare(setOf(1))
  const text = await registry.metrics()
  expect(text).toContain(
    'fairlead_organization_objective_events_total{organization="org-0",objective="delivery",result="bad"} 0',
  )
  expect(text).toContain(
    'fairlead_organization_objective_target_ratio{organization="org-0",objective="freshness"} 0.99',
  )
  metrics.declare(setOf(0))
  expect(await registry.metrics()).not.toContain('org-0')
})

test('destinations that a tenant makes and deletes leave series for ever', async () => {
  const registry = new Registry()
  const metrics = openOrganizationMetrics(registry)
  metrics.declare(setOf(1, 'before'))
  metrics.declare(setOf(1, 'after'))
  const text = await registry.metrics()
  expect(text).not.toContain('"before"')
  for (const destination of ['after', 'other'])
    expect(text).toContain(
      `fairlead_destination_attempts_total{organization="org-0",destination="${destination}",result="dead"} 0`,
    )
  expect(text).toContain('fairlead_organization_events_total{organization="org-0"} 0')
})

test('organizations that declare nothing, however many, are counted together', async () => {
  const registry = new Registry()
  const metrics = openOrganizationMetrics(registry)
  metrics.declare(setOf(1))
  const attempt = {
    ...first,
    organization: id,
    destination,
    outcome: 'delivered',
  } as unknown as AttemptRecord
  const strangers = Array.from({ length: 10_000 }, (_, n) => ({ organization: newId('org', n) }))
  metrics.count([{ organization: id }, ...strangers], [attempt])
  const text = await registry.metrics()
  expect(text).toContain('fairlead_organization_events_total{organization="org-0"} 1')
  expect(text).toContain('fairlead_organization_events_total{organization="other"} 10000')
  expect(text).toContain(
    'fairlead_destination_attempts_total{organization="org-0",destination="app",result="delivered"} 1',
  )
})

test('a scrape with as many organizations as have series is below 2 MB', async () => {
  const registry = new Registry()
  const metrics = openOrganizationMetrics(registry)
  metrics.declare(setOf(500))
  const startedMs = performance.now()
  const bytes = Buffer.byteLength(await registry.metrics())
  console.log(`500 organizations: ${bytes} bytes in ${Math.round(performance.now() - startedMs)} ms`)
  expect(bytes).toBeLessThan(2e6)
})
