import { expect, test } from 'vitest'
import { reportOf } from './minutes.ts'
import { openPartition, type Partition } from './partition.ts'
import type { Probe } from './probe.ts'

const startMs = Date.parse('2026-03-01T12:00:00Z')

/** A partition, and what it counts. */
function open(kept?: Parameters<typeof openPartition>[1]) {
  const counted: string[] = []
  const partition = openPartition(3, kept, {
    passed: (hop, result) => counted.push(`${hop} ${result}`),
    lost: () => counted.push('lost'),
    repeated: () => counted.push('repeated'),
  })
  return { partition, counted }
}

/** Begins probes until one is of this sequence, and has all before it pass everything. */
function begin(partition: Partition, sequence: number): Probe {
  for (;;) {
    const probe = partition.begin(startMs, 'ab')
    if (!probe) throw new Error('one is not accepted yet')
    if (probe.sequence === sequence) return probe
    partition.accepted(probe, 'evt_1', startMs)
    partition.close(probe, 'missed', startMs)
  }
}

test('every source is probed in turn, every fourth probe is looked up in the log, every twentieth is retried', () => {
  const { partition } = open()
  const seen = Array.from({ length: 20 }, () => {
    const probe = partition.begin(startMs, 'ab')!
    partition.accepted(probe, 'evt_1', startMs)
    return `${probe.source}: ${probe.open.join(' ')}`
  })
  expect(new Set(seen)).toEqual(
    new Set([
      'stripe: first_attempt',
      'shopify: first_attempt',
      'standard-webhooks: first_attempt',
      'standard-webhooks: first_attempt retry log',
      'github: first_attempt nats log',
    ]),
  )
})

test('a probe that was refused is sent again, and the next one waits: the gap is measured from the first try', () => {
  const { partition, counted } = open()
  const probe = begin(partition, 1)
  counted.length = 0
  partition.refused(probe, '503 unavailable')
  expect(partition.begin(startMs + 15_000, 'cd')).toBeUndefined()
  expect(partition.standing(startMs + 11_000)).toMatchObject({
    kind: 'failing',
    message: expect.stringContaining('503 unavailable'),
  })
  partition.accepted(probe, 'evt_1', startMs + 25_000)
  expect(partition.arrived(probe.id, probe.body, 'request', startMs + 25_010)).toBe('first')
  expect(counted).toEqual(['accept late', 'first_attempt late'])
  expect(partition.standing(startMs + 26_000)).toEqual({ kind: 'arriving' })
  expect(reportOf(partition.minutes.keep(), startMs)).toMatchObject({
    arrived: 1,
    lost: 0,
    slowestMs: { accept: 25_000, first_attempt: 25_010 },
  })
})

test('a probe that was accepted and does not arrive is told within a minute, and lost only when the log says so too', () => {
  const { partition, counted } = open()
  const probe = begin(partition, 2)
  counted.length = 0
  partition.accepted(probe, 'evt_2', startMs)
  expect(partition.standing(startMs + 9_000)).toEqual({ kind: 'unknown' })
  expect(partition.standing(startMs + 11_000)).toMatchObject({
    kind: 'failing',
    message: expect.stringContaining('evt_2'),
  })
  partition.close(probe, 'lost', startMs + 600_000)
  expect(counted).toEqual(['accept good', 'first_attempt failed', 'lost'])
})

test('probes that are open fill memory without a bound while nothing arrives and the API can not be asked', () => {
  const { partition } = open()
  for (let i = 0; i < 1_100; i++) {
    const probe = partition.begin(startMs, '0123abcd')
    if (probe) partition.accepted(probe, `evt_${'0'.repeat(26)}`, startMs)
  }
  expect(partition.open).toHaveLength(1_000)
  // A message of NATS has 1 MiB at most.
  expect(JSON.stringify(partition.keep()).length).toBeLessThan(1024 ** 2 / 2)
})

test('what was delivered while the prober was away is no loss', () => {
  const { partition, counted } = open()
  const probe = begin(partition, 2)
  counted.length = 0
  partition.accepted(probe, 'evt_2', startMs)
  partition.close(probe, 'missed', startMs + 600_000)
  expect(counted).toEqual(['accept good', 'first_attempt late'])
})

test('the prober answers 503 once where it wants a retry, and counts what comes again after that', () => {
  const { partition } = open()
  const probe = begin(partition, 19)
  const arrives = () => partition.arrived(probe.id, probe.body, 'request', startMs + 5_000)
  expect([arrives(), arrives(), arrives()]).toEqual(['again', 'retried', 'repeated'])
})

test('other bytes under the same id are no arrival', () => {
  const { partition } = open()
  const probe = begin(partition, 1)
  expect(partition.arrived(probe.id, `${probe.body} `, 'request', startMs)).toBe('changed')
  expect(probe.open).toContain('first_attempt')
})

test('a prober that is started anew knows what is open, and what it never sent', () => {
  const before = open()
  const probe = begin(before.partition, 5)
  before.partition.accepted(probe, 'evt_5', startMs)
  const { partition, counted } = open(JSON.parse(JSON.stringify(before.partition.keep())))
  expect(partition.arrived(probe.id, probe.body, 'request', startMs + 1_000)).toBe('first')
  expect(partition.arrived(probe.id, probe.body, 'request', startMs + 1_000)).toBe('repeated')
  // It was sent by a prober that was killed before it could keep it.
  expect(partition.arrived('3-6-ffff', '', 'request', startMs)).toBeUndefined()
  expect(counted).toEqual(['first_attempt good', 'repeated'])
})

test('a report is of the minutes asked for', () => {
  const { partition } = open()
  begin(partition, 3)
  expect(reportOf(partition.minutes.keep(), startMs).sent).toBe(3)
  expect(reportOf(partition.minutes.keep(), startMs + 120_000).sent).toBe(0)
})
