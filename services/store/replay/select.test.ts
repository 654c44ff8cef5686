import { createTestDatabase, type TestDatabase } from '@fairlead/testbed/postgres'
import { isThorough } from '@fairlead/testbed/thorough'
import { deliveryId, eventId, fromUuid, newId, toUuid } from '@fairlead/webhook/id'
import { compileGlob } from '@fairlead/webhook/match'
import fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seeded } from '../project/fixture/story.ts'
import type { Kept } from './kept.ts'
import { countSelection, type SelectedRow, type Selection, selectPage } from './select.ts'
import type { Selector } from './selector.ts'

/** An event as the log has it; deliveries by destination's number. */
interface Logged {
  readonly id: string
  readonly at: Date
  readonly source: string
  readonly type: string
  readonly status: 'pending' | 'processing' | 'success' | 'failed'
  /** In EVENTS; null: it never was there. */
  readonly seq: number | null
  readonly deliveryCount: number | null
  readonly deliveries: ReadonlyMap<number, LoggedDelivery>
}

interface LoggedDelivery {
  readonly state: 'waiting' | 'delivered' | 'dead' | 'discarded'
  readonly attempts: number
  readonly diedAt: Date | null
  readonly reason: string | null
  readonly deadSeq: number | null
}

const startMs = Date.UTC(2030, 0, 31, 23, 0, 0)
const minute = 60_000
const sources = ['stripe', 'github']
const types = ['invoice.paid', 'invoice.payment_failed', 'push', '100%_[odd]\\', '']
const reasons = ['attempts_exhausted', 'gone']
const organization = newId('org', startMs)
/** The last one is deleted. */
const destinations = Array.from({ length: 4 }, () => newId('dst', startMs))
const live = [0, 1, 2]
/** The first half of EVENTS has gone, and some of DEAD. */
const kept: Kept = {
  events: { first: 100, last: 1_000, created: new Date(0) },
  dead: { first: 40, last: 1_000, created: new Date(0) },
}

const log = aLog(200, seeded(7))
let database: TestDatabase
let client: Client
beforeAll(async () => {
  database = await createTestDatabase()
  client = new Client({ connectionString: database.adminUrl })
  await client.connect()
  await write(log)
})
afterAll(async () => {
  await client?.end()
  await database?.[Symbol.asyncDispose]()
})

function aLog(count: number, random: () => number): Logged[] {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, (_, i) => {
    const deliveries = new Map<number, LoggedDelivery>()
    for (const place of [0, 1, 2, 3]) {
      if (random() < 0.5) continue
      const state = pick(['waiting', 'delivered', 'dead', 'discarded'] as const)
      const bad = state === 'dead' || state === 'discarded'
      deliveries.set(place, {
        state,
        attempts: Math.floor(random() * 4),
        diedAt: bad ? new Date(startMs + (i + Math.floor(random() * 60)) * minute) : null,
        reason: bad ? pick(reasons) : null,
        deadSeq: bad && random() < 0.7 ? i + 1 : null,
      })
    }
    // Some are not matched yet, or have deliveries that the log doesn't know of.
    const matched = deliveries.size > 0 || random() < 0.7
    return {
      id: toUuid(eventId(organization, 'stripe', { id: `${i}` })),
      // Two at a time have the same time, and midnight is among them: the log keeps days apart.
      at: new Date(startMs + Math.floor(i / 2) * minute),
      source: pick(sources),
      type: pick(types),
      status: pick(['pending', 'processing', 'success', 'failed'] as const),
      seq: random() < 0.9 ? i + 1 : null,
      deliveryCount: matched ? deliveries.size + (random() < 0.1 ? 1 : 0) : null,
      deliveries,
    }
  })
}

async function write(events: readonly Logged[]): Promise<void> {
  await client.query('begin')
  for (const day of ['2030-01-31', '2030-02-01']) await client.query('call create_log_partitions($1)', [day])
  await client.query(
    `insert into organizations (id, slug, display_name, plan, active, retention_days, owner_kind, owner_reference)
     values ($1, 'acme', 'Acme', 'free', true, 7, 'file', 'acme.yaml')`,
    [toUuid(organization)],
  )
  for (const [i, id] of destinations.entries()) {
    await client.query(
      `insert into destinations (organization_id, id, name, url, timeout_seconds, concurrency, retry_delays_seconds,
         managed_by, deleted_at)
       values ($1, $2, $3, 'http://destination.example', 5, 5, '{}', 'owner', $4)`,
      [toUuid(organization), toUuid(id), `destination-${i}`, live.includes(i) ? null : new Date(startMs)],
    )
  }
  for (const event of events) {
    await client.query(
      `insert into events (organization_id, id, received_at, source_id, source, provider, type, status, stream_seq,
         size_bytes, method, url, delivery_count)
       values ($1, $2, $3, $1, $4, $4, $5, $6, $7, 2, 'POST', '/', $8)`,
      [
        toUuid(organization),
        event.id,
        event.at,
        event.source,
        event.type,
        event.status,
        event.seq,
        event.deliveryCount,
      ],
    )
    for (const [place, delivery] of event.deliveries) {
      const id = deliveryId(fromUuid('evt', event.id), destinations[place]!)
      await client.query(
        `insert into deliveries (organization_id, event_id, destination_id, received_at, id, state, attempt_count,
           died_at, dead_reason, dead_seq)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          toUuid(organization),
          event.id,
          toUuid(destinations[place]!),
          event.at,
          toUuid(id),
          delivery.state,
          delivery.attempts,
          delivery.diedAt,
          delivery.reason,
          delivery.deadSeq,
        ],
      )
    }
  }
  await client.query('commit')
}

/** The reference: event and destination of everything selected, in words of one loop. */
function reference({ selector, destinations: chosen }: Selection): { made: string[]; expired: number } {
  const made: string[] = []
  let expired = 0
  for (const event of log) {
    if (event.at >= selector.before || (selector.after && event.at < selector.after)) continue
    if (selector.sources.length > 0 && !selector.sources.includes(event.source)) continue
    if (selector.types.length > 0 && !selector.types.some(glob => compileGlob(glob)(event.type))) continue
    if (selector.status && selector.status !== event.status) continue
    const dead = [...event.deliveries.values()].map(({ deadSeq }) => deadSeq ?? 0)
    const hasBody = (event.seq ?? 0) >= kept.events.first || dead.some(seq => seq >= kept.dead.first)
    for (const place of live) {
      const id = toUuid(destinations[place]!)
      const delivery = event.deliveries.get(place)
      if (chosen ? !chosen.includes(id) : !delivery) continue
      if (!wants(selector, event, delivery)) continue
      if (hasBody) made.push(`${event.id} ${id} ${delivery?.attempts ?? 'new'}`)
      else expired += 1
    }
  }
  return { made: made.sort(), expired }
}

function wants(selector: Selector, event: Logged, delivery: LoggedDelivery | undefined): boolean {
  const { states, reasons: why, diedAfter, diedBefore } = selector
  if (!delivery) {
    const isKnown = event.deliveryCount !== null && event.deliveryCount <= event.deliveries.size
    return isKnown && states.length === 0 && why.length === 0 && !diedAfter && !diedBefore
  }
  if (delivery.state === 'waiting') return false
  if (states.length > 0 && !states.includes(delivery.state)) return false
  if (why.length > 0 && !why.includes(delivery.reason ?? '')) return false
  if (diedAfter && !(delivery.diedAt && delivery.diedAt >= diedAfter)) return false
  if (diedBefore && !(delivery.diedAt && delivery.diedAt < diedBefore)) return false
  return true
}

/** All pages one after the other; an event is never in two of them. */
async function walk(selection: Selection, size: number): Promise<SelectedRow[]> {
  const rows: SelectedRow[] = []
  const seen = new Set<string>()
  let after: readonly [Date, string] | null = null
  for (;;) {
    const page = await selectPage(client, selection, kept, after, size)
    const events = new Set(page.map(row => row.event_id))
    for (const id of events) expect(seen.has(id)).toBe(false)
    for (const id of events) seen.add(id)
    rows.push(...page)
    const last = page.at(-1)
    if (!last) return rows
    after = [last.received_at, last.event_id]
  }
}

const times = fc.integer({ min: -5, max: 110 }).map(at => new Date(startMs + at * minute))
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 1 })
const selectors: fc.Arbitrary<Selector> = fc
  .record({
    sources: fc.subarray(sources),
    types: fc.subarray(['invoice.*', '*', 'push', '*ed', '100%_[odd]\\', '1__%*', 'none']),
    after: maybe(times),
    before: fc.oneof(times, fc.constant(new Date(startMs + 1_000 * minute))),
    status: maybe(fc.constantFrom('pending', 'processing', 'success', 'failed')),
    states: fc.subarray(['delivered', 'dead', 'discarded']),
    reasons: fc.oneof({ arbitrary: fc.constant([]), weight: 3 }, fc.subarray(reasons)),
    diedAfter: fc.option(times, { nil: undefined, freq: 4 }),
    diedBefore: fc.option(times, { nil: undefined, freq: 4 }),
  })
  .map(
    selector =>
      Object.fromEntries(Object.entries(selector).filter(([, value]) => value !== undefined)) as Selector,
  )
const selections: fc.Arbitrary<Selection> = fc.record({
  organization: fc.constant(organization),
  selector: selectors,
  destinations: fc.option(fc.subarray(destinations.map(toUuid), { minLength: 1 })),
})

const everything: Selection = {
  organization,
  selector: { sources: [], types: [], states: [], reasons: [], before: new Date(9e12) },
  destinations: null,
}

test('any selection: the count, the pages and a plain loop agree', { timeout: 180_000 }, async () => {
  let found = 0
  await fc.assert(
    fc.asyncProperty(selections, fc.integer({ min: 1, max: 40 }), async (selection, size) => {
      const expected = reference(selection)
      const rows = await walk(selection, size)
      const withBody = rows.filter(row => row.event_seq ?? row.dead_seq)
      const made = withBody.map(row => `${row.event_id} ${row.destination_id} ${row.attempt_count ?? 'new'}`)
      expect(made.sort()).toEqual(expected.made)
      expect(rows.length - withBody.length).toBe(expected.expired)
      expect(await countSelection(client, selection, kept)).toEqual({
        events: new Set(withBody.map(row => row.event_id)).size,
        deliveries: expected.made.length,
        expired: expected.expired,
      })
      found += made.length
    }),
    { numRuns: isThorough ? 200 : 60, examples: [[everything, 40]] },
  )
  // However narrow the others are.
  expect(found).toBeGreaterThan(100)
})

test('another organization’s events are not selected', async () => {
  const others: Selection = { ...everything, organization: newId('org', startMs) }
  expect(await walk(others, 100)).toEqual([])
})

test('what a stream made anew holds under the same sequence is not taken for an event’s body', async () => {
  const anew = { first: 1, last: 1_000, created: new Date(startMs + 1_000 * minute) }
  const counted = await countSelection(client, everything, { events: anew, dead: anew })
  expect(counted).toMatchObject({ events: 0, deliveries: 0 })
  expect(counted.expired).toBeGreaterThan(100)
})
