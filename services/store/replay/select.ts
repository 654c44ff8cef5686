import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { hasStatus } from '../events/status.ts'
import { anyType, type Conditions, conditions, likeOfGlob } from '../events/where.ts'
import type { Db } from '../scope.ts'
import type { Held, Kept } from './kept.ts'
import type { Selector } from './selector.ts'

/** The deliveries that a Replay makes: which events, to which destinations. */
export interface Selection {
  readonly organization: OrganizationId
  readonly selector: Selector
  /** UUIDs of the destinations that were chosen; null: each event goes where it has a delivery already. */
  readonly destinations: readonly string[] | null
  /** UUID of a bulk retry: only the deliveries that it noted, as long as they are dead and were not tried since. */
  readonly retry?: string
  /** Events of this mode alone; absent: of both. */
  readonly mode?: Mode | undefined
}

/** A delivery that is to be made (again). */
export interface SelectedRow {
  event_id: string
  received_at: Date
  source: string
  size_bytes: string
  delivery_count: number
  destination_id: string
  /** Of the delivery there is; null: there was none to this destination. */
  attempt_count: number | null
  /** Where the body is; both null: nowhere any more. */
  event_seq: string | null
  dead_seq: string | null
}

export interface Counted {
  readonly events: number
  readonly deliveries: number
  /** Deliveries whose body is no longer kept. */
  readonly expired: number
}

/** Counts exactly what `selectPage` would give, page after page. */
export async function countSelection(db: Db, selection: Selection, kept: Kept): Promise<Counted> {
  const { from, where } = statement(selection)
  const { rows } = await db.query<{ events: string; deliveries: string; expired: string }>(
    `select count(distinct (received_at, event_id)) filter (where has_body) as events,
       count(*) filter (where has_body) as deliveries, count(*) filter (where not has_body) as expired
     from (
       select e.received_at, e.id as event_id,
         coalesce(${bodyIn('e.stream_seq', 'e', kept.events, where)}, false) or exists (${deadBody(kept, where)})
           as has_body
       from ${from} where ${where.text()}
     ) as selected`,
    where.values,
  )
  const [count] = rows
  return {
    events: Number(count?.events),
    deliveries: Number(count?.deliveries),
    expired: Number(count?.expired),
  }
}

/**
 * The next deliveries after a position, oldest event first: at least `size` of them unless fewer are left, and always
 * all of an event, because to deliver a part of it changes whether the rest is selected.
 *
 * @param after time and id of the last event before
 */
export async function selectPage(
  db: Db,
  selection: Selection,
  kept: Kept,
  after: readonly [Date, string] | null,
  size: number,
): Promise<SelectedRow[]> {
  const { from, where } = statement(selection)
  if (after) {
    const id = `$${where.values.push(after[1])}`
    // The first comparison alone lets Postgres leave out whole days.
    where.add(p => `e.received_at >= ${p} and (e.received_at, e.id) > (${p}, ${id})`, after[0])
  }
  const inEvents = bodyIn('e.stream_seq', 'e', kept.events, where)
  // Postgres takes a match in three columns for a rare thing, and would read and sort the whole log for each page: with
  // 250,000 events 900 ms, and 15 in the order of the index.
  await db.query('set local enable_hashjoin = off; set local enable_mergejoin = off')
  const { rows } = await db.query<SelectedRow>(
    `select e.id as event_id, e.received_at, e.source, e.size_bytes, e.delivery_count, x.id as destination_id,
       d.attempt_count, case when ${inEvents} then e.stream_seq end as event_seq, (${deadBody(kept, where)}) as dead_seq
     from ${from} where ${where.text()}
     order by e.received_at, e.id fetch first ${size} rows with ties`,
    where.values,
  )
  return rows
}

/** The deliveries selected: `e` the event, `x` the destination, `d` the delivery that there is, if any. */
function statement({ organization, selector, destinations, retry, mode }: Selection): {
  from: string
  where: Conditions
} {
  const where = conditions()
  where.add(p => `e.organization_id = ${p}`, toUuid(organization))
  if (mode) where.add(p => `e.mode = ${p}`, mode)
  if (retry) return plannedStatement(where, retry)
  where.add(p => `e.received_at < ${p} and (d.received_at is null or d.received_at < ${p})`, selector.before)
  if (selector.after) {
    where.add(
      p => `e.received_at >= ${p} and (d.received_at is null or d.received_at >= ${p})`,
      selector.after,
    )
  }
  if (selector.sources.length > 0) where.add(p => `e.source = any(${p}::text[])`, selector.sources)
  if (selector.types.length > 0) {
    const fits = (p: string) => anyType('e', type => `${type} like any(${p}::text[])`)
    where.add(fits, selector.types.map(likeOfGlob))
  }
  if (selector.status) where.also(hasStatus(selector.status, 'e'))
  if (selector.reasons.length > 0) {
    where.add(p => `d.state in ('dead', 'discarded') and d.dead_reason = any(${p}::text[])`, selector.reasons)
  }
  if (selector.diedAfter) where.add(p => `d.died_at >= ${p}`, selector.diedAfter)
  if (selector.diedBefore) where.add(p => `d.died_at < ${p}`, selector.diedBefore)
  // Listed, so that the partial index of dead deliveries can serve. Waiting deliveries are on their way already.
  const states = selector.states.length > 0 ? selector.states : ['delivered', 'dead', 'discarded']
  const inState = `d.state in (${states.map(state => `'${state}'`).join(', ')})`
  const ofEvent = `d.organization_id = e.organization_id and d.event_id = e.id and d.received_at = e.received_at`
  const toLive = `join destinations x on x.organization_id = e.organization_id and x.deleted_at is null`
  if (!destinations) {
    where.also(inState)
    const isRare = !states.includes('delivered') || selector.reasons.length > 0 || selector.diedAfter
    // Those that died are found by their own index. Of the others an event has a few: `offset 0` keeps them behind it.
    const deliveries = isRare
      ? `join deliveries d on ${ofEvent}`
      : `cross join lateral (select * from deliveries d where ${ofEvent} offset 0) d`
    return { where, from: `events e ${deliveries} ${toLive} and x.id = d.destination_id` }
  }
  where.add(p => `x.id = any(${p}::uuid[])`, destinations)
  // An event that is not matched yet, or not all of whose deliveries are in the log, may be on its way there.
  const neverThere = `d.id is null and e.delivery_count is not null and e.delivery_count <= (
    select count(*) from deliveries k
    where k.organization_id = e.organization_id and k.event_id = e.id and k.received_at = e.received_at)`
  where.also(selector.states.length > 0 ? inState : `(${inState} or ${neverThere})`)
  return {
    where,
    from: `events e ${toLive} left join deliveries d on ${ofEvent} and d.destination_id = x.id`,
  }
}

/** The noted deliveries `i` that are as they were noted. */
function plannedStatement(where: Conditions, retry: string): { from: string; where: Conditions } {
  where.add(p => `i.retry_id = ${p}`, retry)
  where.also("d.state = 'dead' and d.attempt_count = i.attempt_count")
  return {
    where,
    from: `retry_items i
      join events e on e.organization_id = i.organization_id and e.id = i.event_id and e.received_at = i.received_at
      join deliveries d on d.organization_id = i.organization_id and d.event_id = i.event_id
        and d.received_at = i.received_at and d.destination_id = i.destination_id
      join destinations x on x.organization_id = i.organization_id and x.id = i.destination_id
        and x.deleted_at is null`,
  }
}

/** Whether a stream still holds the message of a sequence. A stream made anew has given the number to another. */
function bodyIn(seq: string, event: string, held: Held, { values }: Conditions): string {
  const [first, last, created] = [held.first, held.last, held.created].map(value => `$${values.push(value)}`)
  return `${seq} between ${first} and ${last} and ${event}.received_at >= ${created}`
}

/** The newest of an event's dead letters that DEAD still holds: any of them has the body. */
const deadBody = (kept: Kept, where: Conditions): string =>
  `select max(l.dead_seq) from deliveries l
   where l.organization_id = e.organization_id and l.event_id = e.id and l.received_at = e.received_at
     and ${bodyIn('l.dead_seq', 'e', kept.dead, where)} having count(*) > 0`
