import { openKeeper } from '@fairlead/telemetry/keep'
import type { Span } from '@fairlead/telemetry/span'
import { eventSpan, readTraceparent } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import { eventId, newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { openPartition } from './partition.ts'
import type { Probe } from './probe.ts'
import { openProbeTraces } from './traces.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
const event = eventId(newId('org', 0), 'github', { id: '3-1-ab' })

/** A partition whose probes have spans, with one that is accepted. */
function openTraced(ratio: number) {
  const spans: Span[] = []
  const tracing: Tracing = {
    ...openKeeper(ratio, () => {}),
    keep: span => spans.push(span),
    skip: () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const traces = openProbeTraces(tracing)
  const partition = openPartition(3, undefined, {
    passed() {},
    lost() {},
    repeated() {},
    closed: traces.closed,
  })
  const probe = partition.begin(nowMs, 'ab') as Probe
  partition.accepted(probe, event, nowMs + 20)
  const arrive = (afterMs: number) => {
    partition.arrived(probe.id, probe.body, 'request', nowMs + afterMs)
    if (probe.open.includes('nats')) partition.arrived(probe.id, probe.body, 'message', nowMs + afterMs)
    if (probe.open.includes('log')) partition.logged(probe, nowMs + afterMs)
  }
  return { spans, traces, partition, probe, arrive }
}

test('a probe is a span from its first try to the last thing that it passed, linked to the receipt of its event', () => {
  const { spans, traces, probe, arrive } = openTraced(1)
  arrive(300)
  expect(spans).toHaveLength(1)
  const [span] = spans
  expect(span).toMatchObject({
    name: 'probe',
    kind: 'client',
    links: [eventSpan(event, 'receive')],
    startMs: nowMs,
    endMs: nowMs + 300,
    error: undefined,
  })
  // The receiver links to what the request carries.
  expect(readTraceparent(traces.headersOf(probe).traceparent)).toEqual(span!.context)
})

test('where the ratio keeps nothing, a good probe has no span, and a late or lost one has', () => {
  const good = openTraced(0)
  good.arrive(300)
  expect(good.spans).toEqual([])
  const late = openTraced(0)
  late.arrive(12_000)
  expect(late.spans).toMatchObject([{ error: 'late', attributes: { 'fairlead.event.id': event } }])
  const lost = openTraced(0)
  lost.partition.close(lost.probe, 'lost', nowMs + 600_000)
  expect(lost.spans).toMatchObject([{ error: 'lost', attributes: { 'fairlead.probe.result': 'lost' } }])
})
