import { expect, describe as group, test } from 'vitest'
import { type Arrival, compare, type LoggedStatus } from './compare.ts'

const accepted = (id: string, dueMs = 0) => ({ id, dueMs, status: 200 })
const kill = { name: 'kill -9 nats', startMs: 10_000, endMs: 12_000, hitsDelivery: true }

function compared(
  arrivals: Record<string, Arrival>,
  log: Record<string, LoggedStatus>,
  answers = [accepted('a')],
  disturbances = [kill],
) {
  return compare({
    answers,
    arrivals: new Map(Object.entries(arrivals)),
    log: new Map(Object.entries(log)),
    disturbances,
  })
}

group('an accepted event', () => {
  test('that arrived and is in the log is not lost', () => {
    const clean = { undelivered: [], unlogged: [], forgotten: [], unexplained: [], unasked: 0 }
    expect(compared({ a: { atMs: 1 } }, { a: 'success' })).toMatchObject(clean)
  })
  test('that never arrived is found', () => {
    expect(compared({}, { a: 'success' })).toMatchObject({ undelivered: ['a'], forgotten: ['a'] })
  })
  test('that died is undelivered but not forgotten', () => {
    expect(compared({}, { a: 'failed' })).toMatchObject({ undelivered: ['a'], forgotten: [] })
  })
  test('that the log does not know is found', () => {
    expect(compared({ a: { atMs: 1 } }, {}).unlogged).toEqual(['a'])
  })
})

test('an event in the log whose answer was lost must arrive too', () => {
  const broken = { dueMs: 0, status: 0 }
  expect(compared({}, { b: 'pending' }, [broken as ReturnType<typeof accepted>])).toMatchObject({
    unanswered: 1,
    forgotten: ['b'],
  })
})

group('a repeat', () => {
  test('of what was in hand at a disturbance is explained by it', () => {
    const { repeats, unexplained } = compared({ a: { atMs: 9_990, againAtMs: [13_000] } }, { a: 'success' })
    expect(repeats.get(kill.name)).toBe(1)
    expect(unexplained).toEqual([])
  })
  test('of what was sent before a disturbance and waited for its turn is explained by it', () => {
    const { unexplained } = compared({ a: { atMs: 40_000, againAtMs: [40_005] } }, { a: 'success' })
    expect(unexplained).toEqual([])
  })
  test('of what was sent after the last disturbance is not', () => {
    const arrivals = { a: { atMs: 40_000, againAtMs: [40_005] } }
    expect(compared(arrivals, { a: 'success' }, [accepted('a', 39_000)]).unexplained).toEqual(['a'])
  })
  test('before any disturbance is not', () => {
    expect(compared({ a: { atMs: 8_000, againAtMs: [8_100] } }, { a: 'success' }).unexplained).toEqual(['a'])
  })
  test('of what had long arrived before the disturbance is not', () => {
    expect(compared({ a: { atMs: 1_000, againAtMs: [13_000] } }, { a: 'success' }).unexplained).toEqual(['a'])
  })
  test('is not explained by what has no part in delivering', () => {
    const arrivals = { a: { atMs: 9_990, againAtMs: [13_000] } }
    const redis = { ...kill, name: 'kill -9 redis', hitsDelivery: false }
    const { repeats, unexplained } = compared(arrivals, { a: 'success' }, [accepted('a')], [redis])
    expect({ repeats: [...repeats], unexplained }).toEqual({ repeats: [], unexplained: ['a'] })
  })
})
