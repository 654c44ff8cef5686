import type { Log } from '@fairlead/daemon/log'
import { fromUuid } from '@fairlead/webhook/id'
import { streamName } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import { inScope } from '../scope.ts'
import { type CarriedOut, type CarryOutTools, carryOut, markDone } from './carry-out.ts'
import type { PromotionRow } from './promotion-row.ts'
import { asking } from './read.ts'

/** How long a call has for its own promotions before others carry them out, ms. */
const abandonedMs = 10_000
const mostAtOnce = 200
/** Rows that are watched until the log tells whether they are lost. */
const mostWatched = 10_000

export interface PromotionMetrics {
  readonly lost: { inc(): void }
}

export interface AbandonedTools extends CarryOutTools {
  readonly log: Log
  readonly metrics: PromotionMetrics
}

/** An open row, with its time as Postgres writes it: to the microsecond. */
interface OpenRow extends PromotionRow {
  readonly made_at: string
}

/**
 * Rounds that carry out what a killed store left, or one that could not reach NATS. Each goes on behind the rows that the one before
 * tried, and begins anew at the end: rows that fail hold up no others. A round rejects with the first failure.
 */
export function openAbandoned(tools: AbandonedTools): () => Promise<void> {
  let behind: OpenRow | undefined
  /** Rows whose record and event are both missing → the end of EVENTS when that was first seen. */
  const watched = new Map<string, number>()

  async function settleGone({ gone, position }: CarriedOut): Promise<void> {
    if (gone.length === 0) return
    const end = await endOfEvents(tools)
    for (const row of gone) {
      const key = `${row.organization_id} ${row.rejection} ${row.received_at.getTime()}`
      const known = watched.get(key)
      if (known === undefined) {
        if (watched.size >= mostWatched) watched.delete(watched.keys().next().value!)
        watched.set(key, end)
        continue
      }
      // The log has all that was stored by then, and not this event: it never was.
      if (position < known) continue
      watched.delete(key)
      if (await markDone(tools, row)) tellLost(tools, row)
    }
  }

  return async () => {
    const rows = await readOpen(tools, behind)
    const carried = await carryOut(tools, rows)
    behind = carried.tried < rows.length || rows.length === mostAtOnce ? rows[carried.tried - 1] : undefined
    await settleGone(carried)
    if (carried.failures.length > 0) throw carried.failures[0]
  }
}

async function readOpen({ pool, now }: AbandonedTools, behind: OpenRow | undefined): Promise<OpenRow[]> {
  const { rows } = await inScope(pool, 'platform', db =>
    db.query<OpenRow>(
      `select *, created_at::text as made_at from promotions
       where done_at is null and created_at < $1
         and ($3::timestamptz is null or (created_at, organization_id, rejection) > ($3, $4::uuid, $5::bigint))
       order by created_at, organization_id, rejection limit $2`,
      [
        new Date(now() - abandonedMs),
        mostAtOnce,
        behind?.made_at ?? null,
        behind?.organization_id ?? null,
        behind?.rejection ?? null,
      ],
    ),
  )
  return rows
}

const endOfEvents = ({ nats }: AbandonedTools): Promise<number> =>
  asking(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.info(streamName.events)).state.last_seq
  })

/** Neither its record nor the copy was left in REJECTIONS before its event was published. */
function tellLost({ log, metrics }: AbandonedTools, row: PromotionRow): void {
  metrics.lost.inc()
  const facts = {
    organizationId: fromUuid('org', row.organization_id),
    source: row.source,
    rejection: row.rejection,
    eventId: fromUuid('evt', row.event_id),
  }
  log.error(facts, 'promotion.lost')
}
