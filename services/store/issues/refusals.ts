import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { issueSeen, testCause } from '../project/write-attempts.ts'
import { boundSubject, isLarge } from '../rejections/bound.ts'
import { metaOf, readSpan } from '../rejections/read.ts'
import { type Db, inScope } from '../scope.ts'

/**
 * Counts refused requests into issues: a row for each source and reason, however many there are. The records are in
 * REJECTIONS, which keeps a bounded number of each source; what a flood pushes out before it was read isn't counted.
 */

/** Records of one step; the rest is read in the next. */
const mostRecords = 5_000

interface Refused {
  readonly organization: OrganizationId
  readonly source: string
  readonly reason: string
  readonly mode: Mode
  first: number
  last: number
  count: number
  /** Sequence of the newest. */
  seq: number
}

/** One step; answers whether there may be more. One store does it at a time: the position's row is locked. */
export async function countRefusals(pool: Pool, nats: NatsConnection): Promise<boolean> {
  return await inScope(pool, 'platform', async db => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    const { created, state } = await manager.streams.info(streamName.rejections)
    const createdAt = new Date(String(created))
    await db.query(
      `insert into projection_positions (stream, seq, stream_created_at) values ($1, 0, $2) on conflict do nothing`,
      [streamName.rejections, createdAt],
    )
    const { rows } = await db.query<{ seq: string; stream_created_at: Date }>(
      'select seq, stream_created_at from projection_positions where stream = $1 for update skip locked',
      [streamName.rejections],
    )
    const [position] = rows
    if (!position) return false
    const isAnew = position.stream_created_at.getTime() !== createdAt.getTime()
    const after = isAnew || Number(position.seq) > state.last_seq ? 0 : Number(position.seq)
    if (after >= state.last_seq) return false
    const messages = await readAfter(nats, after)
    await seeIssues(db, foldRefusals(messages))
    for (const subject of subjectsToBound(messages)) await boundSubject(nats, subject)
    const last = messages.at(-1)?.seq ?? state.last_seq
    await db.query('update projection_positions set seq = $2, stream_created_at = $3 where stream = $1', [
      streamName.rejections,
      last,
      createdAt,
    ])
    return messages.length === mostRecords
  })
}

async function readAfter(nats: NatsConnection, after: number): Promise<JsMsg[]> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const span = { lower: after + 1, upper: Number.MAX_SAFE_INTEGER, most: mostRecords }
  return await readSpan(manager, nats, ['rejections.>'], span)
}

/** Sources whose bytes have to be measured. Pure. */
function subjectsToBound(messages: readonly JsMsg[]): Set<string> {
  const large = messages.filter(({ headers }) => {
    const meta = metaOf(headers?.get(rejectionHeader))
    return meta !== undefined && isLarge(meta)
  })
  return new Set(large.map(({ subject }) => subject))
}

/** One for each source, reason and mode. Pure. What can't be read is left out. */
export function foldRefusals(messages: readonly Pick<JsMsg, 'seq' | 'headers'>[]): Refused[] {
  const refused = new Map<string, Refused>()
  for (const { seq, headers } of messages) {
    const meta = metaOf(headers?.get(rejectionHeader))
    // Where it repeats, it verified: a repeat that differs is told with its event.
    if (!meta || meta.repeats) continue
    const { organization, source, reason, receivedAt, mode = 'live' } = meta
    const key = JSON.stringify([organization, source, reason, mode])
    const known = refused.get(key)
    if (!known) {
      refused.set(key, {
        organization,
        source,
        reason,
        mode,
        first: receivedAt,
        last: receivedAt,
        count: 1,
        seq,
      })
      continue
    }
    known.count += 1
    known.first = Math.min(known.first, receivedAt)
    known.last = Math.max(known.last, receivedAt)
    known.seq = seq
  }
  return [...refused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

async function seeIssues(db: Db, refused: readonly Refused[]): Promise<void> {
  if (refused.length === 0) return
  await db.query(
    `with given as (
       select s.organization_id, s.id as source_id, n.reason, n.first_at, n.last_at, n.count, n.seq, n.mode,
         case n.mode when 'test' then '${testCause}' || n.reason else n.reason end as cause
       from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::bigint[], $7::bigint[],
         $8::text[]) as n (organization_id, source, reason, first_at, last_at, count, seq, mode)
       join sources s on s.organization_id = n.organization_id and s.name = n.source
     ), seen as (
       insert into issues as known (organization_id, kind, subject_id, cause, status, first_seen_at, last_seen_at,
         opened_at, failures, events, sample_rejection, mode)
       select organization_id, 'refusal', source_id, cause, 0, first_at, last_at, first_at, count, count, seq, mode
       from given
       on conflict (organization_id, kind, subject_id, cause, status) do update set ${issueSeen}
       returning organization_id, id, subject_id, cause
     )
     insert into issue_hours as known (organization_id, issue_id, hour, failures)
     select s.organization_id, s.id, date_trunc('hour', g.last_at, 'UTC'), g.count from seen s
     join given g on (g.organization_id, g.source_id, g.cause) = (s.organization_id, s.subject_id, s.cause)
     on conflict (organization_id, issue_id, hour) do update set failures = known.failures + excluded.failures`,
    [
      refused.map(({ organization }) => toUuid(organization)),
      refused.map(({ source }) => source),
      refused.map(({ reason }) => reason),
      refused.map(({ first }) => new Date(first)),
      refused.map(({ last }) => new Date(last)),
      refused.map(({ count }) => count),
      refused.map(({ seq }) => seq),
      refused.map(({ mode }) => mode),
    ],
  )
}
