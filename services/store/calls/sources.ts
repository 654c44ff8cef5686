import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { sealContext } from '@fairlead/wire/seal'
import {
  DeleteSourceResponseSchema,
  PutSourceResponseSchema,
  type SourceService,
} from '@fairlead/wire/store/source'
import { declaredSource } from '../organizations/declared.ts'
import { source } from '../organizations/desired.ts'
import { sourceChange } from '../organizations/diff.ts'
import { withStoredSecrets } from '../organizations/kept-secrets.ts'
import { type Activity, fieldChanges, sourceMessage } from '../organizations/messages.ts'
import { readOrganization, type StoredSource } from '../organizations/read.ts'
import type { SealedRow } from '../organizations/rows.ts'
import { type Change, write as writeRows } from '../organizations/write.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { readCounts } from '../source-counts.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import {
  changeSetting,
  findNamed,
  requireOpens,
  requirePrecondition,
  requireRoom,
  requireSameName,
  requireTenants,
  requireThere,
  requireUnnamed,
  settingEntry,
} from './settings.ts'

export function sourceCalls(calls: Calls): ServiceImpl<typeof SourceService> {
  const declared = (row: StoredSource, fingerprints: boolean) =>
    declaredSource(row, { keyring: calls.keyring, fingerprints })
  return {
    async listSources(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, id, async db => {
        const activity = await readActivity(db, [id])
        const counts = await readCounts(db, [id], calls.now())
        const organization = await readOrganization(db, id)
        return {
          sources: (organization?.sources ?? []).map(row =>
            sourceMessage(row, activity.get(row.id), counts.get(row.id), declared(row, false)),
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

    putSource: (request, context) =>
      changeSetting(calls, context, request, PutSourceResponseSchema, async (db, organization) => {
        const { desired } = request
        if (!desired) throw new StoreError('invalid_field', 'desired: is missing', { field: 'desired' })
        const old = findNamed(organization.sources, 'src', request.source)
        const live = old?.deleted_at ? undefined : old
        requireSameName(request.source, live, desired.name)
        requirePrecondition(request.precondition, 'src', live)
        requireTenants(live)
        const wanted = parseRequest(source, withStoredSecrets(desired, live, calls.keyring))
        requireOpens(wanted)
        if (!live) requireRoom(organization.sources, 'sources')
        await writeRows(
          db,
          sourceChange(old, wanted, 'tenant', {
            organizationId: organization.id,
            keyring: calls.keyring,
            nowMs: calls.now(),
          }),
        )
        const id = fromUuid('org', organization.id)
        const after = (await readOrganization(db, id))!.sources.find(({ name }) => name === desired.name)!
        const before = live && declared(live, true)
        const activity = await readActivity(db, [id])
        const counts = await readCounts(db, [id], calls.now())
        const row = sourceMessage(after, activity.get(after.id), counts.get(after.id), declared(after, false))
        return {
          answer: { source: row, created: !live, changes: fieldChanges(before, declared(after, true)) },
          entry: settingEntry('source', row.id, { source: row.name }, before, declared(after, true)),
        }
      }),

    deleteSource: (request, context) =>
      changeSetting(calls, context, request, DeleteSourceResponseSchema, async (db, organization) => {
        const row = requireThere(organization.sources, 'src', request.sourceId)
        requirePrecondition(request.precondition, 'src', row)
        requireTenants(row)
        const naming = organization.routes.filter(route => route.source === row.name)
        requireUnnamed('source', row.name, naming)
        const key = { organization_id: organization.id }
        await writeRows(db, [
          ...row.secrets.map(
            ({ id }): Change => ({
              kind: 'remove',
              table: 'source_secrets',
              row: { ...key, source_id: row.id, id },
            }),
          ),
          { kind: 'remove', table: 'sources', row: { ...key, id: row.id } },
        ])
        const before = declared(row, true)
        return {
          answer: { changes: fieldChanges(before, undefined) },
          entry: settingEntry('source', fromUuid('src', row.id), { source: row.name }, before, undefined),
        }
      }),
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
