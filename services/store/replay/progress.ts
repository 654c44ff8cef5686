import type { Db } from '../scope.ts'

/**
 * Updates the progress of a Replay by counting the attempts of its deliveries. A delivery that was cancelled after an
 * attempt counts as failed: it is dead at that number, or was retried since. Counts never go down, because attempts are
 * deleted with their day.
 */
export async function updateProgress(db: Db, organization: string, id: string): Promise<void> {
  const sameDelivery = (table: string) =>
    `(${table}.organization_id, ${table}.event_id, ${table}.destination_id, ${table}.received_at)
       = (a.organization_id, a.event_id, a.destination_id, a.received_at)`
  await db.query(
    `update replays r set (delivered, failed, looked_at) = (
       select greatest(r.delivered, count(*) filter (where ended.delivered)),
         greatest(r.failed, count(*) filter (where ended.dead and not ended.delivered)), now()
       from (
         select bool_or(a.delivered) as delivered, bool_or(not a.delivered and (a.dead
           or exists (select from deliveries d where ${sameDelivery('d')} and d.state in ('dead', 'discarded')
             and d.attempt_count = a.number)
           or exists (select from attempts b where ${sameDelivery('b')} and b.number > a.number
             and b.replay_id is distinct from a.replay_id))) as dead
         from attempts a where a.organization_id = r.organization_id and a.replay_id = r.id
         group by a.event_id, a.destination_id
       ) as ended)
     where r.organization_id = $1 and r.id = $2 and r.delivered + r.failed < r.published`,
    [organization, id],
  )
}

/** How long after a Replay's end its last deliveries are still looked for: the longest retry schedule takes 28 hours. */
const lookedForDays = 3

/** Replays that one look counts: the others are first at the next one. */
const lookSize = 100

/** Replays whose deliveries have not all ended, those that wait longest for a look first. */
export async function readOpen(db: Db, limit = lookSize): Promise<{ organization_id: string; id: string }[]> {
  const { rows } = await db.query<{ organization_id: string; id: string }>(
    `select organization_id, id from replays
     where delivered + failed < published
       and (ended_at is null or ended_at > now() - make_interval(days => $1))
     order by looked_at nulls first, created_at limit $2`,
    [lookedForDays, limit],
  )
  return rows
}
