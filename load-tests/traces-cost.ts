import { readTracingEnvironment } from '@fairlead/telemetry/environment'
import { eventAttributes, processedSpan, receivedSpan, sentSpan } from '@fairlead/telemetry/event-spans'
import { openKeeper } from '@fairlead/telemetry/keep'
import {
  attemptSpan,
  eventSpan,
  eventTraceId,
  logFields,
  spanOfEventTrace,
  traceparentOf,
} from '@fairlead/telemetry/trace-ids'
import { openTracing, type Tracing } from '@fairlead/telemetry/tracing'
import { until } from '@fairlead/testbed/until'
import { deliveryId, eventId, newId, toHex } from '@fairlead/webhook/id'
import { openWorkerTraces } from '@fairlead/worker/trace'
import { Registry } from 'prom-client'
import { percentile } from './percentile.ts'

const rounds = 15
const webhooks = 20_000

/** Prints nanoseconds and bytes that a webhook takes whose trace is not kept: the decisions, and the ids that logs and headers tell. */
export function measureUnkept(): void {
  const organization = newId('org', 0)
  const destination = newId('dst', 0)
  const references = Array.from({ length: webhooks }, (_, i) => {
    const event = eventId(organization, 'github', { id: `${i}` })
    const traceId = toHex(event)
    return { event, traceId, delivery: deliveryId(event, destination), attempt: 1, trigger: 'route' as const }
  })
  const tracing: Tracing = {
    ...openKeeper(0, () => {}),
    keep: () => {},
    skip: () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const worker = openWorkerTraces(tracing, Date.now)
  const outcome = { kind: 'delivered', status: 200 } as const
  const settlement = { kind: 'delivered' } as const
  type Reference = Parameters<typeof worker.isSampled>[0]
  let sink: unknown

  const decide = (reference: (typeof references)[number]) => {
    // The receiver asks twice, the worker twice for the event and once for its attempt.
    sink = tracing.samples(reference.event) || tracing.samples(reference.event)
    sink = worker.samplesEvent(reference.event)
    const of = { ...reference, receivedAt: 0, organization, destination } as unknown as Reference
    sink = worker.isSampled(of)
    sink = worker.attempted({
      delivery: { reference: of, origin: { kind: 'key', done() {}, failed() {}, handBack: () => false } },
      destination: undefined,
      outcome,
      settlement,
      at: 0,
      durationMs: 1,
      span: noSpan,
    })
  }
  const ids = (reference: (typeof references)[number]) => {
    sink = logFields(spanOfEventTrace(reference.traceId, 'receive'), false)
    const span = attemptSpan(reference)
    sink = traceparentOf(span, false)
    sink = logFields(span, false)
  }
  const nothing = (reference: (typeof references)[number]) => {
    const of = { ...reference, receivedAt: 0, organization, destination } as unknown as Reference
    sink = { reference: of, origin: { kind: 'key', done() {}, failed() {}, handBack: () => false } }
  }
  const cases = { nothing, decide, ids }
  const found = new Map(Object.keys(cases).map(name => [name, { ns: [] as number[], bytes: [] as number[] }]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of Object.entries(cases)) {
      globalThis.gc?.()
      const heap = process.memoryUsage().heapUsed
      const startMs = performance.now()
      for (const reference of references) work(reference)
      const tookMs = performance.now() - startMs
      found.get(name)!.ns.push((tookMs * 1e6) / webhooks)
      found.get(name)!.bytes.push((process.memoryUsage().heapUsed - heap) / webhooks)
    }
  }
  const least = found.get('nothing')!
  for (const [name, what] of [
    ['decide', 'the decisions'],
    ['ids', 'the ids of log lines and traceparent'],
  ] as const) {
    const ns = percentile(found.get(name)!.ns, 0.5) - (name === 'decide' ? percentile(least.ns, 0.5) : 0)
    const bytes =
      percentile(found.get(name)!.bytes, 0.5) - (name === 'decide' ? percentile(least.bytes, 0.5) : 0)
    const all = found.get(name)!.ns
    console.log(
      `not kept, ${what}: ${Math.round(ns)} ns a webhook [${Math.round(Math.min(...all))}–${Math.round(Math.max(...all))} with the loop], ${Math.round(bytes)} bytes`,
    )
  }
  if (sink === found) throw new Error('nothing was measured')
}

const noSpan = { traceId: '', spanId: '' }

/** Prints the CPU that each webhook takes whose trace is kept: four spans made, serialised and sent to a collector. */
export async function measureKept(collectorUrl: string): Promise<void> {
  const organization = newId('org', 0)
  const events = Array.from({ length: 2_000 }, (_, i) => eventId(organization, 'github', { id: `${i}` }))
  const registry = new Registry()
  const environment = readTracingEnvironment({
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    OTEL_TRACES_SAMPLER: 'always_on',
  })
  await using tracing = (await openTracing({ part: 'worker', environment, registry })) ?? null
  if (!tracing) throw new TypeError('a collector is given')
  const exported = async () => {
    const { values } = (await registry.getSingleMetric('fairlead_spans_total')?.get()) ?? { values: [] }
    return values.reduce((sum, { value }) => sum + value, 0)
  }
  const micros: number[] = []
  for (let round = 0; round < rounds; round++) {
    const due = (await exported()) + 4 * events.length
    const before = process.cpuUsage()
    for (const event of events) keepWay(event, tracing)
    await until(async () => (await exported()) >= due, { deadlineMs: 60_000, everyMs: 5 })
    const { user, system } = process.cpuUsage(before)
    micros.push((user + system) / events.length)
  }
  console.log(
    `kept: ${percentile(micros, 0.5).toFixed(1)} µs of CPU a webhook [${Math.min(...micros).toFixed(1)}–${Math.max(...micros).toFixed(1)}], four spans`,
  )
}

function keepWay(event: ReturnType<typeof eventId>, tracing: Tracing): void {
  const facts = {
    event,
    traceId: eventTraceId(event),
    organization: 'acme',
    source: 'github',
    provider: 'github',
    type: 'push',
    bytes: 2_048,
    method: 'POST',
  }
  const nowMs = Date.now()
  tracing.keep(receivedSpan({ ...facts, duplicate: false, status: 200 }, nowMs, nowMs + 3))
  tracing.keep(sentSpan(facts, nowMs, nowMs + 2))
  tracing.keep(processedSpan({ ...facts, seq: 1 }, nowMs + 2, nowMs + 9))
  tracing.keep({
    name: 'POST',
    kind: 'client',
    context: eventSpan(event, 'process'),
    parent: eventSpan(event, 'send').spanId,
    startMs: nowMs + 3,
    endMs: nowMs + 8,
    attributes: {
      ...eventAttributes(facts),
      'fairlead.delivery.id': event,
      'fairlead.destination': 'billing',
      'fairlead.attempt': 1,
      'fairlead.outcome': 'delivered',
      'server.address': 'billing.acme.example',
      'server.port': 443,
      'http.request.method': 'POST',
      'http.response.status_code': 200,
    },
  })
}
