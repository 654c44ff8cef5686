import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findNewestPromtool, findPromtool } from '@fairlead/testbed/prometheus'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { allQueries, recordedSeries } from './queries.ts'
import { queryFaults, seriesIn } from './query-faults.ts'
import { type MetricInfo, readMetrics, sampleNames } from './registries.ts'

const queries = allQueries()
const metrics = await readMetrics()
const known = { metrics, recorded: recordedSeries }

test('every query of alerts, recordings, runbook pages and dashboards names series, labels and values that there are', () => {
  const faults = queries
    .filter(({ expr }) => !expr.startsWith('ALERTS{'))
    .flatMap(({ of, expr }) => queryFaults(expr, known).map(fault => `${of}: ${fault}`))
  expect(faults).toEqual([])
})

test('a metric that is renamed in the code makes a query fail that uses it', () => {
  const used = new Set(queries.flatMap(({ expr }) => seriesIn(expr)))
  const unnoticed = [...metrics.values()]
    .filter(metric => sampleNames(metric).some(name => used.has(name)))
    .filter(metric => {
      const renamed = new Map(metrics)
      renamed.delete(metric.name)
      return !queries.some(({ expr }) => queryFaults(expr, { ...known, metrics: renamed }).length > 0)
    })
  expect(unnoticed).toEqual([])
})

test('a label that is dropped in the code makes a query fail that uses it', () => {
  const isNoticed = (without: ReadonlyMap<string, MetricInfo>) =>
    queries
      .filter(({ expr }) => !expr.startsWith('ALERTS{'))
      .some(({ expr }) => queryFaults(expr, { ...known, metrics: without }).length > 0)
  const unnoticed = [...metrics.values()]
    .filter(({ name }) => name.startsWith('fairlead_'))
    .flatMap(metric =>
      metric.labelNames.flatMap(label => {
        const labelNames = metric.labelNames.filter(name => name !== label)
        const without = new Map(metrics).set(metric.name, { ...metric, labelNames, values: {} })
        return isNoticed(without) ? [] : [`${metric.name} ${label}`]
      }),
    )
  expect(unnoticed).toEqual([
    // For people who ask by hand: no query of ours uses it.
    'fairlead_events_accepted_total duplicate',
    'fairlead_duplicates_suppressed_total provider',
    'fairlead_secrets_matched_total provider',
    'fairlead_handshakes_answered_total provider',
    // Always divided by, or divides, a metric that has the label, too: panels.test.ts would find no data.
    'fairlead_stream_limit_bytes stream',
    'fairlead_destination_attempt_seconds_total organization',
    'fairlead_destination_attempt_seconds_total destination',
  ])
})

test('every metric of ours is in an alert, in a runbook or on a panel', () => {
  const used = new Set(queries.flatMap(({ expr }) => seriesIn(expr)))
  const unseen = [...metrics.values()]
    .filter(({ name }) => name.startsWith('fairlead_'))
    .filter(metric => !sampleNames(metric).some(name => used.has(name)))
    .map(({ name }) => name)
  expect(unseen).toEqual([])
})

test.each([
  ['the distribution’s', findPromtool],
  ['the newest', findNewestPromtool],
])('%s promtool reads every query of runbook pages and dashboards', async (_release, find) => {
  const promtool = await find()
  await using folder = await scratchFolder()
  const rules = queries.map(({ expr }, at) => ({
    record: `query:${at}`,
    expr: expr
      .replaceAll('$__rate_interval', '5m')
      .replaceAll('$__range', '1h')
      .replaceAll(/\$\w+/g, 'fairlead'),
  }))
  await writeFile(join(folder.path, 'queries.yaml'), stringify({ groups: [{ name: 'queries', rules }] }))
  const said = await promtool(['check', 'rules', 'queries.yaml'], folder.path)
  expect(said).toContain(`${queries.length} rules found`)
})
