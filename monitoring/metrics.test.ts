import { expect, test } from 'vitest'
import { openPartRegistries, readMetrics } from './registries.ts'
import { staleFiles } from './write.ts'

test('generated pages, alerts and dashboards are as the code makes them: npm run generate', async () => {
  expect(await staleFiles()).toEqual([])
})

test('every closed set of label values stands at 0 in the first scrape, so that the first event counts', async () => {
  // Values of these come with what is asked and what is declared.
  const open = new Set([
    'fairlead_secrets_matched_total',
    'fairlead_api_answer_seconds',
    'fairlead_store_call_seconds',
    'fairlead_organization_objective_target_ratio',
  ])
  const metrics = await readMetrics()
  const missing = [...metrics.values()]
    .filter(({ name }) => name.startsWith('fairlead_') && !open.has(name))
    .flatMap(({ name, labelNames, values }) =>
      labelNames.filter(label => (values[label] ?? []).length === 0).map(label => `${name}{${label}}`),
    )
  expect(missing).toEqual([])
})

test('the first scrape of each part is small', async () => {
  for (const [part, registry] of Object.entries(openPartRegistries())) {
    expect(Buffer.byteLength(await registry.metrics()), part).toBeLessThan(100_000)
  }
})
