import { startOtlpSink } from '@fairlead/testbed/otlp-sink'
import type { EventId } from '@fairlead/webhook/id'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openCollector } from './collector.ts'
import { openSpanEncoder } from './encode-span.ts'
import { tracingEnvironment } from './environment.ts'
import { processedSpan, receivedSpan, sentSpan } from './event-spans.ts'
import type { Span, SpanKind } from './span.ts'
import type { SpanContext } from './trace-ids.ts'

/** FAIRLEAD_CHAOS_SEED makes the same spans again. */
const seed = Number(process.env.FAIRLEAD_CHAOS_SEED ?? Date.now() % 1_000_000)
const resource = { 'service.name': 'fairlead-test', 'service.instance.id': 'host-1', team: 'Zürich' }
const kinds: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer']

/** The span as OpenTelemetry's own exporter takes it. */
function recordOf(span: Span): ReadableSpan {
  const contextOf = (of: SpanContext) => ({ ...of, traceFlags: 1 })
  const attributes = Object.fromEntries(
    Object.entries(span.attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  return {
    resource: { attributes: resource, merge: () => never(), getRawAttributes: () => [] },
    instrumentationScope: { name: 'fairlead' },
    ended: true,
    events: [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    name: span.name,
    kind: kinds.indexOf(span.kind),
    spanContext: () => contextOf(span.context),
    ...(span.parent !== undefined && {
      parentSpanContext: contextOf({ traceId: span.context.traceId, spanId: span.parent }),
    }),
    attributes: span.error === undefined ? attributes : { ...attributes, 'error.type': span.error },
    links: (span.links ?? []).map(link => ({ context: contextOf(link) })),
    startTime: timeOf(span.startMs),
    endTime: timeOf(span.endMs),
    duration: [0, 0],
    status: { code: span.error === undefined ? 0 : 2 },
  }
}

function never(): never {
  throw new TypeError('a resource is not merged')
}

const timeOf = (ms: number): [number, number] => {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * 1e6))]
}

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(array => Buffer.from(array).toString('hex'))
const context = fc.record({ traceId: hex(16), spanId: hex(8) })
const ms = fc.double({ min: 0, max: 4e12, noNaN: true })
/** Around the lengths at which a length takes one byte more. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.integer({ min: 40, max: 140 }).map(length => 'a'.repeat(length)),
  fc.integer({ min: 16_300, max: 16_400 }).map(length => 'b'.repeat(length)),
  fc.integer({ min: 40, max: 70 }).map(length => 'ü'.repeat(length)),
)
const value = fc.oneof(
  text,
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.nat(300),
  fc.constant(0.25),
  fc.constant(undefined),
)
const spans: fc.Arbitrary<Span> = fc.record({
  name: fc.constantFrom('POST', 'send EVENTS', 'GET /api/v1/organizations/{slug}/événements'),
  kind: fc.constantFrom(...kinds),
  context,
  parent: fc.option(hex(8), { nil: undefined }),
  links: fc.option(fc.array(context, { maxLength: 3 }), { nil: undefined }),
  startMs: ms,
  endMs: ms,
  error: fc.option(fc.constantFrom('connect_timeout', 'internal'), { nil: undefined }),
  attributes: fc.dictionary(fc.string({ minLength: 1, maxLength: 60 }), value, {
    maxKeys: 12,
    noNullPrototype: true,
  }),
})

test('spans are the same on the wire as those of OpenTelemetry’s own serializer', async () => {
  await using theirs = await startOtlpSink()
  await using ours = await startOtlpSink()
  const made = fc.sample(spans, { numRuns: 300, seed })
  const exporter = new OTLPTraceExporter({ url: `${theirs.url}/v1/traces` })
  const records = made.map(recordOf)
  await new Promise(resolve => exporter.export(records, resolve))
  await exporter.shutdown()
  const collector = openCollector(`${ours.url}/v1/traces`)
  const encoder = openSpanEncoder(resource)
  for (const span of made) encoder.add(span)
  expect(encoder.count).toBe(300)
  expect(await collector.send(encoder.take())).toBe(true)
  await collector.close()
  expect(encoder.count).toBe(0)
  expect(theirs.spans()).toHaveLength(300)
  expect(ours.spans(), `seed ${seed}`).toEqual(theirs.spans())
})

test('a batch is taken whole, and the next one begins with none of it', async () => {
  await using sink = await startOtlpSink()
  const collector = openCollector(`${sink.url}/v1/traces`)
  const encoder = openSpanEncoder(resource)
  const [one, other] = fc.sample(spans, { numRuns: 2, seed }) as [Span, Span]
  encoder.add(one)
  const first = encoder.take()
  encoder.add(other)
  expect(await collector.send(encoder.take())).toBe(true)
  expect(await collector.send(first)).toBe(true)
  await collector.close()
  expect(
    sink.spans().map(({ traceId }) => traceId),
    `seed ${seed}`,
  ).toEqual([other.context.traceId, one.context.traceId])
})

test('a span that waits takes more memory than the setting of the queue says', () => {
  const received = {
    event: `evt_${'0'.repeat(26)}` as EventId,
    traceId: 'a'.repeat(32),
    organization: 'acme-payments',
    source: 'stripe',
    provider: 'stripe',
    type: 'customer.subscription.updated',
    bytes: 2_345,
    method: 'POST',
  }
  const encoder = openSpanEncoder(resource)
  const empty = encoder.take().length
  encoder.add(receivedSpan({ ...received, status: 200, duplicate: false }, 1e12, 1e12 + 3))
  encoder.add(sentSpan({ ...received, batch: 5 }, 1e12, 1e12 + 3))
  encoder.add(processedSpan({ ...received, seq: 123_456 }, 1e12, 1e12 + 3))
  const each = (encoder.take().length - empty) / 3
  const [, told] =
    /about (\d+) bytes each/.exec(tracingEnvironment.OTEL_BSP_MAX_QUEUE_SIZE.description ?? '') ?? []
  expect(each).toBeGreaterThan(0.8 * Number(told))
  expect(each).toBeLessThan(1.2 * Number(told))
})
