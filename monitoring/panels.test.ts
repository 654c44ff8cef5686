import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { askExemplars, askPrometheus, type PrometheusSeries } from '@fairlead/testbed/prometheus'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { allDashboards } from './dashboards/all.ts'
import { variablesOf } from './dashboards/builder.ts'
import { drawDashboard } from './draw/draw-dashboard.ts'
import { type Observed, observedNamespace, startObserved, useEverything } from './fixtures/observed.ts'
import { allQueries, type Query } from './queries.ts'
import { readMetrics, sampleNames } from './registries.ts'

/*
 * The real product under a script, and two real ones of Prometheus, the distribution's and the newest: every query of panels, rules and runbook pages returns data.
 * With FAIRLEAD_PICTURES=<folder> each dashboard is drawn there, as an SVG, to be looked at, and what each query says is written into queries.tsv.
 */

let observed: Observed
let fromMs = 0
let toMs = 0

beforeAll(async () => {
  observed = await startObserved()
  fromMs = Date.now()
  await useEverything(observed, 12)
  await untilAllAnswer()
  toMs = Date.now()
}, 900_000)

/** Uses the product until each query has an answer at both: what is observed once is in a rate for ten seconds only. */
async function untilAllAnswer(): Promise<void> {
  // What no query demands, and a test below does.
  const besides = [
    'fairlead:objective_budget_left:ratio30d{objective="delivery"}',
    'increase(fairlead_dead_letters_total{reason="attempts_exhausted"}[1m]) > 0',
    'fairlead:objective_bad:ratio3d{objective="freshness"}',
    'fairlead:organization_objective_budget_left:ratio30d{objective="delivery"}',
    'fairlead:organization_objective_bad:ratio3d{objective="freshness"}',
    'rate(fairlead_destination_attempts_total{destination="broken"}[10s]) > 0',
    'ALERTS{alertstate="firing",organization="acme",objective="delivery"}',
    'ALERTS{alertstate="firing",alertname="FairleadDeadLetters"}',
  ].map(expr => ({ of: 'besides', expr, mayBeEmpty: false }))
  const wanted = [...allQueries().flatMap(variantsOf), ...besides].filter(({ mayBeEmpty }) => !mayBeEmpty)
  let lacking = urls().flatMap(url => wanted.map(query => ({ url, query })))
  const areAnswered = async () => {
    await useEverything(observed, 1)
    const still: typeof lacking = []
    for (const asked of lacking) {
      const faults = await faultsOf(asked.query, asked.url).catch((error: Error) => [error.message])
      if (faults.length > 0) still.push(asked)
    }
    lacking = still
    return lacking.length === 0
  }
  await until(areAnswered, { deadlineMs: 240_000, everyMs: 500, what: 'each query' }).catch(
    (cause: Error) => {
      const which = lacking.map(({ url, query }) => `${query.of}: ${query.expr} at ${url}`)
      throw new Error(`${cause.message}: ${which.join('; ')}`, { cause })
    },
  )
}

afterAll(async () => {
  await observed?.[Symbol.asyncDispose]()
})

/** As Grafana replaces its variables. */
const filled = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', '10s')
    .replaceAll('$__range', '60s')
    .replaceAll('$namespace', observedNamespace)
    .replaceAll('$organization', 'acme')

const urls = () => [observed.prometheusUrl, observed.newestPrometheusUrl]

const ask = (
  expr: string,
  from?: number,
  url = observed.prometheusUrl,
): Promise<readonly PrometheusSeries[]> =>
  askPrometheus(url, filled(expr), {
    toMs: toMs || Date.now(),
    ...(from !== undefined && { fromMs: from }),
  })

/** Windows of people's queries are for production; here everything happened within a minute. */
const shortened = (expr: string): string => expr.replaceAll(/\[\d+[mhd]\]/g, '[60s]')

/** A panel of one destination is asked for each of them. */
const variantsOf = (query: Query): Query[] =>
  query.expr.includes('$destination')
    ? ['app', 'flaky', 'broken'].map(name => ({
        ...query,
        of: `${query.of} (${name})`,
        expr: query.expr.replaceAll('$destination', name),
      }))
    : [query]

async function faultsOf({ expr, legend, mayBeEmpty }: Query, url: string): Promise<string[]> {
  const series = await ask(shortened(expr), fromMs, url)
  if (series.length === 0) return mayBeEmpty ? [] : ['it returns nothing']
  const faults: string[] = []
  if (!mayBeEmpty && series.every(({ points }) => points.length < 2)) faults.push('it has one point only')
  if (series.some(({ points }) => points.every(([, value]) => Number.isNaN(value))))
    faults.push('it has NaN only')
  if (legend === undefined) return faults
  const names = series.map(({ labels }) =>
    legend.replaceAll(/\{\{(\w+)\}\}/g, (_all, name) => labels[name] ?? '?'),
  )
  if (names.some(name => name.includes('?')))
    faults.push(`its legend ${legend} names a label that it has not`)
  if (legend !== '' && new Set(names).size < names.length)
    faults.push(`its legend ${legend} is the same for two series`)
  return faults
}

/** A line for each query, series and release: what the query says at the end. */
async function writeMatrix(folder: string): Promise<void> {
  const lines: string[] = []
  for (const url of urls())
    for (const { of, expr } of allQueries().flatMap(variantsOf)) {
      const series = await ask(shortened(expr), fromMs, url)
      const release = url === observed.prometheusUrl ? 'distribution' : 'newest'
      const values = series.map(({ labels, points }) => [JSON.stringify(labels), points.at(-1)![1]])
      lines.push(...values.map(value => [release, of, expr.replaceAll(/\s+/g, ' '), ...value].join('\t')))
    }
  await writeFile(join(folder, 'queries.tsv'), `${lines.join('\n')}\n`)
}

test('every query of panels, recordings and runbook pages returns data, no NaN, and legends that tell series apart', async () => {
  const faults: string[] = []
  for (const [url, release] of [
    [observed.prometheusUrl, 'distribution'],
    [observed.newestPrometheusUrl, 'newest'],
  ] as const)
    for (const query of allQueries().flatMap(variantsOf)) {
      const found = await faultsOf(query, url).catch((error: Error) => [error.message])
      faults.push(...found.map(fault => `${release}: ${query.of}: ${fault}`))
    }
  expect(faults).toEqual([])
  const folder = process.env.FAIRLEAD_PICTURES
  if (folder) await writeMatrix(folder)
}, 240_000)

test('every variable of a dashboard has a value', async () => {
  const names = new Map(allDashboards.flatMap(variablesOf).map(variable => [variable.name, variable]))
  for (const { name, query } of names.values()) {
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? []
    // A single scrape that a busy machine missed makes an instant look empty.
    const values = (await ask(`last_over_time(${selector}[60s])`)).map(({ labels }) => labels[label])
    expect(values, name).not.toContain(undefined)
    expect(values.length, name).toBeGreaterThan(0)
  }
})

test('nothing critical fires while destinations fail, and the first dead letters are told', async () => {
  // A busy machine may be late for a moment by itself. What a destination causes would stay, or come again, for as long as it fails:
  // so it is asked of every evaluation in six seconds of failures, and not of one moment.
  const isQuiet = async () => {
    await useEverything(observed, 6)
    const series = await askPrometheus(
      observed.prometheusUrl,
      'count_over_time(ALERTS{alertstate="firing"}[6s])',
      { toMs: Date.now() },
    )
    const fired = series.map(({ labels }) => labels)
    const critical = fired.filter(({ severity }) => severity === 'critical')
    if (critical.length > 0) throw new Error(critical.map(({ alertname }) => alertname).join(', '))
    return fired.some(({ alertname }) => alertname === 'FairleadDeadLetters')
  }
  await until(isQuiet, { deadlineMs: 90_000, what: 'dead letters told, and nothing critical' })
}, 600_000)

test('an event loop counts as late for nothing but its own sampling', async () => {
  // The least of a busy machine, too, is a turn that came in time.
  const [lag] = await ask('min_over_time(nodejs_eventloop_lag_min_seconds[60s])')
  expect(lag!.points[0]![1]).toBeLessThan(0.4)
})

test('from the alert to the trace: the overview names the destination that fails, since when, and a trace that was kept', async () => {
  const panels = allDashboards.find(({ name }) => name === 'overview')!.rows.flatMap(row => row.panels)
  const failing = panels.find(({ title }) => title === 'Destinations that fail')
  const alerts = panels.find(({ title }) => title === 'Alerts that fire, and for how long')
  const ringing = alerts?.kind === 'table' ? await ask(alerts.targets[0]!.expr, fromMs) : []
  const ofAcme = ringing.find(
    ({ labels }) => labels.organization === 'acme' && labels.objective === 'delivery',
  )
  expect(ofAcme, 'an alert of the organization').toBeDefined()
  expect(ofAcme!.points.at(-1)![1]).toBeGreaterThan(0)
  const [target] = failing?.kind === 'timeseries' ? failing.targets : []
  const series = await ask(target!.expr, fromMs)
  const counted = await ask(
    'fairlead_destination_attempts_total{destination="broken",result="dead"} > 0',
    fromMs,
  )
  const broken = series.find(({ labels }) => labels.destination === 'broken')
  expect(broken?.labels).toMatchObject({ organization: 'acme', result: 'dead' })
  // Since when: two scrapes tell a rate, and a busy machine may miss some.
  expect(broken!.points[0]![0]).toBeLessThan(counted[0]!.points[0]![0] + 30)
  const kept = await until(
    async () => {
      const exemplars = await askExemplars(observed.prometheusUrl, filled(target!.expr), { fromMs, toMs })
      const traces = exemplars.find(({ labels }) => labels.destination === 'broken')?.traces ?? []
      const spans = observed.collector
        .spans()
        .filter(({ attributes }) => attributes['fairlead.destination'] === 'broken')
      return spans.find(span => traces.some(({ traceId }) => span.traceId === traceId))
    },
    { what: 'an exemplar whose trace the collector has' },
  )
  // The same id on the event's page.
  const event = `/organizations/acme/events/${kept.attributes['fairlead.event.id']}`
  const told = async () => JSON.stringify(await observed.read(event)).includes(`"traceId":"${kept.traceId}"`)
  await until(told, { what: `${event} with ${kept.traceId}` })
})

test('after all this no label has a value outside of its closed list', async () => {
  const open = new Set(['organization', 'destination', 'partition', 'version', 'revision', 'node', 'le'])
  const metrics = [...(await readMetrics()).values()].filter(({ name }) => name.startsWith('fairlead_'))
  const bySample = new Map(
    metrics.flatMap(metric => sampleNames(metric).map(name => [name, metric] as const)),
  )
  const told = [...(await observed.scrape()).matchAll(/^(fairlead_\w+)\{(.*)\} \S+/gm)]
  const labels = told.flatMap(([, name = '', text = '']) =>
    [...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => ({ name, label, value })),
  )
  const strays = labels.filter(({ name, label, value }) => {
    const closed = bySample.get(name)?.values[label]
    return !open.has(label) && closed !== undefined && !closed.includes(value)
  })
  expect(labels.length).toBeGreaterThan(500)
  expect(strays).toEqual([])
})

test('each panel is drawn from what Prometheus answers', async () => {
  for (const dashboard of allDashboards) {
    const svg = await drawDashboard(
      dashboard,
      expr => ask(expr.replaceAll('$destination', 'flaky'), fromMs),
      expr => askExemplars(observed.prometheusUrl, filled(expr), { fromMs, toMs }),
    )
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s)
    expect(svg).not.toMatch(/NaN|undefined/)
    const folder = process.env.FAIRLEAD_PICTURES
    if (folder) await writeFile(join(folder, `${dashboard.name}.svg`), svg)
  }
}, 240_000)
