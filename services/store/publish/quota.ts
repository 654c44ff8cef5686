import type { Log } from '@fairlead/daemon/log'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Pool } from 'pg'
import { inScope } from '../scope.ts'
import type { ConfigPublisher } from './publish.ts'

/** How long new events are gathered before limits are looked at. */
const gatherMs = 500

/**
 * Publishes an organization when its month's limit of accepted events is used up. Receivers accept
 * until they read that, so a few more events than the limit are accepted. The next month, and a raised limit, are seen by the comparison of all
 * organizations.
 */
export function watchQuotas(
  pool: Pool,
  publisher: ConfigPublisher,
  log: Log,
): (organizations: ReadonlySet<OrganizationId>) => void {
  let gathered = new Set<OrganizationId>()
  const check = async (): Promise<void> => {
    const organizations = [...gathered]
    gathered = new Set()
    const { rows } = await inScope(pool, 'platform', db =>
      db.query<{ id: string }>(
        `select o.id from organizations o
         join monthly_usage u on u.organization_id = o.id
           and u.month = date_trunc('month', now() at time zone 'UTC')::date
         where o.id = any($1::uuid[]) and u.accepted >= o.webhook_limit`,
        [organizations.map(toUuid)],
      ),
    )
    // Publishing an unchanged configuration writes nothing.
    await publisher.publish(rows.map(({ id }) => fromUuid('org', id)))
  }
  return organizations => {
    if (gathered.size === 0) {
      setTimeout(() => {
        check().catch((err: unknown) => log.warn({ err }, 'quota.unchecked'))
      }, gatherMs).unref()
    }
    for (const organization of organizations) gathered.add(organization)
  }
}
