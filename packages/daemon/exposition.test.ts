import { Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { answerOf, exposedText, noteCounted, noteExemplar } from './exposition.ts'

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
  const { body, contentType } = answerOf(
    await exposedText(registry),
    'application/openmetrics-text;version=1.0.0,*/*;q=0.1',
  )
  expect(contentType).toContain('openmetrics-text')
  expect(body).toContain(`thing_seconds_bucket{le="0.5"} 1\n`)
  expect(body).toContain(`\nthing_seconds_bucket{le="1"} 2 # {trace_id="${traceId}"} 0.7 1.500\n`)
  expect(body).toContain(`\nthing_seconds_bucket{le="+Inf"} 3 # {trace_id="${other}"} 7 2.000\n`)
  expect(body.match(/trace_id/g)).toHaveLength(2)
})

test('OpenMetrics is as its parser wants it: counters without their suffix in comments, no empty line, an end', async () => {
  const { registry } = aRegistry()
  const { body } = answerOf(await exposedText(registry), 'application/openmetrics-text')
  expect(body).toContain('# TYPE things counter\nthings_total{kind="a # {b"} 1\n')
  expect(body).not.toContain('\n\n')
  expect(body.endsWith('# EOF\n')).toBe(true)
})

test('a scraper that knows no exemplars is told none, and every value', async () => {
  const { registry, seconds } = aRegistry()
  seconds.observe(0.7)
  const plain = await registry.metrics()
  noteExemplar(seconds, 0.7, traceId, 1_500)
  const exposed = await exposedText(registry)
  expect(exposed).toContain(traceId)
  const { body, contentType } = answerOf(exposed, 'text/plain')
  expect(contentType).toContain('text/plain')
  expect(body).toBe(plain)
})

test('the newest trace of a bucket replaces the one before', async () => {
  const { registry, seconds } = aRegistry()
  seconds.observe(0.7)
  noteExemplar(seconds, 0.7, traceId, 1_000)
  noteExemplar(seconds, 0.8, 'f'.repeat(32), 2_000)
  const text = await exposedText(registry)
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
  const told = await exposedText(registry)
  expect(told).toContain(
    `attempts_total{organization="acme",result="failed"} 1 # {trace_id="${traceId}"} 1 1.500`,
  )
  expect(told).toContain('attempts_total{organization="acme",result="delivered"} 1\n')
  attempts.remove(failed)
  await exposedText(registry)
  attempts.inc(failed)
  expect(await exposedText(registry)).not.toContain(traceId)
})
