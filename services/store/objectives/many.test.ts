import { exposedText } from '@fairlead/daemon/exposition'
import { createTestDatabase } from '@fairlead/testbed/postgres'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { openPool } from '../postgres.ts'
import { inScope } from '../scope.ts'
import { readDeclaredSet } from './declared-set.ts'
import { openOrganizationMetrics } from './organization-metrics.ts'

test('of 10,000 organizations with objectives 500 have series, the others are counted together, and a scrape stays small', async () => {
  await using database = await createTestDatabase()
  await using shared = openPool(database.url, 1)
  await inScope(shared.pool, 'platform', db =>
    db.query(
      `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference, slo)
       select gen_random_uuid(), 'organization-' || n, '', 'free', true, 7, 'api', '',
         '{"freshness": {"target": 0.99, "withinSeconds": 5}, "delivery": {"target": 0.99, "withinSeconds": 86400}}'
       from generate_series(1, 10000) as n`,
    ),
  )
  const set = await readDeclaredSet(shared.pool)
  expect([set.organizations.size, set.slos.size, set.folded]).toEqual([500, 10_000, 9_500])

  const registry = new Registry()
  const metrics = openOrganizationMetrics(registry)
  metrics.declare(set)
  metrics.count(
    [...set.slos.keys()].map(organization => ({ organization })),
    [],
  )
  const rounds = []
  let bytes = 0
  for (let round = 0; round < 5; round++) {
    const start = process.cpuUsage()
    bytes = Buffer.byteLength(await exposedText(registry, 'openmetrics'))
    const { user, system } = process.cpuUsage(start)
    rounds.push((user + system) / 1000)
  }
  console.log(
    `10,000 organizations: ${bytes} bytes in ${Math.min(...rounds).toFixed(1)} ms of a processor (least of 5)`,
  )
  expect(bytes).toBeLessThan(2e6)
  // 50 ms on a quiet machine.
  expect(Math.min(...rounds)).toBeLessThan(400)
  expect(await registry.metrics()).toContain('fairlead_organization_events_total{organization="other"} 9500')
})
