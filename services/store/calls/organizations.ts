import type { ServiceImpl } from '@connectrpc/connect'
import { parseId, toUuid } from '@fairlead/webhook/id'
import {
  CreateOrganizationResponseSchema,
  DeactivateOrganizationResponseSchema,
  DeleteOrganizationResponseSchema,
  type OrganizationService,
  UpdateOrganizationResponseSchema,
} from '@fairlead/wire/store/organization'
import { z } from 'zod'
import { applyOrganization } from '../organizations/apply.ts'
import { declaredOrganization } from '../organizations/declared.ts'
import { name, organizationSettings, readOwner } from '../organizations/desired.ts'
import { organizationChanges } from '../organizations/diff.ts'
import { findOrganization } from '../organizations/find.ts'
import { ownerText } from '../organizations/find-targets.ts'
import { findOrganizations } from '../organizations/list.ts'
import { fieldChanges, organizationMessage } from '../organizations/messages.ts'
import { readOverviews } from '../organizations/read.ts'
import type { OrganizationRow } from '../organizations/rows.ts'
import { write as writeRows } from '../organizations/write.ts'
import { decodeCursor, encodeCursor, pageSize } from '../page.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { disconnectAll } from '../stripe-connect/accounts.ts'
import { applyCalls, entryOf } from './apply.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import { healthCalls } from './health.ts'
import { lockOrganization, requirePrecondition, settingEntry } from './settings.ts'
import { write } from './write.ts'

export function organizationCalls(calls: Calls): ServiceImpl<typeof OrganizationService> {
  return {
    async getOrganization({ by }, context) {
      const find = async (db: Db) => requireLive(await findOrganization(db, by))
      const organization = await transact(calls, context, 'platform', find, { short: true })
      return { organization: organizationMessage(organization) }
    },

    async createOrganization(request, context) {
      const wanted = parseRequest(created, request)
      const ofPlatform = { organizationId: '', change: request.change, dryRun: request.dryRun }
      const answer = await write(calls, context, ofPlatform, CreateOrganizationResponseSchema, async db => {
        const owner = { owner_kind: 'api', owner_reference: '' } as const
        const { organization, created } = await applyOrganization(
          db,
          { ...nothingConfigured, ...wanted, owner },
          { keyring: calls.keyring, nowMs: calls.now() },
        )
        if (!created) {
          throw new StoreError('slug_taken', `${ownerText(owner)} has the slug ${wanted.slug}`, {
            field: 'slug',
            owner: ownerText(owner),
          })
        }
        const after = declaredOrganization(organization)
        return {
          answer: {
            organization: organizationMessage(organization),
            changes: fieldChanges(undefined, after),
          },
          entry: {
            ...entryOf('organization.created', organization),
            details: { slug: organization.slug, after },
          },
        }
      })
      if (!request.dryRun) await publishChange(calls, parseId('org', answer.organization?.id ?? '')!)
      return answer
    },

    async updateOrganization(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const wanted = parseRequest(updated, request)
      const answer = await write(calls, context, request, UpdateOrganizationResponseSchema, async db => {
        await lockOrganization(db, id)
        const old = requireLive((await readOverviews(db, 'o.id = $1', [toUuid(id)]))[0])
        requireOwner(old, { owner_kind: 'api', owner_reference: '' })
        requirePrecondition(request.precondition, 'org', old)
        const { owner_kind, owner_reference, slug } = old
        const desired = { ...wanted, slug, owner: { owner_kind, owner_reference } }
        const changes = organizationChanges(old, desired, { organizationId: old.id })
        await writeRows(db, changes)
        if (changes.length > 0)
          await db.query('update organizations set updated_at = now() where id = $1', [old.id])
        const organization = (await readOverviews(db, 'o.id = $1', [old.id]))[0]!
        const [before, after] = [declaredOrganization(old), declaredOrganization(organization)]
        return {
          answer: {
            organization: organizationMessage(organization),
            changes: fieldChanges(before, after),
          },
          entry: settingEntry('organization', id, { slug }, before, after),
        }
      })
      if (!request.dryRun) await publishChange(calls, id)
      return answer
    },

    ...applyCalls(calls),
    ...healthCalls(calls),

    async listOrganizations(request, context) {
      const limit = pageSize(request.limit, 100, 1000)
      const [after = ''] = decodeCursor(request.cursor, 'slug')
      return transact(calls, context, 'platform', async db => {
        const rows = await findOrganizations(db, request, { after, limit: limit + 1 })
        const page = rows.slice(0, limit)
        const organizations = await readOverviews(db, 'o.id = any($1::uuid[])', [page.map(row => row.id)])
        return {
          organizations: organizations.map(organizationMessage),
          next: rows.length > limit ? encodeCursor(page.at(-1)!.slug) : '',
        }
      })
    },

    async deactivateOrganization(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const answer = await write(calls, context, request, DeactivateOrganizationResponseSchema, async db => {
        const { rowCount } = await db.query(
          `update organizations set active = false, updated_at = now()
           where id = $1 and active and deleted_at is null`,
          [toUuid(id)],
        )
        const organization = requireLive((await readOverviews(db, 'o.id = $1', [toUuid(id)]))[0])
        return {
          answer: { organization: organizationMessage(organization) },
          entry: rowCount ? entryOf('organization.deactivated', organization) : undefined,
        }
      })
      await publishChange(calls, id)
      return answer
    },

    async deleteOrganization(request, context) {
      const { organizationId, change, dryRun } = request
      const id = organizationId ? requireId('org', organizationId, 'organization_id') : undefined
      const owner = request.owner && readOwner(request.owner)
      // The platform keeps the answer: whoever repeats the call finds no organization, nor its id, by the slug.
      const ofPlatform = { organizationId: '', change, dryRun }
      const answer = await write(calls, context, ofPlatform, DeleteOrganizationResponseSchema, async db => {
        if (!id) throw new StoreError('not_found', 'there is no such organization')
        const { rows } = await db.query<OrganizationRow>(
          'select * from organizations where id = $1 for update',
          [toUuid(id)],
        )
        const [row] = rows
        if (!row || row.deleted_at) return { answer: { openDeliveries: 0n } }
        if (owner) requireOwner(row, owner)
        requirePrecondition(request.precondition, 'org', row)
        await db.query('update organizations set deleted_at = now(), active = false where id = $1', [
          toUuid(id),
        ])
        await db.query(
          'update api_keys set revoked_at = now() where organization_id = $1 and revoked_at is null',
          [toUuid(id)],
        )
        await disconnectAll(db, id, new Date(calls.now()))
        const [overview] = await readOverviews(db, 'o.id = $1', [toUuid(id)])
        return {
          answer: { openDeliveries: BigInt(overview?.openDeliveries ?? 0) },
          entry: entryOf('organization.deleted', row, owner && ownerText(owner)),
        }
      })
      if (dryRun || !id) return answer
      await publishChange(calls, id)
      const openDeliveries = Number(answer.openDeliveries)
      calls.log.info({ organizationId: id, openDeliveries }, 'organization.deleted')
      return answer
    },
  }
}

/** Throws a StoreError `owned_by_another`. */
function requireOwner(
  row: Pick<OrganizationRow, 'owner_kind' | 'owner_reference'>,
  owner: Pick<OrganizationRow, 'owner_kind' | 'owner_reference'>,
): void {
  if (owner.owner_kind === row.owner_kind && owner.owner_reference === row.owner_reference) return
  throw new StoreError('owned_by_another', `${ownerText(row)} declares this organization`, {
    owner: ownerText(row),
  })
}

const updated = z.object(organizationSettings)
const created = updated.extend({ slug: name })

/** An organization's parts, where it has none yet. */
export const nothingConfigured = {
  members: [],
  sources: [],
  destinations: [],
  routes: [],
  signingSecrets: [],
  hydrationKeys: [],
  apiKeys: [],
}

function requireLive<T extends { deleted_at: Date | null }>(organization: T | undefined): T {
  if (organization && !organization.deleted_at) return organization
  throw new StoreError('not_found', 'there is no such organization')
}
