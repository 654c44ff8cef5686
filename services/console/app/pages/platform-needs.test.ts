import { expect, test } from 'vitest'
import { bytesText, durationText, platformNeedsOf } from './platform-needs.ts'

const stream = {
  name: 'EVENTS',
  messages: 1,
  bytes: 1_000,
  limitBytes: 10_000,
  oldestMs: 0,
  replicasBehind: 0,
}
const well = {
  log: { behindMessages: 0, behindMs: 0 },
  streams: [stream],
  counts: {
    organizations: 1,
    inactiveOrganizations: 0,
    destinations: 10,
    failingDestinations: 1,
    pausedDestinations: 0,
    openIssues: 0,
    waitingDeliveries: 0,
    deadLetters: 0,
  },
  lastHour: {
    events: 0,
    bytes: 0,
    attempts: 0,
    delivered: 0,
    failed: 0,
    dead: 0,
    successRate: null,
    latencyMs: null,
  },
  troubled: [],
}

test('a platform that is well is told to need attention', () => {
  expect(platformNeedsOf(well)).toEqual([])
})

test.each([
  ['NATS away', { log: null }, /NATS does not answer/],
  ['a log that stands', { log: { behindMessages: 7, behindMs: 300_000 } }, /5 min behind: 7 messages/],
  [
    'a stream that is nearly full',
    { streams: [{ ...stream, bytes: 9_000 }] },
    /EVENTS has 8[.,]8 KiB of 9[.,]8 KiB/,
  ],
  ['a copy that is away', { streams: [{ ...stream, replicasBehind: 1 }] }, /1 of its copies is not current/],
  [
    'most destinations failing',
    { counts: { ...well.counts, failingDestinations: 6 } },
    /6 of 10 destinations/,
  ],
])('nobody is told of %s', (_, change, sentence) => {
  expect(platformNeedsOf({ ...well, ...change })).toEqual([expect.stringMatching(sentence)])
})

test('a size or a time is told in a unit that nobody can read', () => {
  expect([0, 1_023, 1_536, 5 * 1024 ** 3, 900 * 1024 ** 4].map(bytes => bytesText(bytes, 'en-US'))).toEqual([
    '0 B',
    '1,023 B',
    '1.5 KiB',
    '5 GiB',
    '900 TiB',
  ])
  expect([0, 90_000, 600_000, 7_200_000, 259_200_000].map(durationText)).toEqual([
    '0 s',
    '90 s',
    '10 min',
    '2 h',
    '3 d',
  ])
})
