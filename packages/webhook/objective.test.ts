import { expect, test } from 'vitest'
import { judgeDelivery, judgeFreshness, judgeRefusal } from './objective.ts'

test.each([
  ['the stream is full', 'unavailable', 'refused', 'bad'],
  ['there are too many requests at once', 'unavailable', 'overloaded', 'bad'],
  ['a fault of ours', 'internal', 'internal', 'bad'],
  ['the sender broke off', 'unavailable', 'aborted', 'excluded'],
  ['a wrong signature', 'signature_mismatch', 'signature_mismatch', 'excluded'],
  ['more than the declared rate', 'rate_limited', 'rate_limited', 'excluded'],
])('an answer is judged: %s', (_name, code, reason, judged) => {
  expect(judgeRefusal(code, reason)).toBe(judged)
})

test.each([
  ['at the threshold', 5_000, false, 'good'],
  ['one millisecond later', 5_001, false, 'bad'],
  ['late because its destination hangs', 60_000, true, 'excluded'],
  ['in time although its destination was throttled', 4_000, true, 'good'],
])('a first attempt is judged: %s', (_name, delayMs, heldUp, judged) => {
  expect(judgeFreshness(delayMs, 5_000, heldUp)).toBe(judged)
})

test.each([
  ['delivered in time', { kind: 'delivered' }, 1_000, 'good'],
  ['delivered too late', { kind: 'delivered' }, 1_001, 'bad'],
  ['to be tried again', { kind: 'retry' }, 5_000, undefined],
  ['given up', { kind: 'dead', reason: 'attempts_exhausted' }, 10, 'bad'],
  ['cancelled by a member', { kind: 'dead', reason: 'cancelled' }, 10, 'excluded'],
  ['its destination was deleted', { kind: 'dead', reason: 'destination_deleted' }, 10, 'excluded'],
] as const)('a delivery is judged: %s', (_name, settlement, ageMs, judged) => {
  expect(judgeDelivery(settlement, ageMs, 1_000)).toBe(judged)
})
