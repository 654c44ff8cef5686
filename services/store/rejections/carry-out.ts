import { type EventId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { promotedSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { loggedEvents } from '../logged-events.ts'
import { storedPositions } from '../project/position.ts'
import { type Db, inScope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { EventFacts } from './judge.ts'
import { eraseRejection, readRejection, type StoredRejection } from './read.ts'

/**
 * Promotions are written down with their entry in the audit log, and carried out after that: the event is published, its
 * rejection erased, the row marked. A store that is killed on the way leaves the row open, and any store goes on with it:
 *
 *   row ──▶ published, unless JetStream (5 minutes) or the log (before that) knows the event ──▶ erased ──▶ done
 */
export interface PromotionRow {
  readonly organization_id: string
  readonly rejection: string
  readonly received_at: Date
  readonly event_id: string
  /** Its name. */
  readonly source: string
  readonly facts: EventFacts
}

/** JetStream knows an id for 5 minutes: where the log is no further behind than this, one of the two knows each event. */
const mostBehindMs = 240_000
/** Side by side. */
const lanes = 8

export interface CarryOutTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly now: () => number
}

/** Carries out promotions; safe to repeat, and to do twice at one time. Throws a StoreError where NATS or Postgres is away. */
export async function carryOut(tools: CarryOutTools, rows: readonly PromotionRow[]): Promise<void> {
  if (rows.length === 0) return
  const logged = await inScope(tools.pool, 'platform', async db => {
    await requireCurrentLog(db, tools)
    return await loggedEvents(
      db,
      rows.map(row => [row.organization_id, row.event_id]),
    )
  })
  const open = [...rows]
  const lane = async () => {
    for (let row = open.pop(); row; row = open.pop()) await carryOutOne(tools, row, logged)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  await inScope(tools.pool, 'platform', db => markDone(db, rows, tools.now()))
}

async function carryOutOne(
  { nats }: CarryOutTools,
  row: PromotionRow,
  logged: ReadonlySet<string>,
): Promise<void> {
  const organization = fromUuid('org', row.organization_id)
  const rejection = await readRejection(nats, organization, Number(row.rejection))
  // Erased, by a call that was killed before it marked the row; or pushed out, which takes three days.
  if (!rejection || rejection.meta.receivedAt !== row.received_at.getTime()) return
  if (!logged.has(`${row.organization_id} ${row.event_id}`)) {
    await publishPromoted(nats, organization, fromUuid('evt', row.event_id), rejection, row.facts)
  }
  await eraseRejection(nats, rejection.seq)
}

/** The event with its original receipt time, under a subject that receivers read ids from. */
export async function publishPromoted(
  nats: NatsConnection,
  organization: OrganizationId,
  id: EventId,
  { meta, body }: StoredRejection,
  facts: EventFacts,
): Promise<void> {
  const { source, provider, method, url, size, receivedAt } = meta
  const fields = headers()
  const known = { id, organization, source, provider, method, url, size, headers: meta.headers }
  fields.set(eventHeader, encodeEventMeta({ ...known, ...facts, receivedAt }))
  try {
    await jetstream(nats).publish(promotedSubject(organization, source), body, { msgID: id, headers: fields })
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'the event could not be stored', { cause })
  }
}

async function markDone(db: Db, rows: readonly PromotionRow[], nowMs: number): Promise<void> {
  await db.query(
    `update promotions p set done_at = $4
     from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as n (organization_id, rejection, received_at)
     where p.organization_id = n.organization_id and p.rejection = n.rejection and p.received_at = n.received_at
       and p.done_at is null`,
    [
      rows.map(row => row.organization_id),
      rows.map(row => row.rejection),
      rows.map(row => row.received_at),
      new Date(nowMs),
    ],
  )
}

/** Throws a StoreError `nats_unavailable` while neither the log nor JetStream may know an event that was accepted. */
export async function requireCurrentLog(db: Db, { nats, now }: Omit<CarryOutTools, 'pool'>): Promise<void> {
  const position = (await storedPositions(db)).EVENTS ?? 0
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const next = await readNextOfLeader(manager, streamName.events, { subject: '>', seq: position + 1 }).catch(
    (cause: unknown) => {
      throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
    },
  )
  if (next && now() - next.time.getTime() > mostBehindMs) {
    throw new StoreError('nats_unavailable', 'the log is too far behind to tell whether the event is there')
  }
}

/** How long a call has for its own promotions before others carry them out, ms. */
const abandonedMs = 10_000
const mostAtOnce = 200

/** Carries out what a killed store left, or one that could not reach NATS. */
export async function carryOutAbandoned(tools: CarryOutTools): Promise<void> {
  const { rows } = await inScope(tools.pool, 'platform', db =>
    db.query<PromotionRow>(
      'select * from promotions where done_at is null and created_at < $1 order by created_at limit $2',
      [new Date(tools.now() - abandonedMs), mostAtOnce],
    ),
  )
  await carryOut(tools, rows)
}
