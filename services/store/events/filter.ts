import type { Timestamp } from '@bufbuild/protobuf/wkt'
import { eventId, type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { longestSearched, mostSearched, searchDigest } from '@fairlead/wire/search'
import { secretHeader } from '@fairlead/wire/secret-headers'
import type { EventStatus } from '@fairlead/wire/store/event'
import type { Knex } from 'knex'
import { type Db, readAcrossModes } from '../scope.ts'
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
  /** Values in the body, and request headers; of lists alone. */
  readonly value?: readonly SearchedValue[]
  readonly header?: readonly SearchedValue[]
}

export interface SearchedValue {
  readonly name: string
  readonly text: string
}

/** What is looked for in contents: each of it must be there. */
export interface WantedValues {
  readonly pointers: readonly SearchedValue[]
  /** Names in lower case. */
  readonly headers: readonly SearchedValue[]
}

/** A filter, and the mode of the call. */
export interface ModedFilter {
  readonly filter: EventFilter
  /** Of this mode alone; undefined: of both. */
  readonly mode: Mode | undefined
}

/** On the columns of `table`. */
type ConditionOn = (query: Knex.QueryBuilder, table: string) => void
/** The same as an expression: whether a row fits. */
type FitsOn = (table: string) => Knex.Raw

/** A filter as conditions on `events`: those that an index serves, and those that rows have to be looked at for. */
export interface EventConditions {
  /** On columns that `event_values` has, too. */
  readonly shared: readonly ConditionOn[]
  readonly indexed: readonly FitsOn[]
  readonly looked: readonly FitsOn[]
  /** Of the values that an event must have, and some source declares; see `search.ts`. */
  readonly digests: readonly string[]
}

/** Throws a StoreError `invalid_field`. */
export async function eventConditions(
  db: Db,
  organization: OrganizationId,
  { filter, mode }: ModedFilter,
): Promise<EventConditions> {
  const shared: ConditionOn[] = [
    (query, table) => query.where(`${table}.organization_id`, toUuid(organization)),
  ]
  const indexed: FitsOn[] = []
  const looked: FitsOn[] = []
  const status = wordOf(statusMessage, filter.status)
  const [after, before] = [dateOf(filter.after), dateOf(filter.before)]
  if (mode) shared.push((query, table) => query.where(`${table}.mode`, mode))
  if (after) shared.push((query, table) => query.where(`${table}.received_at`, '>=', after))
  if (before) shared.push((query, table) => query.where(`${table}.received_at`, '<', before))
  // `failed` has an index of its own; of the others each is many events.
  if (status === 'failed') indexed.push(table => sql.raw(hasStatus(status, table)))
  else if (status) looked.push(table => sql.raw(hasStatus(status, table)))
  if (filter.source) looked.push(fitsSource(filter.source))
  if (filter.type) looked.push(fitsType(filter.type))
  if (filter.q) {
    const ids = await idsOf(db, organization, filter.q)
    if (ids) indexed.push(table => sql.raw(`${table}.id = any(?::uuid[])`, [ids]))
    else looked.push(contains(filter.q))
  }
  const { digests } = await readSearch(db, organization, { filter, mode })
  return { shared, indexed, looked, digests }
}

/** Whether an event is of a source. */
export const fitsSource =
  (source: string): FitsOn =>
  table =>
    sql.raw(`${table}.source = ?`, [source])

/** Whether one of an event's types fits a glob. */
export function fitsType(glob: string): FitsOn {
  const pattern = likeOfGlob(glob)
  return table =>
    sql.raw(
      anyType(table, type => `${type} like ?`),
      [pattern, pattern],
    )
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

/** The part of a filter that looks into contents, and the mode of the call. */
export interface ModedSearch {
  readonly filter: Pick<EventFilter, 'source' | 'value' | 'header'>
  readonly mode: Mode | undefined
}

/**
 * The values that a filter wants in contents: digests of declared values, which an index has, and the other values, for which contents are read
 * (`search-content.ts`). Where the filter names a source, only the declarations of that source count. Throws a StoreError `invalid_field`.
 */
export async function readSearch(
  db: Db,
  organization: OrganizationId,
  { filter: { source, value = [], header = [] }, mode }: ModedSearch,
): Promise<{ readonly digests: string[]; readonly undeclared: WantedValues }> {
  const headers = header.map(({ name, text }) => ({ name: name.toLowerCase(), text }))
  refuseUnsearchable(value, headers)
  const pointers = await declaredAmong(db, { organization, source, mode, kind: 'pointers' }, value)
  const names = await declaredAmong(db, { organization, source, mode, kind: 'headers' }, headers)
  const declared = [
    ...value.filter(({ name }) => pointers.has(name)),
    ...headers.filter(({ name }) => names.has(name)),
  ]
  return {
    digests: declared.map(({ name, text }) => searchDigest(organization, name, text)),
    undeclared: {
      pointers: value.filter(({ name }) => !pointers.has(name)),
      headers: headers.filter(({ name }) => !names.has(name)),
    },
  }
}

function refuseUnsearchable(value: readonly SearchedValue[], headers: readonly SearchedValue[]): void {
  const refuse = (field: string, fault: string) => {
    throw new StoreError('invalid_field', `${field}: ${fault}`, { field })
  }
  for (const [field, asked] of Object.entries({ value, header: headers })) {
    if (asked.length > mostSearched) refuse(field, `at most ${mostSearched}`)
    if (asked.some(({ text }) => text.length < 1 || text.length > longestSearched))
      refuse(field, `its text must have 1 to ${longestSearched} characters`)
  }
  if (value.some(({ name }) => !name.startsWith('/'))) refuse('value', 'its name must be a JSON pointer')
  const secret = headers.find(({ name }) => secretHeader.test(name))
  if (secret) refuse('header', `${secret.name} holds a secret, and nothing is found by it`)
}

/** Whose declarations count. */
interface Declaring {
  readonly organization: OrganizationId
  /** That source alone; empty: any. */
  readonly source: string
  /** Of the transaction. It hides sources of the other mode; the one that is named declares all the same. */
  readonly mode: Mode | undefined
  readonly kind: 'pointers' | 'headers'
}

async function declaredAmong(
  db: Db,
  { organization, source, mode, kind }: Declaring,
  asked: readonly SearchedValue[],
): Promise<ReadonlySet<string>> {
  if (asked.length === 0) return new Set()
  const rows = await readAcrossModes<{ name: string }>(
    db,
    source === '' ? undefined : mode,
    `select distinct asked.name from sources s, unnest($3::text[]) as asked (name)
     where s.organization_id = $1 and ($4 = '' or s.name = $4) and s.search -> $2 ? asked.name`,
    [toUuid(organization), kind, asked.map(({ name }) => name), source],
  )
  return new Set(rows.map(({ name }) => name))
}

function contains(q: string): FitsOn {
  const pattern = `%${escapeLike(q)}%`
  return table =>
    sql.raw(`(${anyType(table, type => `${type} ilike ?`)} or ${table}.url ilike ?)`, [
      pattern,
      pattern,
      pattern,
    ])
}

/** Events under the conditions that an index serves. */
export function indexedEvents({ shared, indexed }: EventConditions): Knex.QueryBuilder {
  const query = sql('events')
  for (const condition of shared) condition(query, 'events')
  for (const fits of indexed) query.whereRaw(fits('events'))
  return query
}

/**
 * The events that have a value, to be read in the order of `v`, which is that of `value_at` and `value_event`. Each is read by its key: Postgres, which can't know
 * how many have the value, would else read the list and look for the value of each.
 */
export function eventsWithValue({ shared }: EventConditions, digest: string): Knex.QueryBuilder {
  const query = sql('event_values as v')
    .select('e.*', 'v.received_at as value_at', 'v.event_id as value_event')
    .joinRaw(
      `cross join lateral (select * from events e where e.organization_id = v.organization_id and e.id = v.event_id
         and e.received_at = v.received_at offset 0) as e`,
    )
    .where('v.digest', digest)
  for (const condition of shared) condition(query, 'v')
  return query
}

/** What is left to look at, on the columns of `s`, where the events come from one value. */
export function alsoLookedAt({ indexed, looked }: EventConditions, digests: readonly string[]): Knex.Raw[] {
  return [
    ...indexed.map(fits => fits('s')),
    ...looked.map(fits => fits('s')),
    ...digests.map(digest =>
      sql.raw(
        `exists (select from event_values w where w.organization_id = s.organization_id and w.digest = ?
           and w.received_at = s.received_at and w.event_id = s.id)`,
        [digest],
      ),
    ),
  ]
}

/** The conditions that rows have to be looked at for. */
export const lookedAt = ({ looked }: EventConditions, table: string): Knex.Raw[] =>
  looked.map(fits => fits(table))
