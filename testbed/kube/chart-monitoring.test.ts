import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openApiMetrics } from '@fairlead/api/metrics'
import { openRegistry } from '@fairlead/daemon/metrics'
import { openOperatorMetrics } from '@fairlead/operator/metrics'
import { openReceiverMetrics } from '@fairlead/receiver/metrics'
import { openStoreMetrics } from '@fairlead/store/metrics'
import { openWorkerMetrics } from '@fairlead/worker/metrics'
import { beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { scratchFolder } from '../scratch.ts'
import { findPromtool, type Promtool } from './promtool.ts'

/** The chart's alerts and dashboards: that they are valid, and speak of metrics and labels that the parts have. */

const chart = resolve(import.meta.dirname, '../../charts/fairlead')
let promtool: Promtool

beforeAll(async () => {
  promtool = await findPromtool()
}, 120_000)

interface Rule {
  readonly alert: string
  readonly expr: string
}
interface Panel {
  readonly title: string
  readonly targets: readonly { readonly expr: string }[]
}

const { groups } = parse(await readFile(join(chart, 'alerts.yaml'), 'utf8'))
const alerts: readonly Rule[] = groups.flatMap(({ rules }: { rules: readonly Rule[] }) => rules)
const files = await readdir(join(chart, 'dashboards'))
const dashboards = await Promise.all(
  files.map(async file => ({ file, ...JSON.parse(await readFile(join(chart, 'dashboards', file), 'utf8')) })),
)
const panels = dashboards.flatMap(({ file, panels }) =>
  (panels as readonly Panel[]).map(({ title, targets }) => ({
    name: `${file}: ${title}`,
    queries: targets.map(({ expr }) => expr),
  })),
)
const queries = panels.flatMap(panel => panel.queries)

test('promtool finds the alerts right, and each fires when it should', async () => {
  expect(await promtool(['check', 'rules', 'alerts.yaml'], chart)).toContain(`${alerts.length} rules found`)
  expect(await promtool(['test', 'rules', 'alerts.test.yaml'], chart)).toContain('SUCCESS')
})

test('each alert has a case in which it fires, and one in which it does not', async () => {
  const { tests } = parse(await readFile(join(chart, 'alerts.test.yaml'), 'utf8'))
  const [well, ...ill] = tests
  const quiet = well.alert_rule_test.map(({ alertname }: { alertname: string }) => alertname)
  expect(quiet).toEqual(alerts.map(({ alert }) => alert))
  for (const { alert } of alerts) expect(JSON.stringify(ill)).toContain(alert)
})

test('promtool reads each panel’s query', async () => {
  await using folder = await scratchFolder()
  const rules = queries.map((expr, at) => ({
    record: `panel:${at}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$namespace', 'fairlead'),
  }))
  await writeFile(join(folder.path, 'panels.yaml'), stringify({ groups: [{ name: 'panels', rules }] }))
  const said = await promtool(['check', 'rules', 'panels.yaml'], folder.path)
  expect(said).toContain(`${queries.length} rules found`)
})

describe('metrics', () => {
  const known = labelsByMetric()
  /** Given by Prometheus, which knows whom it scrapes, or a part of every histogram. */
  const always = ['namespace', 'pod', 'le']

  test.each([...alerts.map(({ alert, expr }) => ({ name: alert, queries: [expr] })), ...panels])(
    '$name speaks of what there is',
    ({ queries }) => {
      const expr = queries.join('\n')
      const used = [...expr.matchAll(/\b(?:fairlead|nodejs|process)_\w+/g)].map(([name]) => name)
      expect(used).not.toEqual([])
      const labels = used.flatMap(name => {
        const found = known.get(name)
        expect(found, `${name} is a metric`).toBeDefined()
        return found ?? []
      })
      const selected = [...expr.matchAll(/(\w+)(?:=~|!~|!=|=)"/g)].map(([, label]) => label!)
      const grouped = [...expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/, ?/))
      for (const label of [...selected, ...grouped]) expect([...labels, ...always]).toContain(label)
    },
  )

  test('most of what the parts count is looked at', () => {
    const looked = [...alerts.map(({ expr }) => expr), ...queries].join('\n')
    const own = [...known.keys()].filter(
      name => /^fairlead_/.test(name) && !/_(bucket|sum|count)$/.test(name),
    )
    const unseen = own.filter(name => !looked.includes(name))
    expect(unseen.length, unseen.join(', ')).toBeLessThan(own.length / 2)
  })
})

/** Metrics of all parts and the labels of each, from the registries that the parts open. */
function labelsByMetric(): ReadonlyMap<string, readonly string[]> {
  const none = () => 0
  const registries = Array.from({ length: 5 }, openRegistry)
  const [receiver, worker, store, api, operator] = registries
  openReceiverMetrics(receiver!, {
    bodyBytes: none,
    requests: none,
    unacknowledged: none,
    organizations: none,
    seen: () => ({ up: true, waiting: 0 }),
  })
  openWorkerMetrics(worker!, {
    partitions: none,
    slots: none,
    unpulledForMs: none,
    pendingEvents: none,
    lanes: () => [],
  })
  openStoreMetrics(store!, {
    connections: () => ({ idle: 0, busy: 0, waiting: 0 }),
    standing: { leading: false, unreadableForMs: () => 0, measure: async () => undefined },
  })
  openApiMetrics(api!)
  openOperatorMetrics(operator!)
  const labels = new Map<string, readonly string[]>()
  for (const metric of registries.flatMap(registry => registry.getMetricsAsArray())) {
    // A metric knows its label names; its type leaves them out.
    const names: readonly string[] = Reflect.get(metric, 'labelNames')
    labels.set(metric.name, names)
    if (String(metric.type) === 'histogram') {
      for (const suffix of ['_bucket', '_sum', '_count']) labels.set(metric.name + suffix, names)
    }
  }
  return labels
}
