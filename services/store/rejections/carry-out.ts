import { type EventId, fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import { readNextOfLeader } from '@fairlead/wire/read'
import { openExtract } from '@fairlead/wire/search'
import { streamName } from '@fairlead/wire/streams'
import { promotedSubject } from '@fairlead/wire/subjects'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { loggedEvents } from '../logged-events.ts'
import { storedPositions } from '../project/position.ts'
import type { ConfigPublisher, Published } from '../publish/publish.ts'
import { publishEvent } from '../publish/publish-event.ts'
import { type Db, inScope } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { EventFacts } from './judge.ts'
import { readPinned, unpin } from './pin.ts'
import type { PromotionRow } from './promotion-row.ts'
import { eraseRejection, type StoredRejection } from './read.ts'

/**
 * Promotions are written down with their entry in the audit log and a copy of each record (`pin.ts`), and carried out after
 * that: the event is published, its rejection and the copy erased, the row marked. A store that is killed on the way leaves
 * the row open, and any store goes on with it (`abandoned.ts`):
 *
 *   row ──▶ published, unless JetStream (5 minutes) or the log (before that) knows the event ──▶ erased ──▶ done
 */

/** JetStream knows an id for 5 minutes: where the log is no further behind than this, one of the two knows each event. */
const mostBehindMs = 240_000
/** Side by side. */
const lanes = 8

/** Failures after which the rest waits for another round: NATS or Postgres is away, and not a row at fault. */
const mostFailures = 16

export interface CarryOutTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly publisher: Pick<ConfigPublisher, 'published'>
  readonly now: () => number
}

export interface CarriedOut {
  /** So many of the first rows were tried. */
  readonly tried: number
  /** Neither their record is there nor their event in the log, which may only be behind: they stay open. */
  readonly gone: readonly PromotionRow[]
  /** Each of a row, which stays open. */
  readonly failures: readonly unknown[]
  /** The log has EVENTS up to here. */
  readonly position: number
}

/**
 * Carries out promotions, each for itself; safe to repeat, and to do twice at one time. Throws a StoreError where NATS or Postgres
 * is away, or the log is too far behind.
 */
export async function carryOut(tools: CarryOutTools, rows: readonly PromotionRow[]): Promise<CarriedOut> {
  if (rows.length === 0) return { tried: 0, gone: [], failures: [], position: 0 }
  const { position, logged } = await inScope(tools.pool, 'platform', async db => ({
    position: await requireCurrentLog(db, tools),
    logged: await loggedEvents(
      db,
      rows.map(row => [row.organization_id, row.event_id]),
    ),
  }))
  const gone: PromotionRow[] = []
  const failures: unknown[] = []
  let tried = 0
  const open = rows.values()
  const lane = async () => {
    for (const row of open) {
      if (failures.length >= mostFailures) return
      tried += 1
      try {
        const isLogged = logged.has(`${row.organization_id} ${row.event_id}`)
        if ((await carryOutOne(tools, row, isLogged)) === 'gone') gone.push(row)
        else await markDone(tools, row)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return { tried, gone, failures, position }
}

async function carryOutOne(
  { nats, publisher }: CarryOutTools,
  row: PromotionRow,
  isLogged: boolean,
): Promise<'carried out' | 'gone'> {
  const organization = fromUuid('org', row.organization_id)
  const rejection = await readPinned(nats, row)
  // Erased, by a call that was killed before it marked the row; or gone with the stream, or after three days.
  if (!rejection) return isLogged ? 'carried out' : 'gone'
  if (!isLogged) {
    const published = await publisher.published(organization)
    const declared = declaredOf(published, row.facts, rejection)
    const id = fromUuid('evt', row.event_id)
    await publishPromoted(nats, organization, id, rejection, { ...row.facts, ...declared })
  }
  await eraseRejection(nats, rejection.seq)
  await unpin(nats, row)
  return 'carried out'
}

/** What the event is found by, and the provider's account, as its source declares them now; nothing where it is gone. */
function declaredOf(
  published: Published | undefined,
  { sourceId }: EventFacts,
  { meta, body }: StoredRejection,
): Declared {
  const { search, account } = published?.config.sources.find(({ id }) => id === sourceId) ?? {}
  return { account, search: search && openExtract(meta.organization, search)(body, meta.headers) }
}

interface Declared {
  readonly search?: string[] | undefined
  readonly account?: string | undefined
}

/** The event with its original receipt time, under a subject that receivers read ids from. */
export async function publishPromoted(
  nats: NatsConnection,
  organization: OrganizationId,
  id: EventId,
  { meta, body }: StoredRejection,
  facts: EventFacts & Declared,
): Promise<void> {
  const { source, provider, method, url, size, receivedAt } = meta
  const known = { id, organization, source, provider, method, url, size, headers: meta.headers }
  await publishEvent(nats, promotedSubject(organization, source), { ...known, ...facts, receivedAt }, body)
}

/** Answers whether it was open. */
export async function markDone(
  { pool, now }: Pick<CarryOutTools, 'pool' | 'now'>,
  row: PromotionRow,
): Promise<boolean> {
  const { rowCount } = await inScope(pool, 'platform', db =>
    db.query(
      `update promotions set done_at = $4
       where organization_id = $1 and rejection = $2 and received_at = $3 and done_at is null`,
      [row.organization_id, row.rejection, row.received_at, new Date(now())],
    ),
  )
  return rowCount === 1
}

/**
 * Answers up to where the log has EVENTS. Throws a StoreError `nats_unavailable` while neither the log nor JetStream may know an event
 * that was accepted.
 */
export async function requireCurrentLog(
  db: Db,
  { nats, now }: Pick<CarryOutTools, 'nats' | 'now'>,
): Promise<number> {
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
  return position
}
