import type { Pool } from 'pg'
import { inScope } from '../scope.ts'

/** So much must go well in a row before an issue is resolved by itself. */
const enough = 3
/** And a source must not have refused for so long: strangers come and go. */
const calmMinutes = 15

/**
 * Resolves issues whose destination or source has recovered: three attempts were delivered, or three events accepted,
 * since the last failure, and no delivery of the destination waits after a failure. Dead letters don't keep an issue open,
 * and are not hidden by its end: it still counts them.
 */
export async function resolveRecovered(pool: Pool): Promise<void> {
  await inScope(pool, 'platform', db =>
    db.query(
      `update issues i set state = 'resolved', changed_by = 'recovery', changed_at = now(), resolved_at = now()
       where i.state in ('open', 'acknowledged') and i.recovered_count >= ${enough}
         and (i.kind = 'delivery' or i.last_seen_at < now() - interval '${calmMinutes} minutes')
         and not exists (
           select from deliveries d where d.organization_id = i.organization_id and d.destination_id = i.subject_id
             and d.mode = i.mode and d.state = 'waiting' and d.attempt_count > 0)`,
    ),
  )
}
