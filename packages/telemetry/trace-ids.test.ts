import {
  deliveryId,
  eventId,
  fromUuid,
  newId,
  randomPart,
  randomPartAbove,
  toHex,
  toUuid,
} from '@fairlead/webhook/id'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  attemptBefore,
  attemptSpan,
  attemptTraceId,
  eventSpan,
  eventTraceId,
  readTraceparent,
  traceparentOf,
} from './trace-ids.ts'

const organization = newId('org', 0)
const event = eventId(organization, 'stripe', { id: 'evt_1' })
const destination = newId('dst', 0)
const delivery = deliveryId(event, destination)
const first = { event, delivery, attempt: 1, trigger: 'route' }

const uuids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => Buffer.from(bytes).toString('hex'))

test("an id's digits are those of its UUID, and its random part sorts as its last 55 bits", () => {
  fc.assert(
    fc.property(uuids, hex => {
      const id = fromUuid('evt', hex)
      expect(toHex(id)).toBe(hex)
      expect(toUuid(id).replaceAll('-', '')).toBe(hex)
      const part = BigInt(`0x${hex.slice(18)}`) & (2n ** 55n - 1n)
      for (const ratio of [0.999, 0.5, 0.01, 0.001])
        expect(randomPart(id) >= randomPartAbove(ratio)).toBe(
          part >= BigInt(Math.round((1 - ratio) * 2 ** 53)) << 2n,
        )
    }),
  )
})

test('a first attempt is part of the trace of its event, in spans of its own', () => {
  expect(attemptTraceId(first)).toBe(eventTraceId(event))
  const spans = [eventSpan(event, 'receive'), eventSpan(event, 'send'), eventSpan(event, 'process')]
  const all = [...spans, attemptSpan(first), attemptSpan(first, 'schedule'), attemptSpan(first, 'dead')]
  expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(all.length)
  for (const { traceId, spanId } of all) {
    expect(traceId).toBe(eventTraceId(event))
    expect(spanId).toMatch(/^[0-9a-f]{16}$/)
  }
})

test('each later attempt begins a trace of its own and knows the one before it', () => {
  const attempts = [1, 2, 3, 300].map(attempt => ({
    ...first,
    attempt,
    trigger: attempt === 300 ? 'manual' : 'route',
  }))
  expect(new Set(attempts.map(attemptTraceId)).size).toBe(4)
  expect(attemptBefore(attempts[2]!)).toEqual(attemptSpan(attempts[1]!))
  expect(attemptBefore(attempts[1]!)).toEqual(attemptSpan(first))
  expect(attemptBefore(first)).toBeUndefined()
})

test('a first attempt that a Replay asked for begins a trace of its own, which its event’s ended long before', () => {
  expect(attemptTraceId({ ...first, trigger: 'replay' })).not.toBe(eventTraceId(event))
})

test('all attempts of a delivery share the digits by which the ratio decides', () => {
  const traces = [2, 3, 4].map(attempt => attemptTraceId({ ...first, attempt }).slice(4))
  expect(new Set(traces).size).toBe(1)
})

describe('traceparent', () => {
  test('is read as it is written', () => {
    const span = attemptSpan(first)
    expect(traceparentOf(span, true)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(readTraceparent(traceparentOf(span, false))).toEqual(span)
  })

  test.each([
    ['nothing', undefined],
    ['zeros', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['a span of zeros', `00-${'1'.repeat(32)}-${'0'.repeat(16)}-01`],
    ['the version that is not allowed', `ff-${'1'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['capitals', `00-${'A'.repeat(32)}-${'1'.repeat(16)}-01`],
    ['too much', `00-${'1'.repeat(32)}-${'1'.repeat(16)}-01x`],
  ])('of %s is none', (_what, text) => {
    expect(readTraceparent(text)).toBeUndefined()
  })
})
