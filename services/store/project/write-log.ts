import { toUuid as uuid } from '@fairlead/webhook/id'
import type { EventMeta } from '@fairlead/wire/event'
import type { Mode } from '@fairlead/wire/mode'
import { eventStatus } from '../events/status.ts'
import type { Db } from '../scope.ts'
import { plainArray, textArray } from './arrays.ts'
import { eventKey, type FoldedDelivery, type FoldedEvent } from './fold.ts'

/**
 * The statements that write events and deliveries, each for a whole batch, one array a column: with metadata
 * only, Postgres takes about 70,000 rows a second this way on two cores, and 2,000 as single inserts.
 */

export interface NewEvent {
  readonly seq: number
  readonly meta: EventMeta
}

/** Makes a text fit for a row: without NUL, which Postgres doesn't take, and at most 2,000 characters. */
export const text = (value: string): string => value.slice(0, 2_000).replaceAll('\0', '')
export const maybeText = (value: string | undefined): string | null =>
  value === undefined ? null : text(value)
const maybeDate = (ms: number | undefined): string | null => (ms === undefined ? null : date(ms))
export const date = (ms: number): string => new Date(ms).toISOString()

/**
 * Writes new events with the counts of their deliveries in this batch; returns them by key. An event that is in the
 * log already, received within seven days of this one, stays as it is: the same webhook was accepted twice. (Providers
 * repeat for three days at most, and each day more costs each event a look into one more index.)
 */
export async function insertEvents(
  db: Db,
  events: readonly NewEvent[],
  folded: ReadonlyMap<string, FoldedEvent>,
  change: string,
): Promise<Map<string, NewEvent>> {
  if (events.length === 0) return new Map()
  const rows = new Map<string, { event: NewEvent; uuids: [string, string] }>()
  for (const event of events) {
    const uuids: [string, string] = [uuid(event.meta.organization), uuid(event.meta.id)]
    const key = uuids.join()
    if (!rows.has(key)) rows.set(key, { event, uuids })
  }
  const list = [...rows.values()]
  const metas = list.map(({ event }) => event.meta)
  const counts = metas.map(meta => countsOf(folded.get(eventKey(meta.organization, meta.id))))
  const { rows: inserted } = await db.query<{ organization_id: string; id: string }>(
    `insert into events (organization_id, id, received_at, source_id, source, provider, type, types, status, stream_seq,
       size_bytes, method, url, secret_id, delivery_count, delivered_count, dead_count, change_seq, mode)
     select organization_id, id, received_at, source_id, source, provider, type, types::text[], status, stream_seq,
       size_bytes, method, url, secret_id, delivery_count, delivered_count, dead_count, $18::bigint, mode
     from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
       $9::event_status[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::int[], $16::int[],
       $17::int[], $19::text[]) as n (organization_id, id, received_at, source_id, source, provider, type, types, status, stream_seq,
       size_bytes, method, url, secret_id, delivery_count, delivered_count, dead_count, mode)
     where not exists (select from events e where e.organization_id = n.organization_id and e.id = n.id
       and e.received_at between n.received_at - interval '7 days' and n.received_at + interval '7 days')
     on conflict do nothing
     returning organization_id, id`,
    [
      plainArray(list.map(({ uuids }) => uuids[0])),
      plainArray(list.map(({ uuids }) => uuids[1])),
      plainArray(metas.map(meta => date(meta.receivedAt))),
      plainArray(metas.map(meta => uuid(meta.sourceId))),
      textArray(metas.map(meta => text(meta.source))),
      textArray(metas.map(meta => text(meta.provider))),
      textArray(metas.map(meta => text(meta.type))),
      textArray(metas.map(({ types }) => (types ? textArray(types.map(text)) : null))),
      textArray(counts.map(eventStatus)),
      plainArray(list.map(({ event }) => event.seq)),
      plainArray(metas.map(meta => meta.size)),
      textArray(metas.map(meta => text(meta.method))),
      textArray(metas.map(meta => text(meta.url))),
      textArray(metas.map(meta => maybeText(meta.secret))),
      plainArray(counts.map(({ of }) => of ?? null)),
      plainArray(counts.map(({ delivered }) => delivered)),
      plainArray(counts.map(({ bad }) => bad)),
      change,
      textArray(metas.map(({ mode = 'live' }) => mode)),
    ],
  )
  return new Map(
    inserted.map(row => {
      const { event } = rows.get(`${row.organization_id},${row.id}`)!
      return [eventKey(event.meta.organization, event.meta.id), event]
    }),
  )
}

function countsOf(folded: FoldedEvent | undefined) {
  const counts = { of: folded?.of, delivered: 0, bad: 0 }
  for (const { state } of folded?.deliveries.values() ?? []) {
    if (state === 'delivered') counts.delivered += 1
    else if (state === 'dead') counts.bad += 1
  }
  return counts
}

interface LocatedRow {
  readonly place: string
  readonly received_at: Date
  readonly mode: Mode
  readonly source: string
  readonly type: string
}

/**
 * Gives events that were in the log before this batch what their rows have; answers those that have a row. `receivedAt` differs
 * from the record's only where the same webhook was accepted twice.
 */
export async function locateEvents(db: Db, events: readonly FoldedEvent[]): Promise<FoldedEvent[]> {
  if (events.length === 0) return []
  const find = async (wanted: readonly FoldedEvent[], sameTime: boolean): Promise<Set<FoldedEvent>> => {
    const { rows } = await db.query<LocatedRow>(
      `select n.place, e.received_at, e.mode, e.source, e.type
       from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) with ordinality as n (organization_id, id, received_at, place)
       join events e on e.organization_id = n.organization_id and e.id = n.id
         ${sameTime ? 'and e.received_at = n.received_at' : ''}`,
      [
        wanted.map(event => uuid(event.organization)),
        wanted.map(event => uuid(event.id)),
        wanted.map(event => date(event.receivedAt)),
      ],
    )
    return new Set(
      rows.map(row => {
        const event = wanted[Number(row.place) - 1]!
        event.receivedAt = row.received_at.getTime()
        event.mode = row.mode
        event.source = row.source
        event.type = row.type
        return event
      }),
    )
  }
  const found = await find(events, true)
  const missing = events.filter(event => !found.has(event))
  const elsewhere = missing.length > 0 ? await find(missing, false) : new Set()
  return events.filter(event => found.has(event) || elsewhere.has(event))
}

/**
 * The delivery was handed over once more (by a retry or Replay), and its next attempt is not in the log. Records of earlier
 * attempts are late: a death, which is recorded in ATTEMPTS and in DEAD, would let it be handed over again under one number.
 */
const handedOver = (row: string): string =>
  `(${row}.state = 'waiting' and ${row}.trigger in ('manual', 'replay') and ${row}.next_attempt_at is null)`

/**
 * Writes the deliveries of the batch over their rows, by the rule of `supersedes` in fold.ts. Of a delivery that was handed
 * over once more, only the record of its next attempt is written.
 */
export async function upsertDeliveries(db: Db, events: readonly FoldedEvent[]): Promise<void> {
  const rows: [FoldedEvent, FoldedDelivery][] = []
  for (const event of events) for (const delivery of event.deliveries.values()) rows.push([event, delivery])
  if (rows.length === 0) return
  await db.query(
    `insert into deliveries as known (organization_id, event_id, destination_id, received_at, id, state, attempt_count,
       trigger, next_attempt_at, died_at, dead_reason, mode)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::delivery_state[],
       $7::int[], $8::attempt_trigger[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::text[])
     on conflict (organization_id, event_id, destination_id, received_at) do update set
       state = excluded.state, attempt_count = excluded.attempt_count,
       trigger = coalesce(excluded.trigger, known.trigger), next_attempt_at = excluded.next_attempt_at,
       died_at = excluded.died_at, dead_reason = excluded.dead_reason, discard_reason = null
     where not (known.state = 'delivered' and coalesce(excluded.trigger, 'route') = 'route')
       and (excluded.attempt_count > known.attempt_count
         or (excluded.attempt_count = known.attempt_count and known.state not in ('delivered', 'discarded')
           and not (known.state = 'dead' and excluded.state = 'waiting')
           and not ${handedOver('known')}))`,
    [
      plainArray(rows.map(([event]) => uuid(event.organization))),
      plainArray(rows.map(([event]) => uuid(event.id))),
      plainArray(rows.map(([, delivery]) => uuid(delivery.destination))),
      plainArray(rows.map(([event]) => date(event.receivedAt))),
      plainArray(rows.map(([, delivery]) => uuid(delivery.id))),
      textArray(rows.map(([, delivery]) => delivery.state)),
      plainArray(rows.map(([, delivery]) => delivery.number)),
      textArray(rows.map(([, delivery]) => delivery.trigger ?? null)),
      plainArray(rows.map(([, delivery]) => maybeDate(delivery.nextAt))),
      plainArray(rows.map(([, delivery]) => maybeDate(delivery.diedAt))),
      textArray(rows.map(([, delivery]) => maybeText(delivery.deadReason))),
      textArray(rows.map(([event]) => event.mode)),
    ],
  )
}

/** Notes where in DEAD the bodies of dead letters are. */
export async function noteDeadLetters(
  db: Db,
  letters: readonly { event: FoldedEvent; destination: FoldedDelivery['destination']; seq: number }[],
): Promise<void> {
  if (letters.length === 0) return
  await db.query(
    `update deliveries d set dead_seq = n.seq
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::bigint[])
       as n (organization_id, event_id, destination_id, received_at, seq)
     where (d.organization_id, d.event_id, d.destination_id, d.received_at)
       = (n.organization_id, n.event_id, n.destination_id, n.received_at)
       and d.dead_seq is distinct from n.seq`,
    [
      letters.map(({ event }) => uuid(event.organization)),
      letters.map(({ event }) => uuid(event.id)),
      letters.map(({ destination }) => uuid(destination)),
      letters.map(({ event }) => date(event.receivedAt)),
      letters.map(({ seq }) => seq),
    ],
  )
}
