import { newId } from '@fairlead/webhook/id'
import type { LogRecord } from '@fairlead/wire/attempt'
import { expect, test } from 'vitest'
import { anAttempt, anEventMeta } from './fixture/story.ts'
import { fold } from './fold.ts'
import { resume } from './position.ts'

const meta = anEventMeta({ receivedAt: 1_000 })
const destination = newId('dst', 0)
type End = 'delivered' | 'dead' | 'waiting'

/** An attempt of the one delivery: its number and what follows, told by a route's retry schedule unless said. */
function told(number: number, end: End, trigger: 'route' | 'manual' = 'route'): LogRecord {
  const delivery = { destination, attempts: number, end }
  return { ...anAttempt({ meta, deliveries: [delivery] }, delivery, number, 1), trigger }
}
const routed: LogRecord = {
  kind: 'routed',
  organization: meta.organization,
  event: meta.id,
  receivedAt: meta.receivedAt,
  eventSeq: 1,
  destinations: [destination],
}

test.each<[string, LogRecord[], string, number, number]>([
  ['matched, not tried', [routed], 'waiting', 0, 0],
  ['delivered at once', [told(1, 'delivered')], 'delivered', 1, 1],
  ['retried, then delivered', [routed, told(1, 'waiting'), told(2, 'delivered')], 'delivered', 2, 2],
  ['told in the wrong order', [told(2, 'delivered'), told(1, 'waiting'), routed], 'delivered', 2, 2],
  ['told twice', [told(1, 'dead'), told(1, 'dead')], 'dead', 1, 1],
  [
    'delivered by one worker, failed by the next',
    [told(1, 'delivered'), told(1, 'waiting')],
    'delivered',
    1,
    1,
  ],
  [
    'failed by one worker, delivered by the next',
    [told(1, 'waiting'), told(1, 'delivered')],
    'delivered',
    1,
    1,
  ],
  [
    'a repeat that goes on after it was delivered',
    [told(1, 'delivered'), told(2, 'dead')],
    'delivered',
    1,
    2,
  ],
  ['taken back before the log knew of its last attempt', [told(1, 'dead'), told(1, 'waiting')], 'dead', 1, 1],
  ['dead, then delivered by hand', [told(1, 'dead'), told(2, 'delivered', 'manual')], 'delivered', 2, 2],
  [
    'delivered, then asked for again and dead',
    [told(1, 'delivered'), told(2, 'dead', 'manual')],
    'dead',
    2,
    2,
  ],
])('%s', (_name, records, state, number, attempts) => {
  const [event] = fold(records, [])
  expect(event).toMatchObject({ of: 1 })
  expect(event!.deliveries.get(destination)).toMatchObject({ state, number })
  expect(event!.attempts.size).toBe(attempts)
})

const created = '2030-01-01T00:00:00Z'
const stored = (seq: number, createdText = created) => ({ seq, createdMs: Date.parse(createdText) })

test.each([
  ['a first start', undefined, 1, 9, { kind: 'resume', after: 0 }],
  ['nothing new', stored(9), 1, 9, { kind: 'resume', after: 9 }],
  ['some are new', stored(4), 1, 9, { kind: 'resume', after: 4 }],
  ['old ones have gone', stored(4), 5, 9, { kind: 'resume', after: 4 }],
  ['new ones have gone', stored(4), 8, 9, { kind: 'missed', after: 7, missed: 3 }],
  ['purged to its end', stored(4), 10, 9, { kind: 'missed', after: 9, missed: 5 }],
  ['restored from a snapshot', stored(20), 1, 9, { kind: 'rewound', after: 9, rewoundFrom: 20 }],
  ['made anew', stored(20, '2029-01-01T00:00:00Z'), 1, 9, { kind: 'replaced', after: 0 }],
])('reading on: %s', (_name, position, first_seq, last_seq, expected) => {
  const state = { first_seq, last_seq } as Parameters<typeof resume>[1]['state']
  expect(resume(position, { created, state } as Parameters<typeof resume>[1])).toEqual(expected)
})
