import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import {
  contentTypeOf,
  endOf,
  exposedText,
  formatFor,
  joinExposed,
  noteCounted,
  noteExemplar,
} from './exposition.ts'

const traceId = '0123456789abcdef0123456789abcdef'
const other = 'f'.repeat(32)

function aRegistry() {
  const registry = new Registry()
  const registers = [registry]
  new Counter({ name: 'things_total', help: 'Things', labelNames: ['kind'], registers }).inc({
    kind: 'a # {b',
  })
  const seconds = new Histogram({ name: 'thing_seconds', help: 'Time', buckets: [0.5, 1], registers })
  const large = new Histogram({ name: 'large_thing_seconds', help: 'Time', buckets: [0.5, 1], registers })
  return { registry, seconds, large }
}

test('the trace of a slow value is told at its bucket, to a scraper that asks for OpenMetrics', async () => {
  const { registry, seconds } = aRegistry()
  for (const value of [0.1, 0.7, 7]) seconds.observe(value)
  noteExemplar(seconds, 0.7, traceId, 1_500)
  noteExemplar(seconds, 7, other, 2_000)
  const format = formatFor('application/openmetrics-text;version=1.0.0,*/*;q=0.1')
  expect(contentTypeOf(format)).toContain('openmetrics-text')
  const body = await exposedText(registry, format)
  expect(body).toContain(`thing_seconds_bucket{le="0.5"} 1\n`)
  expect(body).toContain(`\nthing_seconds_bucket{le="1"} 2 # {trace_id="${traceId}"} 0.7 1.500\n`)
  expect(body).toContain(`\nthing_seconds_bucket{le="+Inf"} 3 # {trace_id="${other}"} 7 2.000\n`)
  expect(body.match(/trace_id/g)).toHaveLength(2)
})

test('OpenMetrics is as its parser wants it: counters without their suffix in comments, no empty line, an end', async () => {
  const { registry } = aRegistry()
  const body = `${await exposedText(registry, 'openmetrics')}${endOf('openmetrics')}`
  expect(body).toContain('# TYPE things counter\nthings_total{kind="a # {b"} 1\n')
  expect(body).not.toContain('\n\n')
  expect(body.endsWith('# EOF\n')).toBe(true)
})

test('a scraper that knows no exemplars is told none, and every value', async () => {
  const { registry, seconds } = aRegistry()
  seconds.observe(0.7)
  const plain = await registry.metrics()
  noteExemplar(seconds, 0.7, traceId, 1_500)
  expect(await exposedText(registry, 'openmetrics')).toContain(traceId)
  const format = formatFor('text/plain')
  expect(contentTypeOf(format)).toContain('text/plain')
  expect(`${await exposedText(registry, format)}${endOf(format)}`).toBe(plain)
})

test('the newest trace of a bucket replaces the one before', async () => {
  const { registry, seconds } = aRegistry()
  seconds.observe(0.7)
  noteExemplar(seconds, 0.7, traceId, 1_000)
  noteExemplar(seconds, 0.8, 'f'.repeat(32), 2_000)
  const text = await exposedText(registry, 'openmetrics')
  expect(text).toContain('f'.repeat(32))
  expect(text).not.toContain(traceId)
})

test('the trace of what a counter counted is told at its series, and forgotten with it', async () => {
  const registry = new Registry()
  const labelNames = ['organization', 'result'] as const
  const attempts = new Counter({
    name: 'attempts_total',
    help: 'Attempts',
    labelNames,
    registers: [registry],
  })
  const failed = { organization: 'acme', result: 'failed' }
  attempts.inc({ organization: 'acme', result: 'delivered' })
  attempts.inc(failed)
  noteCounted(attempts, failed, traceId, 1_500)
  const told = await exposedText(registry, 'openmetrics')
  expect(told).toContain(
    `attempts_total{organization="acme",result="failed"} 1 # {trace_id="${traceId}"} 1 1.500`,
  )
  expect(told).toContain('attempts_total{organization="acme",result="delivered"} 1\n')
  attempts.remove(failed)
  await exposedText(registry)
  attempts.inc(failed)
  expect(await exposedText(registry, 'openmetrics')).not.toContain(traceId)
})

test('a registry of every kind of metric and odd texts is told as prom-client tells it', async () => {
  const registry = new Registry()
  const registers = [registry]
  const odd = ['plain', 'a "quoted" one', 'back\\slash', 'two\nlines', 'Zürich', '']
  const counter = new Counter({
    name: 'odd_total',
    help: 'A\nhelp \\ text',
    labelNames: ['kind', 'of'],
    registers,
  })
  const gauge = new Gauge({ name: 'odd_size', help: 'Sizes', labelNames: ['kind'], registers })
  for (const [index, kind] of odd.entries()) {
    counter.inc({ kind, of: index }, index / 3)
    gauge.set({ kind }, [0, -1.5, 1e21, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3][index]!)
  }
  new Gauge({
    name: 'collected',
    help: 'Set at each scrape',
    registers,
    collect() {
      this.set(7)
    },
  })
  const seconds = new Histogram({
    name: 'odd_seconds',
    help: 'Time',
    labelNames: ['kind'],
    buckets: [1],
    registers,
  })
  for (const kind of odd) seconds.observe({ kind }, 2)
  expect(await exposedText(registry)).toBe(await registry.metrics())
  gauge.remove({ kind: 'plain' })
  gauge.set({ kind: 'Zürich' }, 4)
  expect(await exposedText(registry)).toBe(await registry.metrics())
})

test.each(['prometheus', 'openmetrics'] as const)(
  'a metric that two parts have is declared once, and no series lost (%s)',
  async format => {
    const parts = ['receiver', 'worker'].map(part => {
      const registers = [new Registry()]
      new Gauge({ name: 'age_seconds', help: 'Age', labelNames: ['part'], registers }).set({ part }, 1)
      new Counter({ name: `${part}_things_total`, help: 'Things', registers }).inc(2)
      return registers[0]!
    })
    const joined = joinExposed(await Promise.all(parts.map(part => exposedText(part, format))))
    const lines = joined.split('\n').filter(line => line !== '')
    const suffix = format === 'prometheus' ? '_total' : ''
    expect(lines).toEqual([
      '# HELP age_seconds Age',
      '# TYPE age_seconds gauge',
      'age_seconds{part="receiver"} 1',
      'age_seconds{part="worker"} 1',
      `# HELP receiver_things${suffix} Things`,
      `# TYPE receiver_things${suffix} counter`,
      'receiver_things_total 2',
      `# HELP worker_things${suffix} Things`,
      `# TYPE worker_things${suffix} counter`,
      'worker_things_total 2',
    ])
  },
)
