import { eventId, fromUuid, toUuid } from '@fairlead/webhook/id'
import { loggedEvents } from '../logged-events.ts'
import { requireCurrentLog } from '../rejections/carry-out.ts'
import { type Db, inScope } from '../scope.ts'
import { noteOccurrences } from './note.ts'
import { publishNotice, type TellTools } from './publish.ts'

/*
 * Makes an event of each notice: it is delivered, retried, logged and signed like any other, to one destination whatever the
 * routes say. Its id is made from the notice, so that a store that was killed after it published makes the same event again,
 * which JetStream (5 minutes) or the log knows.
 */

/** The source of notices. No source of a tenant can have this name, and no route wants its events. */
export const noticeSource = '_fairlead'

/** Notices that are told in one step. */
const mostAtOnce = 100

interface NoticeRow {
  readonly organization_id: string
  readonly slug: string
  readonly id: string
  readonly type: string
  readonly at: Date
  readonly data: object
  /** Null: nobody wants it. */
  readonly destination_id: string | null
}

/** Notes what is new, and tells it. */
export async function keepNotified(tools: TellTools): Promise<void> {
  await noteOccurrences(tools.pool)
  await tellNotices(tools)
}

/**
 * Tells what was noted: of each organization its oldest first, and the organizations in turns. Rejects where NATS or Postgres is
 * away, and where a notice was not told: it is told later, and holds up none of other organizations.
 */
async function tellNotices(tools: TellTools): Promise<void> {
  const { rows, logged } = await inScope(tools.pool, 'platform', async db => {
    const rows = await readUntold(db)
    if (rows.some(row => row.destination_id !== null)) await requireCurrentLog(db, tools)
    const events = rows.map(row => [row.organization_id, toUuid(eventOf(row))] as const)
    return { rows, logged: await loggedEvents(db, events) }
  })
  const failed = new Map<string, unknown>()
  for (const row of rows) {
    // A later notice of an organization doesn't overtake an earlier one.
    if (failed.has(row.organization_id)) continue
    const isLogged = logged.has(`${row.organization_id} ${toUuid(eventOf(row))}`)
    await tellOne(tools, row, isLogged).catch((error: unknown) => failed.set(row.organization_id, error))
  }
  const [cause] = failed.values()
  if (failed.size > 0)
    throw new Error(`notices were not told to ${failed.size} of the organizations`, { cause })
}

async function readUntold(db: Db): Promise<NoticeRow[]> {
  const { rows } = await db.query<NoticeRow>(
    `select n.organization_id, o.slug, n.id, n.type, n.at, n.data, s.destination_id
     from (select *, row_number() over (partition by organization_id order by at, id) as turn
           from notices where told_at is null) n
     join organizations o on o.id = n.organization_id
     left join notification_settings s on s.organization_id = n.organization_id and n.type = any(s.types)
     order by n.turn, n.at limit $1`,
    [mostAtOnce],
  )
  return rows
}

async function tellOne(tools: TellTools, row: NoticeRow, isLogged: boolean): Promise<void> {
  if (row.destination_id !== null && !isLogged) await publish(tools, row, row.destination_id)
  await inScope(tools.pool, 'platform', db =>
    db.query('update notices set told_at = now() where organization_id = $1 and id = $2', [
      row.organization_id,
      row.id,
    ]),
  )
}

const eventOf = ({ organization_id, id }: NoticeRow) =>
  eventId(fromUuid('org', organization_id), noticeSource, { id })

const publish = (tools: TellTools, row: NoticeRow, destination: string): Promise<void> =>
  publishNotice(tools, {
    id: eventOf(row),
    organization: fromUuid('org', row.organization_id),
    source: noticeSource,
    destination: fromUuid('dst', destination),
    type: row.type,
    at: row.at,
    body: {
      type: row.type,
      timestamp: row.at.toISOString(),
      organization: row.slug,
      data: row.data,
    },
  })
