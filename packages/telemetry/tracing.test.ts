import { setTimeout as delay } from 'node:timers/promises'
import { crowding } from '@fairlead/testbed/crowding'
import { startOtlpSink } from '@fairlead/testbed/otlp-sink'
import { until } from '@fairlead/testbed/until'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { readTracingEnvironment, resourceAttributes, tracesUrl } from './environment.ts'
import type { Span } from './span.ts'
import { openTracing } from './tracing.ts'

const span = (number: number, more: Partial<Span> = {}): Span => ({
  name: 'POST',
  kind: 'client',
  context: { traceId: 'a'.repeat(32), spanId: number.toString(16).padStart(16, '0') },
  startMs: 1_700_000_000_123.25,
  endMs: 1_700_000_000_125,
  attributes: { 'fairlead.attempt': number, 'fairlead.destination': 'billing', 'fairlead.replay': undefined },
  ...more,
})

async function open(endpoint: string, more: Record<string, string> = {}) {
  const registry = new Registry()
  const tracing = await openTracing({
    part: 'worker',
    registry,
    environment: readTracingEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '5',
      ...more,
    }),
  })
  if (!tracing) throw new Error('it is switched off')
  const count = async (result: string) => {
    const { values } = (await registry.getSingleMetric('fairlead_spans_total')?.get()) ?? { values: [] }
    return values.find(({ labels }) => labels.result === result)?.value
  }
  return { tracing, count }
}

test('a collector gets a span as it was made: ids, times, parent, links, attributes and status', async () => {
  await using sink = await startOtlpSink()
  const { tracing, count } = await open(sink.url)
  await using _ = tracing
  const link = { traceId: 'b'.repeat(32), spanId: 'c'.repeat(16) }
  tracing.keep(span(7, { parent: 'd'.repeat(16), links: [link], error: 'connect_timeout' }))
  const [got] = await sink.waitFor(() => true)
  expect(got).toEqual({
    service: 'fairlead-worker',
    traceId: 'a'.repeat(32),
    spanId: '0000000000000007',
    parentSpanId: 'd'.repeat(16),
    name: 'POST',
    kind: 'client',
    startMs: 1_700_000_000_123.25,
    endMs: 1_700_000_000_125,
    attributes: { 'fairlead.attempt': 7, 'fairlead.destination': 'billing', 'error.type': 'connect_timeout' },
    links: [link],
    failed: true,
  })
  await until(async () => (await count('exported')) === 1)
})

test('a stop sends what waits', async () => {
  await using sink = await startOtlpSink()
  const { tracing, count } = await open(sink.url, { OTEL_BSP_SCHEDULE_DELAY: '60000' })
  for (let i = 1; i <= 600; i++) tracing.keep(span(i))
  await tracing[Symbol.asyncDispose]()
  expect(sink.spans()).toHaveLength(600)
  expect(await count('exported')).toBe(600)
})

test('a collector that is away costs bounded memory and a bounded stop, and every span is counted', async () => {
  const { tracing, count } = await open('http://127.0.0.1:1', { OTEL_BSP_MAX_QUEUE_SIZE: '1000' })
  for (let i = 1; i <= 5_000; i++) tracing.keep(span(i))
  await until(async () => ((await count('dropped')) ?? 0) >= 3_000)
  const startedMs = performance.now()
  await tracing[Symbol.asyncDispose]()
  // A stop that waited for a send of each batch that is left would take minutes.
  expect(performance.now() - startedMs).toBeLessThan(20_000 * crowding())
  const counts = await Promise.all(['exported', 'dropped', 'failed'].map(count))
  expect(counts[0]).toBe(0)
  expect(counts.reduce((sum = 0, value = 0) => sum + value)).toBe(5_000)
})

test('a collector that comes back is sent spans again, without a restart', async () => {
  await using sink = await startOtlpSink()
  sink.answer(400)
  const { tracing, count } = await open(sink.url)
  await using _ = tracing
  tracing.keep(span(1))
  await until(async () => (await count('failed')) === 1)
  sink.answer(200)
  tracing.keep(span(2))
  await sink.waitFor(({ spanId }) => spanId.endsWith('2'))
  await until(async () => (await count('exported')) === 1)
})

test('a collector that refuses is not asked again and again without a pause', async () => {
  await using sink = await startOtlpSink()
  sink.answer(400)
  const { tracing } = await open(sink.url, { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1' })
  await using _ = tracing
  for (let i = 1; i <= 200; i++) tracing.keep(span(i))
  await until(() => sink.requests() > 0)
  await delay(300)
  expect(sink.requests()).toBe(1)
})

test.each<[string, Record<string, string>, string | undefined]>([
  ['nothing is said', {}, undefined],
  [
    'it is switched off',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_SDK_DISABLED: 'true' },
    undefined,
  ],
  [
    'traces go nowhere',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_TRACES_EXPORTER: 'none' },
    undefined,
  ],
  ['there is a collector', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318/' }, 'http://a:4318/v1/traces'],
  [
    'there is one for traces',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://b/x' },
    'http://b/x',
  ],
])('where %s, spans go there', (_when, env, url) => {
  expect(tracesUrl(readTracingEnvironment(env))).toBe(url)
})

test('attributes of the resource are read as OpenTelemetry writes them', () => {
  expect(resourceAttributes('k8s.pod.name=receiver-1,team=caf%C3%A9, broken,=x,bad=%')).toEqual({
    'k8s.pod.name': 'receiver-1',
    team: 'café',
    bad: '%',
  })
})
