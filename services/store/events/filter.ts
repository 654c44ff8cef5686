import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { eventId, type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { EventStatus } from '@fairlead/wire/store/event'
import type { Knex } from 'knex'
import type { Db } from '../scope.ts'
import { sql } from '../sql.ts'
import { StoreError } from '../store-error.ts'
import { statusMessage, wordOf } from './rows.ts'
import { hasStatus } from './status.ts'
import { anyType, dateOf, escapeLike, likeOfGlob } from './where.ts'

/** What lists of events, their stream and their exports take. */
export interface EventFilter {
  readonly source: string
  readonly status: EventStatus
  readonly type: string
  readonly q: string
  readonly after?: Timestamp | undefined
  readonly before?: Timestamp | undefined
}

/** A filter, and the mode of the call. */
export interface ModedFilter {
  readonly filter: EventFilter
  /** Of this mode alone; undefined: of both. */
  readonly mode: Mode | undefined
}

type Condition = (query: Knex.QueryBuilder) => void

/** A filter as conditions on `events`: those that an index serves, and those that rows have to be looked at for. */
export interface EventConditions {
  readonly indexed: readonly Condition[]
  /** On the columns of `table`. */
  readonly looked: readonly ((query: Knex.QueryBuilder, table: string) => void)[]
}

/** Throws a StoreError `invalid_field`. */
export async function eventConditions(
  db: Db,
  organization: OrganizationId,
  { filter, mode }: ModedFilter,
): Promise<EventConditions> {
  const indexed: Condition[] = [query => query.where('organization_id', toUuid(organization))]
  const looked: EventConditions['looked'][number][] = []
  const status = wordOf(statusMessage, filter.status)
  const [after, before] = [dateOf(filter.after), dateOf(filter.before)]
  if (mode) indexed.push(query => query.where('mode', mode))
  if (after) indexed.push(query => query.where('received_at', '>=', after))
  if (before) indexed.push(query => query.where('received_at', '<', before))
  // `failed` has an index of its own; of the others each is many events.
  if (status === 'failed') indexed.push(query => query.whereRaw(hasStatus(status)))
  else if (status) looked.push((query, table) => query.whereRaw(hasStatus(status, table)))
  if (filter.source) looked.push((query, table) => query.where(`${table}.source`, filter.source))
  if (filter.type) {
    const pattern = likeOfGlob(filter.type)
    looked.push((query, table) =>
      query.whereRaw(
        anyType(table, type => `${type} like ?`),
        [pattern, pattern],
      ),
    )
  }
  if (filter.q) {
    const ids = await idsOf(db, organization, filter.q)
    if (ids) indexed.push(query => query.whereRaw('id = any(?::uuid[])', [ids]))
    else looked.push(contains(filter.q))
  }
  return { indexed, looked }
}

/**
 * The events that a text names: by their id, by that of a delivery or an attempt, or by the id that the provider gave.
 * Undefined where it names none.
 */
async function idsOf(db: Db, organization: OrganizationId, q: string): Promise<string[] | undefined> {
  if (q.length > 200) throw new StoreError('invalid_field', 'q: at most 200 characters', { field: 'q' })
  const event = parseId('evt', q)
  if (event) return [toUuid(event)]
  const delivery = parseId('dlv', q) ?? parseId('dlv', q.replace(/^att_([0-9a-z]{26})-\d+$/, 'dlv_$1'))
  if (delivery) {
    const { rows } = await db.query<{ event_id: string }>(
      'select event_id from deliveries where organization_id = $1 and id = $2',
      [toUuid(organization), toUuid(delivery)],
    )
    return rows.map(row => row.event_id)
  }
  // Ids of providers are long; words that people look for are not.
  if (q.length < 6) return undefined
  const { rows: sources } = await db.query<{ name: string }>(
    'select name from sources where organization_id = $1 limit 1000',
    [toUuid(organization)],
  )
  const candidates = sources.map(({ name }) => toUuid(eventId(organization, name, { id: q })))
  const { rows } = await db.query<{ id: string }>(
    'select id from events where organization_id = $1 and id = any($2::uuid[])',
    [toUuid(organization), candidates],
  )
  return rows.length > 0 ? rows.map(row => row.id) : undefined
}

function contains(q: string): EventConditions['looked'][number] {
  const pattern = `%${escapeLike(q)}%`
  return (query, table) =>
    query.whereRaw(`(${anyType(table, type => `${type} ilike ?`)} or ${table}.url ilike ?)`, [
      pattern,
      pattern,
      pattern,
    ])
}

/** Events under the conditions that an index serves. */
export function indexedEvents({ indexed }: EventConditions): Knex.QueryBuilder {
  const query = sql('events')
  for (const condition of indexed) condition(query)
  return query
}

/** The other conditions, or undefined where there are none. */
export function lookedAt({ looked }: EventConditions, table: string): Condition | undefined {
  if (looked.length === 0) return undefined
  return query => {
    for (const condition of looked) condition(query, table)
  }
}
