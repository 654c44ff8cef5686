import { fromUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'
import { percentile } from '../usage/latency.ts'

/** How much there is of all organizations, and where something fails. Read under the platform's scope. */

/** Counts of long lists stop here: whoever has more knows enough. */
const mostCounted = 1_000_000
const mostTroubled = 100
const hourMs = 3_600_000

interface OrganizationRow {
  readonly id: string
  readonly slug: string
  readonly display_name: string
  readonly active: boolean
}

/** What was counted of one organization in the last hour. */
interface HourRow {
  readonly organization_id: string
  readonly events: string
  readonly bytes: string
  readonly attempts: string
  readonly delivered: string
  readonly dead: string
  readonly latencies: readonly string[]
}

export async function readHealth(db: Db, nowMs: number) {
  const { rows: organizations } = await db.query<OrganizationRow>(
    'select id, slug, display_name, active from organizations where deleted_at is null',
  )
  const { rows: counted } = await db.query<Record<'destinations' | 'paused' | 'issues' | 'waiting', string>>(
    `select
       (select count(*) from destinations where deleted_at is null) as destinations,
       (select count(*) from destinations d
        left join destination_pauses p on p.organization_id = d.organization_id and p.destination_id = d.id
        where d.deleted_at is null and (d.paused or p.reason is not null)) as paused,
       (select count(*) from issues where state in ('open', 'acknowledged')) as issues,
       (select count(*) from (select from deliveries where state = 'waiting' limit ${mostCounted}) w) as waiting`,
  )
  const dead = await countBy(
    db,
    `select organization_id from deliveries where state = 'dead' limit ${mostCounted}`,
  )
  const failing = await countBy(
    db,
    `select h.organization_id from destination_health h
     join destinations d on d.organization_id = h.organization_id and d.id = h.destination_id
     where h.failing_since is not null and d.deleted_at is null`,
  )
  const hours = await readHour(db, new Date(nowMs - hourMs))
  const failed = new Map(
    hours.map(row => [row.organization_id, Number(row.attempts) - Number(row.delivered)]),
  )
  const { destinations = '0', paused = '0', issues = '0', waiting = '0' } = counted[0] ?? {}
  return {
    counts: {
      organizations: BigInt(organizations.length),
      inactiveOrganizations: BigInt(organizations.filter(({ active }) => !active).length),
      destinations: BigInt(destinations),
      failingDestinations: BigInt(sumOf(failing)),
      pausedDestinations: BigInt(paused),
      openIssues: BigInt(issues),
      waitingDeliveries: BigInt(waiting),
      deadLetters: BigInt(sumOf(dead)),
    },
    lastHour: totalOf(hours),
    troubled: troubledOf(organizations, { dead, failing, failed }),
  }
}

async function countBy(db: Db, rowsOf: string): Promise<Map<string, number>> {
  const { rows } = await db.query<{ organization_id: string; count: string }>(
    `select organization_id, count(*) from (${rowsOf}) counted group by organization_id`,
  )
  return new Map(rows.map(row => [row.organization_id, Number(row.count)]))
}

/** By organization: its key begins the index, so each is a short walk of its own. */
async function readHour(db: Db, since: Date): Promise<HourRow[]> {
  const { rows } = await db.query<HourRow>(
    `select r.* from organizations o cross join lateral (
       select c.organization_id, sum(c.events) as events, sum(c.bytes) as bytes, sum(c.attempts) as attempts,
         sum(c.delivered) as delivered, sum(c.dead) as dead, sum_counts(c.latencies) as latencies
       from rollups c
       where c.organization_id = o.id and c.dimension in ('source', 'test_source')
         and c.slot >= date_bin('15 minutes', $1, 'epoch')
       group by c.organization_id) r
     where o.deleted_at is null`,
    [since],
  )
  return rows
}

function totalOf(hours: readonly HourRow[]) {
  const sum = (name: 'events' | 'bytes' | 'attempts' | 'delivered' | 'dead') =>
    hours.reduce((total, row) => total + BigInt(row[name]), 0n)
  const latencies: number[] = []
  for (const row of hours) {
    for (const [step, count] of row.latencies.entries())
      latencies[step] = (latencies[step] ?? 0) + Number(count)
  }
  const [p50Ms, p95Ms, p99Ms] = [0.5, 0.95, 0.99].map(share => percentile(latencies, share))
  return {
    events: sum('events'),
    bytes: sum('bytes'),
    attempts: sum('attempts'),
    delivered: sum('delivered'),
    dead: sum('dead'),
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p95Ms !== undefined && { p95Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  }
}

type ByOrganization = ReadonlyMap<string, number>

/** Those in which something fails, the worst first. Pure. */
export function troubledOf(
  organizations: readonly OrganizationRow[],
  { dead, failing, failed }: Readonly<Record<'dead' | 'failing' | 'failed', ByOrganization>>,
) {
  return organizations
    .map(({ id, slug, display_name }) => ({
      organizationId: fromUuid('org', id),
      slug,
      displayName: display_name,
      deadLetters: BigInt(dead.get(id) ?? 0),
      failedAttempts: BigInt(failed.get(id) ?? 0),
      failingDestinations: BigInt(failing.get(id) ?? 0),
    }))
    .filter(
      ({ deadLetters, failedAttempts, failingDestinations }) =>
        deadLetters + failedAttempts + failingDestinations > 0n,
    )
    .sort(
      (a, b) =>
        Number(b.deadLetters - a.deadLetters) ||
        Number(b.failedAttempts - a.failedAttempts) ||
        a.slug.localeCompare(b.slug),
    )
    .slice(0, mostTroubled)
}

const sumOf = (counts: ByOrganization): number => counts.values().reduce((sum, count) => sum + count, 0)
