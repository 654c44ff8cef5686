import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { readNextOfLeader } from '@fairlead/wire/read'
import { rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { type JetStreamManager, type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { issueSeen, testCause } from '../project/write-issues.ts'
import { boundSubject, openBounding } from '../rejections/bound.ts'
import { readSpan, type SpanRead } from '../rejections/look-back.ts'
import { metaOf } from '../rejections/read.ts'
import { type Db, inScope } from '../scope.ts'

/**
 * Counts refused requests into issues: a row for each source and reason, however many there are. The records are in
 * REJECTIONS, which keeps a bounded number of each source; what a flood pushes out before it was read isn't counted.
 */

/** Steps of one round, of some 1,000 records each; the rest is read in the next. */
const mostSteps = 5
const allSubjects = 'rejections.>'

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

/** A round counts what came, and then keeps sources within their bytes. */
export function openRefusals(pool: Pool, nats: NatsConnection): () => Promise<void> {
  const bounding = openBounding(subject => boundSubject(nats, subject))
  return async () => {
    for (let step = 0; step < mostSteps; step++) {
      const { messages, isCut } = await countRefusals(pool, nats)
      // Counted, and so committed: a step that is done again notes nothing twice.
      for (const message of messages) bounding.note(message)
      if (!isCut) break
    }
    await bounding.round()
  }
}

/** One step; answers what was counted. One store does it at a time: the position's row is locked. */
async function countRefusals(pool: Pool, nats: NatsConnection): Promise<SpanRead> {
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
    if (!position) return nothing
    const isAnew = position.stream_created_at.getTime() !== createdAt.getTime()
    const after = isAnew || Number(position.seq) > state.last_seq ? 0 : Number(position.seq)
    if (after >= state.last_seq) return nothing
    const span = { lower: after + 1, upper: Number.MAX_SAFE_INTEGER }
    const read = await readSpan(manager, nats, [allSubjects], span)
    const last = read.messages.at(-1)?.seq
    // A replica that lags behind has none yet of what the leader has.
    if (last === undefined && (await isLeft(manager, after + 1))) return nothing
    await seeIssues(db, foldRefusals(read.messages))
    await db.query('update projection_positions set seq = $2, stream_created_at = $3 where stream = $1', [
      streamName.rejections,
      last ?? state.last_seq,
      createdAt,
    ])
    return read
  })
}

const nothing: SpanRead = { messages: [], isCut: false }

/** Whether the stream has a record from a sequence on, as its leader knows it. */
const isLeft = async (manager: JetStreamManager, seq: number): Promise<boolean> =>
  (await readNextOfLeader(manager, streamName.rejections, { subject: allSubjects, seq })) !== undefined

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
