import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid } from '@fairlead/webhook/id'
import { decodeCursor, page, pageSize } from '../page.ts'
import type { Db } from '../scope.ts'

interface QuarantineRow {
  readonly event_id: string
  readonly source: string
  readonly provider: string
  readonly type: string
  readonly mode: string
  readonly reason: string
  readonly seen_at: Date
}

export interface QuarantineQuestion {
  /** A UUID. */
  readonly organization: string
  readonly cursor: string
  readonly limit: number
}

/** A page of events that could not be read, newest first. */
export async function listQuarantine(db: Db, { organization, cursor, limit: asked }: QuarantineQuestion) {
  const limit = pageSize(asked, 50, 500)
  const [time, id] = decodeCursor(cursor, 'time', 'uuid')
  // Cursors know milliseconds.
  const { rows } = await db.query<QuarantineRow>(
    `select event_id, source, provider, type, mode, reason, date_trunc('milliseconds', seen_at) as seen_at
     from ledger_quarantine where organization_id = $1
       and ($2::timestamptz is null or (date_trunc('milliseconds', seen_at), event_id) < ($2, $3::uuid))
     order by date_trunc('milliseconds', seen_at) desc, event_id desc limit $4`,
    [organization, time ?? null, id ?? null, limit + 1],
  )
  const { rows: shown, next } = page(rows, limit, row => [row.seen_at, row.event_id])
  return {
    events: shown.map(({ event_id, seen_at, ...row }) => ({
      ...row,
      eventId: fromUuid('evt', event_id),
      seenAt: timestampFromDate(seen_at),
    })),
    next,
  }
}
