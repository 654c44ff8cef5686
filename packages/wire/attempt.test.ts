import { newId } from '@fairlead/webhook/id'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeLogRecords, encodeLogRecords, type LogRecord, laneConditions } from './attempt.ts'
import { idSchema } from './id-schema.ts'
import { WireError } from './wire-error.ts'

const event = { organization: idSchema('org'), event: idSchema('evt'), eventSeq: z.number().int().positive() }
const schema = z.array(
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('attempted'),
      ...event,
      receivedAt: z.number(),
      delivery: idSchema('dlv'),
      destination: idSchema('dst'),
      of: z.number().int().positive(),
      number: z.number().int().positive(),
      trigger: z.enum(['route', 'manual', 'replay']),
      replay: idSchema('rpl').optional(),
      at: z.number(),
      durationMs: z.number().int().nonnegative(),
      outcome: z.string(),
      status: z.number().int().optional(),
      reason: z.string().optional(),
      lane: z.enum(laneConditions).optional(),
      exchange: z.looseObject({}).optional(),
      settlement: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('delivered') }),
        z.object({ kind: z.literal('retry'), at: z.number() }),
        z.object({ kind: z.literal('dead'), reason: z.string() }),
      ]),
    }),
    z.object({
      kind: z.literal('routed'),
      ...event,
      receivedAt: z.number(),
      destinations: z.array(idSchema('dst')),
    }),
    z.object({
      kind: z.literal('repeated'),
      ...event,
      sourceId: idSchema('src'),
      count: z.number().int().positive(),
      differing: z.number().int().nonnegative(),
      at: z.number(),
    }),
  ]),
)

const of = { organization: newId('org', 0), event: newId('evt', 0), eventSeq: 7 }
const samples: LogRecord[] = [
  {
    kind: 'attempted',
    ...of,
    receivedAt: 1,
    delivery: newId('dlv', 0),
    destination: newId('dst', 0),
    of: 2,
    number: 1,
    trigger: 'replay',
    replay: newId('rpl', 0),
    at: 3,
    durationMs: 4,
    outcome: 'delivered',
    status: 200,
    reason: 'it was well',
    lane: 'throttled',
    settlement: { kind: 'retry', at: 5 },
  },
  { kind: 'routed', ...of, receivedAt: 1, destinations: [newId('dst', 0)] },
  { kind: 'repeated', ...of, sourceId: newId('src', 0), count: 3, differing: 1, at: 9 },
]

/** Every path to a value in a record, to change one of them. */
function paths(value: unknown, path: readonly string[] = []): string[][] {
  const own = path.length > 0 ? [[...path]] : []
  if (typeof value !== 'object' || value === null) return own
  return [...own, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))]
}

function changed(record: LogRecord, path: readonly string[], change: { readonly to?: unknown }): unknown {
  const copy = structuredClone(record) as unknown as Record<string, unknown>
  const parent = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy)
  if ('to' in change) parent[path.at(-1)!] = change.to
  else delete parent[path.at(-1)!]
  return copy
}

const anything = fc.oneof(
  fc.jsonValue(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(
    0,
    -1,
    1.5,
    2 ** 53,
    null,
    '',
    'route',
    'broken',
    'delivered',
    'dead',
    newId('dst', 1),
    newId('org', 1),
    newId('evt', 1),
  ),
)

test('a record is read or refused by hand exactly as its schema does, whichever of its fields is anything', () => {
  const mutated = fc.constantFrom(...samples).chain(record =>
    fc.record({
      record: fc.constant(record),
      path: fc.constantFrom(...paths(record)),
      change: fc.oneof(
        anything.map(to => ({ to })),
        fc.constant({}),
      ),
    }),
  )
  let accepted = 0
  fc.assert(
    fc.property(mutated, ({ record, path, change }) => {
      const payload = Buffer.from(JSON.stringify([changed(record, path, change)]))
      const expected = schema.safeParse(JSON.parse(payload.toString()))
      if (!expected.success) {
        expect(() => decodeLogRecords(payload)).toThrow(WireError)
        return
      }
      accepted += 1
      expect(schema.parse(decodeLogRecords(payload))).toEqual(expected.data)
    }),
    { numRuns: 500 },
  )
  expect(accepted).toBeGreaterThan(20)
})

test('records that are written are read back equal', () => {
  expect(decodeLogRecords(Buffer.from(encodeLogRecords(samples)))).toEqual(samples)
})

test.each(['', 'null', '{}', '[null]', '[[]]', '[{"kind":"constructor"}]'])(
  'a message of %j is unreadable, and says so by its code',
  text => {
    expect(() => decodeLogRecords(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'attempts_unreadable' }),
    )
  },
)
