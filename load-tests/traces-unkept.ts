import { openKeeper } from '@fairlead/telemetry/keep'
import { attemptSpan, eventSpan, logFields, traceparentOf } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import { deliveryId, eventId, newId } from '@fairlead/webhook/id'
import { openWorkerTraces } from '@fairlead/worker/trace'
import { percentile } from './percentile.ts'

const rounds = 15
const webhooks = 20_000

/** Prints nanoseconds and bytes that a webhook takes whose trace is not kept: the decisions, and the ids that logs and headers tell. */
export function measureUnkept(): void {
  const organization = newId('org', 0)
  const destination = newId('dst', 0)
  const references = Array.from({ length: webhooks }, (_, i) => {
    const event = eventId(organization, 'github', { id: `${i}` })
    return { event, delivery: deliveryId(event, destination), attempt: 1, trigger: 'route' as const }
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
    sink = logFields(eventSpan(reference.event, 'receive'), false)
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
