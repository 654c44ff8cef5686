import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { sealContext } from '@fairlead/wire/seal'
import { DeleteSourceResponseSchema, type SourceService } from '@fairlead/wire/store/source'
import { type Activity, sourceMessage } from '../organizations/messages.ts'
import { readOrganization } from '../organizations/read.ts'
import type { SealedRow, SourceRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { readCounts } from '../source-counts.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import { write } from './write.ts'

export function sourceCalls(calls: Calls): ServiceImpl<typeof SourceService> {
  return {
    async listSources(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, id, async db => {
        const activity = await readActivity(db, [id])
        const counts = await readCounts(db, [id], calls.now())
        const organization = await readOrganization(db, id)
        return {
          sources: (organization?.sources ?? []).map(row =>
            sourceMessage(row, activity.get(row.id), counts.get(row.id)),
          ),
        }
      })
    },

    async getSourceByOrganizationAndName(request, context) {
      // A slug may be anyone's.
      return transact(calls, context, 'platform', async db => {
        const { rows } = await db.query<{ id: string }>(
          'select id from organizations where slug = $1 and deleted_at is null',
          [request.organizationSlug],
        )
        const id = rows[0] && fromUuid('org', rows[0].id)
        const organization = id && (await readOrganization(db, id))
        const source = organization?.sources.find(({ name }) => name === request.name)
        if (!source) throw new StoreError('not_found', 'there is no such source')
        const activity = await readActivity(db, [id!])
        const counts = await readCounts(db, [id!], calls.now())
        return { source: sourceMessage(source, activity.get(source.id), counts.get(source.id)) }
      })
    },

    async getSourceSecret(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const source = requireId('src', request.sourceId, 'source_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<SealedRow & { name: string }>(
          `select s.name, x.* from source_secrets x
           join sources s on s.organization_id = x.organization_id and s.id = x.source_id
           where x.organization_id = $1 and x.source_id = $2 and ($3 = '' or x.id = $3) and s.deleted_at is null
           order by x.position limit 1`,
          [toUuid(id), toUuid(source), request.secretId],
        ),
      )
      const [row] = rows
      if (!row) throw new StoreError('not_found', 'there is no such secret')
      return { id: row.id, value: calls.keyring.open(row.sealed, sealContext.sourceSecret(id, row.name)) }
    },

    async deleteSource(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const source = requireId('src', request.sourceId, 'source_id')
      const answer = await write(calls, context, request, DeleteSourceResponseSchema, async db => {
        const { rows } = await db.query<SourceRow>(
          'select * from sources where organization_id = $1 and id = $2 for update',
          [toUuid(id), toUuid(source)],
        )
        if (!rows[0]) throw new StoreError('not_found', 'there is no such source')
        if (rows[0].managed_by === 'owner') {
          throw new StoreError(
            'managed_by_owner',
            "the organization's owner declares this source: remove it there",
          )
        }
        await db.query(
          'update sources set deleted_at = coalesce(deleted_at, now()) where organization_id = $1 and id = $2',
          [toUuid(id), toUuid(source)],
        )
        const details = { source: rows[0].name }
        return { answer: {}, entry: { action: 'source.deleted', subjectId: source, details } }
      })
      await publishChange(calls, id)
      return answer
    },
  }
}

/** Source → secret → when it last verified an event, and how many. */
export async function readActivity(
  db: Db,
  organizations: readonly OrganizationId[],
): Promise<Map<string, Activity>> {
  const { rows } = await db.query<{
    source_id: string
    secret_id: string
    last_event_at: Date
    matched: string
  }>(
    `select source_id, secret_id, last_event_at, matched from source_activity
     where organization_id = any($1::uuid[])`,
    [organizations.map(toUuid)],
  )
  const activity = new Map<string, Map<string, { lastEventAt: Date; matched: bigint }>>()
  for (const { source_id, secret_id, last_event_at, matched } of rows) {
    const ofSource = activity.get(source_id) ?? new Map()
    activity.set(source_id, ofSource.set(secret_id, { lastEventAt: last_event_at, matched: BigInt(matched) }))
  }
  return activity
}
