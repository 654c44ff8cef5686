import { openKeeper } from '@fairlead/telemetry/keep'
import type { Span } from '@fairlead/telemetry/span'
import { attemptSpan, eventSpan } from '@fairlead/telemetry/trace-ids'
import type { Tracing } from '@fairlead/telemetry/tracing'
import { deliveryId, eventId, newId } from '@fairlead/webhook/id'
import { expect, test } from 'vitest'
import { anEventMeta } from './fixture/story.ts'
import { traceBatch } from './trace-batch.ts'

const organization = newId('org', 0)

function traced(ratio: number): { readonly spans: Span[]; readonly tracing: Tracing } {
  const spans: Span[] = []
  const rest = { keep: (span: Span) => void spans.push(span), skip() {}, async [Symbol.asyncDispose]() {} }
  return { spans, tracing: { ...openKeeper(ratio, () => {}), ...rest } }
}

const events = Array.from({ length: 100 }, (_, i) => {
  const id = eventId(organization, 'github', { id: `${i}` })
  return { seq: i + 1, value: anEventMeta({ organization, id }) }
})
const attempts = events.map(({ seq, value: { id } }) => {
  const delivery = deliveryId(id, newId('dst', 0))
  const outcome = seq === 7 ? 'connect_timeout' : 'delivered'
  return {
    seq,
    value: [{ kind: 'attempted', event: id, delivery, number: 1, trigger: 'route', outcome }],
  }
})
const batch = { events, attempts, dead: [] } as unknown as Parameters<typeof traceBatch>[0]

test('a batch is linked to the traces that are kept, to 64 of them at most', () => {
  const { spans, tracing } = traced(1)
  traceBatch(batch, tracing, 1, 2)
  expect(spans.map(({ name, links }) => [name, links?.length])).toEqual([
    ['project EVENTS', 64],
    ['project ATTEMPTS', 64],
  ])
  expect(spans[0]!.links![0]).toEqual(eventSpan(events[0]!.value.id, 'send'))
})

test('a batch in which nothing failed, and of which the ratio keeps nothing, is no span', () => {
  const { spans, tracing } = traced(0)
  traceBatch(batch, tracing, 1, 2)
  const [failed] = attempts[6]!.value
  expect(spans.map(({ name, links }) => [name, links])).toEqual([
    ['project ATTEMPTS', [attemptSpan({ ...failed!, attempt: 1 })]],
  ])
  expect(new Set(spans.map(({ context }) => context.traceId)).size).toBe(1)
})
