import { createHash } from 'node:crypto'
import { eventId, fromUuid, type OrganizationId, type SourceId, toUuid } from '@fairlead/webhook/id'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { eventSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { Pool } from 'pg'
import { loggedEvents } from '../logged-events.ts'
import type { ConfigPublisher } from '../publish/publish.ts'
import { inScope } from '../scope.ts'
import { noteOccurrences } from './note.ts'

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

export interface TellTools {
  readonly pool: Pool
  readonly nats: NatsConnection
  readonly publisher: Pick<ConfigPublisher, 'revisionOf'>
}

/** Notes what is new, and tells it. */
export async function keepNotified(tools: TellTools): Promise<void> {
  await noteOccurrences(tools.pool)
  await tellNotices(tools)
}

/** Tells what was noted, oldest first. Rejects where NATS or Postgres is away: what was not told is told later. */
async function tellNotices(tools: TellTools): Promise<void> {
  const { rows, logged } = await inScope(tools.pool, 'platform', async db => {
    const { rows } = await db.query<NoticeRow>(
      `select n.organization_id, o.slug, n.id, n.type, n.at, n.data, s.destination_id from notices n
       join organizations o on o.id = n.organization_id
       left join notification_settings s on s.organization_id = n.organization_id and n.type = any(s.types)
       where n.told_at is null order by n.at limit $1`,
      [mostAtOnce],
    )
    const events = rows.map(row => [row.organization_id, toUuid(eventOf(row))] as const)
    return { rows, logged: await loggedEvents(db, events) }
  })
  for (const row of rows) {
    const isLogged = logged.has(`${row.organization_id} ${toUuid(eventOf(row))}`)
    if (row.destination_id !== null && !isLogged) await publishNotice(tools, row, row.destination_id)
    await inScope(tools.pool, 'platform', db =>
      db.query('update notices set told_at = now() where organization_id = $1 and id = $2', [
        row.organization_id,
        row.id,
      ]),
    )
  }
}

const eventOf = ({ organization_id, id }: NoticeRow) =>
  eventId(fromUuid('org', organization_id), noticeSource, { id })

async function publishNotice(
  { nats, publisher }: TellTools,
  row: NoticeRow,
  destination: string,
): Promise<void> {
  const organization = fromUuid('org', row.organization_id)
  const id = eventOf(row)
  const body = Buffer.from(
    JSON.stringify({
      type: row.type,
      timestamp: row.at.toISOString(),
      organization: row.slug,
      data: row.data,
    }),
  )
  const fields = headers()
  fields.set(
    eventHeader,
    encodeEventMeta({
      id,
      organization,
      source: noticeSource,
      sourceId: noticeSourceId(organization),
      provider: 'fairlead',
      revision: await publisher.revisionOf(organization),
      type: row.type,
      receivedAt: row.at.getTime(),
      method: 'POST',
      url: '/',
      headers: ['content-type', 'application/json'],
      size: body.length,
      to: fromUuid('dst', destination),
    }),
  )
  await jetstream(nats).publish(eventSubject(organization, noticeSource), body, {
    msgID: id,
    headers: fields,
  })
}

/** The log names sources by ids: this one has no row. */
function noticeSourceId(organization: OrganizationId): SourceId {
  const digest = createHash('sha256').update(`${organization}\n${noticeSource}`).digest('hex')
  return fromUuid('src', digest.slice(0, 32))
}
