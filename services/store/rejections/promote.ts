import type { JsonObject } from '@bufbuild/protobuf'
import { type EventId, fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { RejectionMeta } from '@fairlead/wire/rejection'
import { rejectionsSubject } from '@fairlead/wire/subjects'
import type { NatsConnection } from '@nats-io/transport-node'
import type { AuditEntry } from '../audit.ts'
import { loggedEvents } from '../logged-events.ts'
import type { Db } from '../scope.ts'
import type { EventFacts, Judged } from './judge.ts'
import { type Page, readBack } from './look-back.ts'
import type { PromotionRow } from './promotion-row.ts'
import { modeOfRejection, readRejection, type StoredRejection } from './read.ts'

/** Rejections that one call promotes at most. */
export const mostPromoted = 1_000

export interface RejectionFilter {
  /** A source's name; empty: all. */
  readonly source: string
  readonly reason: string
  /** Undefined: of both. */
  readonly mode?: Mode | undefined
  /** Unix milliseconds. */
  readonly afterMs?: number | undefined
  readonly beforeMs?: number | undefined
}

/** Pure. */
export const fitsFilter =
  ({ reason, mode, afterMs, beforeMs }: RejectionFilter) =>
  (meta: RejectionMeta): boolean =>
    (reason === '' || meta.reason === reason) &&
    (mode === undefined || modeOfRejection(meta) === mode) &&
    (afterMs === undefined || meta.receivedAt >= afterMs) &&
    (beforeMs === undefined || meta.receivedAt < beforeMs)

/** Those of a filter, newest first, without bodies and without swallowed repeats: a page. */
export const selectRejections = (
  nats: NatsConnection,
  organization: OrganizationId,
  filter: RejectionFilter,
  { below, signal }: { readonly below: number | undefined; readonly signal: AbortSignal },
): Promise<Page> =>
  readBack(nats, {
    subjects: [rejectionsSubject(organization, filter.source || '*')],
    below,
    limit: mostPromoted,
    sinceMs: filter.afterMs,
    fits: fitsFilter(filter),
    signal,
  })

/** A rejection that verified. */
export interface Promotable {
  readonly rejection: number
  readonly receivedAt: number
  readonly source: string
  readonly eventId: EventId
  readonly facts: EventFacts
}

export interface JudgedAll {
  /** Oldest first. */
  readonly promotable: Promotable[]
  /** Why the others stay → how many. */
  readonly left: Map<string, number>
  /** Of which no record is left. */
  readonly missing: number[]
  /** For which no time was left, newest first. */
  readonly unchecked: number[]
}

export interface Judging {
  readonly sequences: readonly number[]
  readonly mode?: Mode | undefined
  /** Ends the work. */
  readonly signal: AbortSignal
}

/**
 * Verifies rejections one after the other, the newest first: a body at a time is in memory.
 * @param goOn lets others have their turn, and answers whether there is time for one more
 */
export async function judgeAll(
  nats: NatsConnection,
  organization: OrganizationId,
  { sequences, mode, signal }: Judging,
  judge: (rejection: StoredRejection) => Promise<Judged>,
  goOn: () => Promise<boolean>,
): Promise<JudgedAll> {
  const all: JudgedAll = { promotable: [], left: new Map(), missing: [], unchecked: [] }
  const newestFirst = [...sequences].sort((a, b) => b - a)
  for (const [place, seq] of newestFirst.entries()) {
    signal.throwIfAborted()
    if (!(await goOn())) {
      all.unchecked.push(...newestFirst.slice(place))
      break
    }
    const rejection = await readRejection(nats, organization, seq, mode)
    if (!rejection) {
      all.missing.push(seq)
      continue
    }
    const judged = await judge(rejection)
    const { receivedAt, source } = rejection.meta
    if (judged.kind === 'stays') all.left.set(judged.reason, (all.left.get(judged.reason) ?? 0) + 1)
    else
      all.promotable.push({
        rejection: seq,
        receivedAt,
        source,
        eventId: judged.id,
        facts: judged.facts,
      })
  }
  all.promotable.reverse()
  return all
}

export interface Promoted {
  readonly rejection: number
  readonly source: string
  readonly eventId: EventId
  readonly wasThere: boolean
}

interface Writing {
  readonly nowMs: number
  readonly mode?: Mode | undefined
  readonly pin?: ((rows: readonly PromotionRow[]) => Promise<PromotionRow[]>) | undefined
}

/**
 * Writes promotions down. Of two calls for one rejection the second waits here for the first, and is told its event; of several
 * rejections that are one delivery of the provider the first makes the event.
 *
 * @param missing of which no record is left: promoted before, or never there
 * @param pin copies the records of rows, and answers with the rows that have none any more; absent in a dry run
 */
export async function writePromotions(
  db: Db,
  organization: OrganizationId,
  { promotable, missing }: Pick<JudgedAll, 'promotable' | 'missing'>,
  { nowMs, mode, pin }: Writing,
): Promise<{ promoted: Promoted[]; rows: PromotionRow[]; gone: number }> {
  const before = await readPromotions(db, organization, missing, mode)
  const events = promotable.map(({ eventId }) => [toUuid(organization), toUuid(eventId)] as const)
  const known = await loggedEvents(db, events)
  for (const id of await promotedEvents(db, organization, promotable)) known.add(id)
  const inserted = await insertPromotions(db, organization, promotable, nowMs)
  const lost = new Set(await pin?.(inserted))
  await deletePromotions(db, [...lost])
  const rows = inserted.filter(row => !lost.has(row))
  const isNew = new Set(rows.map(row => Number(row.rejection)))
  const isLost = new Set([...lost].map(row => Number(row.rejection)))
  const kept = promotable.filter(({ rejection }) => !isLost.has(rejection))
  const promoted = kept.map(({ rejection, source, eventId }): Promoted => {
    const name = `${toUuid(organization)} ${toUuid(eventId)}`
    const wasThere = known.has(name) || !isNew.has(rejection)
    known.add(name)
    return { rejection, source, eventId, wasThere }
  })
  return { promoted: [...before, ...promoted], rows, gone: missing.length - before.length + lost.size }
}

/** Promotions of rejections that are erased by now. */
async function readPromotions(
  db: Db,
  organization: OrganizationId,
  rejections: readonly number[],
  mode: Mode | undefined,
): Promise<Promoted[]> {
  if (rejections.length === 0) return []
  const { rows } = await db.query<PromotionRow>(
    `select distinct on (rejection) * from promotions
     where organization_id = $1 and rejection = any($2::bigint[]) order by rejection, received_at desc`,
    [toUuid(organization), rejections],
  )
  const own = rows.filter(({ facts }) => !mode || (facts.mode ?? 'live') === mode)
  return own.map(row => ({
    rejection: Number(row.rejection),
    source: row.source,
    eventId: fromUuid('evt', row.event_id),
    wasThere: true,
  }))
}

/** Events of promotions that may not be in the log yet, as `<organization> <event>`. */
async function promotedEvents(
  db: Db,
  organization: OrganizationId,
  promotable: readonly Promotable[],
): Promise<string[]> {
  const { rows } = await db.query<{ event_id: string }>(
    'select event_id from promotions where organization_id = $1 and event_id = any($2::uuid[])',
    [toUuid(organization), promotable.map(({ eventId }) => toUuid(eventId))],
  )
  return rows.map(row => `${toUuid(organization)} ${row.event_id}`)
}

/** Those that are new. */
async function insertPromotions(
  db: Db,
  organization: OrganizationId,
  promotable: readonly Promotable[],
  nowMs: number,
): Promise<PromotionRow[]> {
  const { rows } = await db.query<PromotionRow>(
    `insert into promotions (organization_id, rejection, received_at, event_id, source, facts, created_at)
     select $1, rejection, received_at, event_id, source, facts, $2
     from unnest($3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[], $7::jsonb[])
       as n (rejection, received_at, event_id, source, facts)
     on conflict do nothing returning *`,
    [
      toUuid(organization),
      new Date(nowMs),
      promotable.map(({ rejection }) => rejection),
      promotable.map(({ receivedAt }) => new Date(receivedAt)),
      promotable.map(({ eventId }) => toUuid(eventId)),
      promotable.map(({ source }) => source),
      promotable.map(({ facts }) => JSON.stringify(facts)),
    ],
  )
  return rows
}

/** Of rejections that were pushed out since they were verified. */
async function deletePromotions(db: Db, rows: readonly PromotionRow[]): Promise<void> {
  if (rows.length === 0) return
  await db.query(
    `delete from promotions p using unnest($1::uuid[], $2::bigint[], $3::timestamptz[])
       as lost (organization_id, rejection, received_at)
     where (p.organization_id, p.rejection, p.received_at) = (lost.organization_id, lost.rejection, lost.received_at)`,
    [rows.map(row => row.organization_id), rows.map(row => row.rejection), rows.map(row => row.received_at)],
  )
}

/** The entry of a call in the audit log; undefined where it made nothing. Pure. */
export function promotionEntry(promoted: readonly Promoted[]): AuditEntry | undefined {
  const made = promoted.filter(({ wasThere }) => !wasThere)
  const [first] = made
  if (!first) return undefined
  const details: JsonObject = {
    sources: [...new Set(made.map(({ source }) => source))],
    rejections: made.map(({ rejection }) => String(rejection)),
    ...(made.length > 1 && { events: made.map(({ eventId }) => eventId) }),
  }
  return { action: 'rejection.promoted', subjectId: first.eventId, details }
}
