import { createHash } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { OrganizationHealthSchema, OrganizationService } from '@fairlead/wire/store/organization'
import { partitionCount, partitionOf } from '@fairlead/wire/subjects'
import { type Budget, budgetVersion } from '../objectives/budgets.ts'
import { readProbes, writeProbeReports } from '../objectives/probes.ts'
import { destinationMessage, organizationMessage, sourceMessage } from '../organizations/messages.ts'
import { readInForce } from '../organizations/read-unchanged.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { countedFrom, readCounts } from '../source-counts.ts'
import { refuseMany } from './apply.ts'
import { type Calls, transact } from './calls.ts'
import { readConditions } from './destinations.ts'
import { readActivity } from './sources.ts'

const mostAsked = 1_000

/** How organizations do, many in one call: an organization whose health did not change costs a row of digests. */
export function healthCalls(
  calls: Calls,
): Pick<ServiceImpl<typeof OrganizationService>, 'listHealth' | 'reportProbes'> {
  return {
    async reportProbes({ reports }, context) {
      refuseMany('reports', reports.length, partitionCount)
      await transact(calls, context, 'platform', db => writeProbeReports(db, reports, calls.now()))
      return {}
    },

    async listHealth({ organizations }, context) {
      refuseMany('organizations', organizations.length, mostAsked)
      const asked = new Map(
        organizations.map(({ organizationId, version }, index) => [
          requireId('org', organizationId, `organizations[${index}].organization_id`),
          version,
        ]),
      )
      return transact(calls, context, 'platform', async db => {
        const nowMs = calls.now()
        const probes = await readProbes(db, nowMs)
        const judged = new Map([...asked.keys()].map(id => [id, judgedOf(id, calls.budgets.of(id), probes)]))
        const versions = await readVersions(db, judged, nowMs)
        const moved = [...asked].flatMap(([id, version]) =>
          version === '' || versions.get(id) !== version ? [id] : [],
        )
        if (moved.length === 0) return { organizations: [] }
        const inForce = await readInForce(db, moved)
        const activity = await readActivity(db, moved)
        const counts = await readCounts(db, moved, nowMs)
        const conditions = await readConditions(db, moved)
        return {
          organizations: moved.map(id => {
            const organization = inForce.get(id)
            return {
              organizationId: id,
              version: versions.get(id) ?? '',
              ...(organization && { organization: organizationMessage(organization) }),
              sources: (organization?.sources ?? []).map(row =>
                sourceMessage(row, activity.get(row.id), counts.get(row.id)),
              ),
              destinations: (organization?.destinations ?? []).map(row =>
                destinationMessage(row, conditions.get(row.id)),
              ),
              ...judged.get(id)?.told,
            }
          }),
        }
      })
    },
  }
}

/** What is told of an organization's objectives, and what makes a new version of its health. */
interface Judged {
  readonly told: Pick<MessageInitShape<typeof OrganizationHealthSchema>, 'budgets' | 'probe'>
  readonly version: string
}

function judgedOf(
  id: OrganizationId,
  budgets: readonly Budget[],
  probes: Awaited<ReturnType<typeof readProbes>>,
): Judged {
  const probe = budgets.length > 0 ? probes.get(partitionOf(id)) : undefined
  return {
    told: {
      budgets: budgets.map(({ good, bad, ...budget }) => ({
        ...budget,
        good: BigInt(good),
        bad: BigInt(bad),
      })),
      ...(probe && { probe }),
    },
    version: `${budgetVersion(budgets)} ${probe?.state ?? ''}`,
  }
}

/**
 * Names what `listHealth` reads, by organization. Each table is asked once for all of them, so an organization to which
 * nothing ever happened costs its own row alone.
 */
const versionsStatement = `
  select o.id, concat_ws(' ', o.updated_at, o.changes_by_others, u.accepted) as part
    from organizations o
    left join monthly_usage u
      on u.organization_id = o.id and u.month = date_trunc('month', now() at time zone 'UTC')::date
    where o.id = any($1::uuid[]) and o.deleted_at is null
  union all
  select organization_id, string_agg(concat_ws(' ', source_id, secret_id, last_event_at, matched), ';'
      order by source_id, secret_id)
    from source_activity where organization_id = any($1::uuid[]) group by organization_id
  union all
  select organization_id, string_agg(concat_ws(' ', source_id, slot, accepted, repeated, differing), ';'
      order by source_id, slot)
    from source_counts where organization_id = any($1::uuid[]) and slot > $2 group by organization_id
  union all
  select organization_id, string_agg(concat_ws(' ', destination_id, last_success_at, failing_since, last_error, lane), ';'
      order by destination_id)
    from destination_health where organization_id = any($1::uuid[]) group by organization_id
  union all
  select organization_id, string_agg(concat_ws(' ', destination_id, reason, since), ';' order by destination_id)
    from destination_pauses where organization_id = any($1::uuid[]) group by organization_id
  union all
  select organization_id, concat_ws(' ', 'waiting', destination_id, count(*))
    from deliveries where organization_id = any($1::uuid[]) and state = 'waiting' group by organization_id, destination_id
  union all
  select organization_id, concat_ws(' ', 'dead', destination_id, count(*))
    from deliveries where organization_id = any($1::uuid[]) and state = 'dead' group by organization_id, destination_id`

async function readVersions(
  db: Db,
  judged: ReadonlyMap<OrganizationId, Judged>,
  nowMs: number,
): Promise<Map<OrganizationId, string>> {
  const { rows } = await db.query<{ id: string; part: string }>(versionsStatement, [
    [...judged.keys()].map(toUuid),
    countedFrom(nowMs),
  ])
  return new Map(
    [...Map.groupBy(rows, row => row.id)].map(([id, parts]) => {
      const organization = fromUuid('org', id)
      const hash = createHash('sha256').update(`${judged.get(organization)?.version}\n`)
      // In no order: a statement of several selects promises none.
      for (const part of parts.map(row => row.part).sort()) hash.update(`${part}\n`)
      return [organization, hash.digest('base64url').slice(0, 22)]
    }),
  )
}
