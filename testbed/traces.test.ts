import { execFile } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attemptSpan, eventSpan, eventTraceId } from '@fairlead/telemetry/trace-ids'
import { deliveryId, type EventId, parseId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { expect, test } from 'vitest'
import { anOrganization, putConfiguration, testEncryptionKeys } from './configuration.ts'
import { startTestNats } from './nats.ts'
import { type OtlpSink, type ReceivedSpan, startOtlpSink } from './otlp-sink.ts'
import { startTestReceiver } from './receiver.ts'
import { scratchFolder } from './scratch.ts'
import { startService } from './service.ts'
import { type Received, startSink } from './sink.ts'
import { until } from './until.ts'

const secret = 'test-only-secret'
const foreign = { traceId: 'f'.repeat(32), spanId: 'e'.repeat(16) }
const foreignHeader = `00-${foreign.traceId}-${foreign.spanId}-01`

/** Receiver and worker as processes, a destination and a collector. */
async function openPlatform(env: Record<string, string>) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await scratchFolder()).path
  const server = stack.use(await startTestNats())
  const collector = stack.use(await startOtlpSink())
  const sink = stack.use(await startSink())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const organization = anOrganization('acme', {
    sources: [
      { name: 'github', provider: 'github', secrets: [secret] },
      { name: 'trusted', provider: 'github', secrets: [secret], trustTraceparent: true },
    ],
    destinations: [
      // Long enough that the spans of a first attempt are sent before the second, also by a worker that is killed between them.
      { name: 'app', url: `${sink.url}/app`, retryDelaysSeconds: [4, 0.3] },
      { name: 'silent', url: `${sink.url}/silent`, traceContext: 'none' },
    ],
    routes: [
      { source: 'github', eventTypes: ['*'], destinations: ['app'] },
      { source: 'trusted', eventTypes: ['*'], destinations: ['silent'] },
    ],
  })
  await putConfiguration(nats, organization)
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...env }
  const receiver = stack.use(
    await startTestReceiver({ natsUrl: server.url, logFolder: folder, env: tracing }),
  )
  const worker = stack.use(
    startService({
      name: 'worker',
      main: 'services/worker/main.ts',
      logFolder: folder,
      env: {
        FAIRLEAD_NATS_URL: server.url,
        FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
        FAIRLEAD_DESTINATION_ALLOW: '127.0.0.0/8',
        ...tracing,
      },
    }),
  )
  const held = stack.move()
  return {
    collector,
    sink,
    worker,
    organization,
    deliveryOf: (event: EventId) => deliveryId(event, organization.destinations[0]!.id),
    /** Answered 200 with its id. */
    post: (body: object, source = 'github', headers: Record<string, string> = {}) =>
      postEvent(`${receiver.url}/webhooks/acme/${source}`, body, headers),
    /** The line that a service logged about an event. */
    line: (service: string, message: string, event: EventId) =>
      until(
        async () => {
          const lines = (await readFile(join(folder, `${service}.log`), 'utf8')).split('\n')
          const found = lines.find(line => line.includes(`"msg":"${message}"`) && line.includes(event))
          return found && (JSON.parse(found) as Record<string, unknown>)
        },
        { deadlineMs: 60_000, what: `${message} of ${event}` },
      ),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function postEvent(url: string, content: object, headers: Record<string, string>): Promise<EventId> {
  const body = JSON.stringify(content)
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      ...headers,
    },
  })
  const { id } = (await response.json()) as { id: string }
  const event = parseId('evt', id)
  if (!event) throw new Error(`answered ${response.status}`)
  return event
}

const arrivalOf = (event: EventId) => (request: Received) => request.headers['webhook-id'] === event
const ofEvent = (event: EventId) => (span: ReceivedSpan) => span.traceId === eventTraceId(event)

/** The trace of an event once it has so many spans; fails if one of them points to none. */
async function wholeTrace(collector: OtlpSink, event: EventId, count: number) {
  const spans = await collector.waitFor(ofEvent(event), count)
  const byId = new Map(spans.map(span => [span.spanId, span]))
  expect(byId.size, 'a span came twice').toBe(spans.length)
  for (const { name, parentSpanId } of spans)
    if (parentSpanId !== '') expect(byId.has(parentSpanId), `${name} has no parent`).toBe(true)
  return Object.fromEntries(spans.map(span => [span.name, span]))
}

const wayOfOne = ['POST', 'POST /webhooks/{organization}/{source}', 'process EVENTS', 'send EVENTS']

test('at the ratio 1 a webhook is one whole trace, and log, span and destination tell the same ids', async () => {
  await using platform = await openPlatform({ OTEL_TRACES_SAMPLER: 'always_on' })
  const { collector, sink } = platform
  const event = await platform.post({ ref: 'main' }, 'github', {
    traceparent: foreignHeader,
    tracestate: 'vendor=1',
    baggage: 'user=1',
  })
  const trace = await wholeTrace(collector, event, 4)
  expect(Object.keys(trace).sort()).toEqual(wayOfOne)
  const received = trace[wayOfOne[1]!]!
  const [post, process, send] = [trace.POST!, trace['process EVENTS']!, trace['send EVENTS']!]
  expect([received.parentSpanId, send.parentSpanId, process.parentSpanId, post.parentSpanId]).toEqual([
    '',
    received.spanId,
    send.spanId,
    process.spanId,
  ])
  expect([received.kind, send.kind, process.kind, post.kind]).toEqual([
    'server',
    'producer',
    'consumer',
    'client',
  ])
  expect(received.links).toEqual([])
  // Within its parent, where both were measured by one process; a millisecond is rounded.
  expect(send.startMs).toBeGreaterThanOrEqual(received.startMs - 1)
  expect(send.endMs).toBeLessThanOrEqual(received.endMs + 1)
  expect(post.startMs).toBeGreaterThanOrEqual(process.startMs - 1)
  expect(post.endMs).toBeLessThanOrEqual(process.endMs + 1)
  expect(JSON.stringify(post.attributes)).not.toContain('/app')

  const arrived = await sink.waitFor(arrivalOf(event))
  expect(arrived.headers.traceparent).toBe(`00-${post.traceId}-${post.spanId}-01`)
  expect([arrived.headers.tracestate, arrived.headers.baggage]).toEqual([undefined, undefined])
  expect(await platform.line('receiver', 'event.accepted', event)).toMatchObject({
    trace_id: received.traceId,
    span_id: received.spanId,
    trace_flags: '01',
  })
  expect(await platform.line('worker', 'delivery.attempted', event)).toMatchObject({
    trace_id: post.traceId,
    span_id: post.spanId,
    trace_flags: '01',
    organization: 'acme',
    destination: 'app',
    outcome: 'delivered',
  })

  // Only where the source trusts it; and this destination wants no trace of ours.
  const trusted = await platform.post({ ref: 'main' }, 'trusted', { traceparent: foreignHeader })
  const other = await wholeTrace(collector, trusted, 4)
  expect(other[wayOfOne[1]!]!.links).toEqual([foreign])
  expect((await sink.waitFor(arrivalOf(trusted))).headers.traceparent).toBeUndefined()

  // Many at a time go in atomic batches: each is a trace of its own all the same.
  const many = await Promise.all(Array.from({ length: 200 }, (_, i) => platform.post({ i })))
  const sends = await Promise.all(many.map(async id => (await wholeTrace(collector, id, 4))['send EVENTS']!))
  expect(sends.some(({ attributes }) => Number(attributes['messaging.batch.message_count']) > 1)).toBe(true)
}, 240_000)

test('at the ratio 0 a failure is a whole trace, its retries are linked also after kill -9, and success is none', async () => {
  await using platform = await openPlatform({ OTEL_TRACES_SAMPLER: 'always_off' })
  const { collector, sink, worker } = platform
  // One that takes a second on a busy machine is kept.
  const fine = await until(
    async () => {
      const startMs = performance.now()
      const event = await platform.post({ ref: 'main' })
      await sink.waitFor(arrivalOf(event))
      return performance.now() - startMs < 1_000 && event
    },
    { deadlineMs: 60_000, what: 'a webhook that arrives within a second' },
  )
  expect((await sink.waitFor(arrivalOf(fine))).headers.traceparent).toMatch(/-00$/)
  expect(await platform.line('worker', 'delivery.attempted', fine)).toMatchObject({ trace_flags: '00' })

  sink.answer({ status: 500 })
  const event = await platform.post({ ref: 'main' })
  const trace = await wholeTrace(collector, event, 5)
  expect(Object.keys(trace).sort()).toEqual([...wayOfOne, 'send DELIVERIES'].sort())
  expect(trace['send EVENTS']!.attributes['fairlead.rebuilt']).toBe(true)
  expect(trace.POST).toMatchObject({ failed: true, attributes: { 'error.type': 'destination_failed' } })
  await worker.kill9()
  worker.start()

  // The third is the last: it dies with it.
  const of = { event, delivery: platform.deliveryOf(event), trigger: 'route' }
  const attempts = [1, 2, 3].map(attempt => attemptSpan({ ...of, attempt }))
  const [dead] = await collector.waitFor(({ name }) => name === 'send DEAD')
  expect(dead).toMatchObject({ traceId: attempts[2]!.traceId, parentSpanId: attempts[2]!.spanId })
  for (const number of [2, 3]) {
    const [retry] = await collector.waitFor(
      ({ name, traceId }) => name === 'POST' && traceId === attempts[number - 1]!.traceId,
    )
    expect(retry).toMatchObject({ parentSpanId: '', attributes: { 'fairlead.attempt': number } })
    expect(retry!.links).toEqual([attempts[number - 2], eventSpan(event, 'send')])
  }
  expect(await platform.line('worker', 'delivery.dead', event)).toMatchObject({
    trace_id: attempts[2]!.traceId,
    organization: 'acme',
    destination: 'app',
  })
  expect(collector.spans().filter(ofEvent(fine))).toEqual([])
}, 240_000)

test.each([
  ['without a collector nothing of OpenTelemetry is loaded', {}, 0],
  ['with one its exporter is', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, 20],
])('%s', async (_what, env, least) => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'loaded-modules.ts')],
    { env: { PATH: process.env.PATH, ...env }, maxBuffer: 16 * 1024 ** 2 },
  )
  const modules = stdout.trim().split('\n')
  expect(modules.some(url => url.endsWith('services/worker/engine.ts') || url.includes('prom-client'))).toBe(
    true,
  )
  const ofOpenTelemetry = modules.filter(url => url.includes('@opentelemetry'))
  if (least === 0) expect(ofOpenTelemetry).toEqual([])
  else expect(ofOpenTelemetry.length).toBeGreaterThan(least)
})
