import type { Log } from '@fairlead/daemon/log'
import { fromUuid } from '@fairlead/webhook/id'
import type { Pool } from 'pg'
import { writeAudits } from '../audit.ts'
import { inScope } from '../scope.ts'
import type { ConfigPublisher } from './publish.ts'

/** Days after which a destination whose every attempt failed is paused. Stripe and Svix give up after as many. */
export const failingDays = 5

/**
 * Pauses destinations that answered 410 (they want no more: Standard Webhooks) or have failed for days, says so in the
 * audit log, and publishes their organizations. Safe to run twice at a time; nothing to do costs one query over
 * destinations that fail now. Answers how many it paused.
 */
export async function pauseHopeless(pool: Pool, publisher: ConfigPublisher, log: Log): Promise<number> {
  const paused = await inScope(pool, 'platform', async db => {
    const { rows } = await db.query<{
      organization_id: string
      destination_id: string
      reason: string
      name: string
    }>(
      `with hopeless as (
         select h.organization_id, h.destination_id,
           case when h.last_error = '410' then 'gone' else 'failing' end as reason
         from destination_health h
         where h.last_error = '410' or h.failing_since < now() - make_interval(days => $1)
       ), paused as (
         insert into destination_pauses (organization_id, destination_id, reason)
         select h.organization_id, h.destination_id, h.reason from hopeless h
         join destinations d on d.organization_id = h.organization_id and d.id = h.destination_id
         where d.deleted_at is null
         on conflict do nothing
         returning organization_id, destination_id, reason
       )
       select p.*, d.name from paused p
       join destinations d on d.organization_id = p.organization_id and d.id = p.destination_id`,
      [failingDays],
    )
    await writeAudits(
      db,
      rows.map(row => ({
        organization: row.organization_id,
        action: 'destination.paused',
        subjectId: fromUuid('dst', row.destination_id),
        details: { reason: row.reason, destination: row.name },
      })),
      Date.now(),
    )
    return rows
  })
  for (const { organization_id, destination_id, reason, name } of paused) {
    const destination = { destinationId: fromUuid('dst', destination_id), name }
    log.warn(
      { organizationId: fromUuid('org', organization_id), ...destination, reason },
      'destination.paused',
    )
  }
  for (const id of new Set(paused.map(row => row.organization_id)))
    await publisher.publish([fromUuid('org', id)])
  return paused.length
}
