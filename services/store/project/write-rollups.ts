import { fromUuid, type OrganizationId, toUuid as uuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { Db } from '../scope.ts'
import { type Dimension, dimensionOf } from '../usage/dimension.ts'
import { latencyPlace } from '../usage/latency.ts'
import { plainArray, textArray } from './arrays.ts'
import type { FoldedEvent } from './fold.ts'
import { type EventAttempt, isDead, isDelivered } from './write-attempts.ts'
import { date, type NewEvent, text } from './write-log.ts'

/**
 * Counts of events and attempts by source, type and destination, added up here: a batch adds to a few rows, however many
 * attempts it has. Counting them in SQL took as long as writing them.
 */

/** A slot of `rollups`. */
const slotMs = 15 * 60_000

/** A row of `rollups`, and what is added to it. */
export interface Rollup {
  readonly organization: OrganizationId
  readonly dimension: string
  readonly value: string
  /** Unix milliseconds. */
  readonly slotMs: number
  events: number
  bytes: number
  attempts: number
  delivered: number
  dead: number
  /** Delivered attempts by duration: how many below each of `latencySteps`, up to the slowest. */
  readonly latencies: number[]
}

/** Types that are counted apart. */
export interface CountedTypes {
  has(organization: OrganizationId, type: string): boolean
}

/**
 * Decides which of the batch's types are counted apart: of an organization the first 500, so that the others are counted
 * together.
 * @param earlier events that were in the log before, whose types were decided then
 */
export async function countedTypes(
  db: Db,
  events: readonly NewEvent[],
  earlier: readonly FoldedEvent[],
): Promise<CountedTypes> {
  const fresh = distinct(events.map(({ meta }) => meta))
  const all = distinct([...fresh, ...earlier])
  if (all.length === 0) return { has: () => false }
  const given = (pairs: typeof all) => [
    plainArray(pairs.map(({ organization }) => uuid(organization))),
    textArray(pairs.map(({ type }) => type)),
  ]
  // Sent together and run in this order.
  const [, { rows }] = await Promise.all([
    fresh.length > 0 && db.query(addTypes, given(fresh)),
    db.query<{ organization_id: string; type: string }>(findTypes, given(all)),
  ])
  const counted = new Set(rows.map(row => `${fromUuid('org', row.organization_id)} ${row.type}`))
  return { has: (organization, type) => counted.has(`${organization} ${type}`) }
}

const addTypes = `
  insert into rollup_types (organization_id, type)
  select organization_id, type from unnest($1::uuid[], $2::text[]) as n (organization_id, type)
  where not exists (
      select from rollup_types k where k.organization_id = n.organization_id and k.type = n.type)
    and (select count(*) from rollup_types k where k.organization_id = n.organization_id) < 500
  on conflict do nothing`

const findTypes = `
  select organization_id, type from unnest($1::uuid[], $2::text[]) as n (organization_id, type)
  where exists (select from rollup_types k where k.organization_id = n.organization_id and k.type = n.type)`

interface Typed {
  readonly organization: OrganizationId
  readonly type: string
}

function distinct(events: readonly Typed[]): Typed[] {
  const pairs = new Map<string, Typed>()
  for (const { organization, type: given } of events) {
    const type = text(given)
    if (type !== '') pairs.set(`${organization} ${type}`, { organization, type })
  }
  return [...pairs.values()]
}

/** Adds up new events and attempts; rows in one order, so that two transactions can't wait for each other in a circle. Pure. */
export function foldRollups(
  events: readonly NewEvent[],
  attempts: readonly EventAttempt[],
  types: CountedTypes,
): Rollup[] {
  const rollups = new Map<string, Rollup>()
  const typeOf = (organization: OrganizationId, given: string): string => {
    const type = text(given)
    return types.has(organization, type) ? type : ''
  }
  const rollupOf = (
    organization: OrganizationId,
    mode: Mode,
    atMs: number,
    dimension: Dimension,
    value: string,
  ) => {
    const word = dimensionOf(dimension, mode)
    const slot = Math.floor(atMs / slotMs) * slotMs
    const key = `${organization} ${word} ${slot} ${value}`
    let rollup = rollups.get(key)
    if (!rollup) {
      rollup = { ...nothing, organization, dimension: word, value, slotMs: slot, latencies: [] }
      rollups.set(key, rollup)
    }
    return rollup
  }
  for (const { meta } of events) {
    const { organization, mode = 'live', receivedAt, size } = meta
    addEvent(rollupOf(organization, mode, receivedAt, 'source', text(meta.source)), size)
    addEvent(rollupOf(organization, mode, receivedAt, 'type', typeOf(organization, meta.type)), size)
  }
  for (const { event, attempt } of attempts) {
    const { organization, mode } = event
    addAttempt(rollupOf(organization, mode, attempt.at, 'source', text(event.source)), attempt)
    addAttempt(rollupOf(organization, mode, attempt.at, 'type', typeOf(organization, event.type)), attempt)
    addAttempt(rollupOf(organization, mode, attempt.at, 'destination', uuid(attempt.destination)), attempt)
  }
  return [...rollups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rollup]) => rollup)
}

const nothing = { events: 0, bytes: 0, attempts: 0, delivered: 0, dead: 0 }

function addEvent(rollup: Rollup, bytes: number): void {
  rollup.events += 1
  rollup.bytes += bytes
}

function addAttempt(rollup: Rollup, attempt: EventAttempt['attempt']): void {
  rollup.attempts += 1
  if (isDead(attempt)) rollup.dead += 1
  if (!isDelivered(attempt)) return
  rollup.delivered += 1
  const place = latencyPlace(attempt.durationMs)
  while (rollup.latencies.length <= place) rollup.latencies.push(0)
  rollup.latencies[place]! += 1
}

const statement = `
  insert into rollups as known (organization_id, dimension, value, slot, events, bytes, attempts, delivered, dead, latencies)
  select organization_id, dimension, value, slot, events, bytes, attempts, delivered, dead, latencies::bigint[]
  from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::text[])
    as n (organization_id, dimension, value, slot, events, bytes, attempts, delivered, dead, latencies)
  on conflict (organization_id, dimension, slot, value) do update set
    events = known.events + excluded.events, bytes = known.bytes + excluded.bytes,
    attempts = known.attempts + excluded.attempts, delivered = known.delivered + excluded.delivered,
    dead = known.dead + excluded.dead, latencies = add_counts(known.latencies, excluded.latencies)`

export async function addRollups(db: Db, rollups: readonly Rollup[]): Promise<void> {
  if (rollups.length === 0) return
  await db.query(statement, [
    plainArray(rollups.map(({ organization }) => uuid(organization))),
    textArray(rollups.map(({ dimension }) => dimension)),
    textArray(rollups.map(({ value }) => value)),
    plainArray(rollups.map(row => date(row.slotMs))),
    plainArray(rollups.map(({ events }) => events)),
    plainArray(rollups.map(({ bytes }) => bytes)),
    plainArray(rollups.map(({ attempts }) => attempts)),
    plainArray(rollups.map(({ delivered }) => delivered)),
    plainArray(rollups.map(({ dead }) => dead)),
    textArray(rollups.map(({ latencies }) => plainArray(latencies))),
  ])
}
