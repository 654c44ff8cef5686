import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, newId, parseId, toUuid } from '@fairlead/webhook/id'
import {
  RegisterTenantResponseSchema,
  SetPasswordResponseSchema,
  type TenantService,
} from '@fairlead/wire/store/tenant'
import { z } from 'zod'
import { findPassword, lockNewAddress, replacePassword, setPassword } from '../members/passwords.ts'
import { applyOrganization } from '../organizations/apply.ts'
import { declaredOrganization } from '../organizations/declared.ts'
import { name, organizationSettings } from '../organizations/desired.ts'
import { memberMessage, organizationMessage } from '../organizations/messages.ts'
import type { MemberRow } from '../organizations/rows.ts'
import { parseRequest, requireAddress } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { entryOf } from './apply.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import { nothingConfigured } from './organizations.ts'
import { write } from './write.ts'

const digest = z
  .string()
  .max(500)
  .regex(/^\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/)

/** What a registered organization is beside its names and its quota. */
const usualSettings = { plan: '', retentionDays: 0, weight: 0, ledgerEnabled: false, active: true }
const registered = z.object({ ...organizationSettings, slug: name, digest })

/** Passwords are a person's: their changes stand in the platform's own audit log. */
export function tenantCalls(calls: Calls): ServiceImpl<typeof TenantService> {
  const now = () => new Date(calls.now())
  return {
    async getPassword(request, context) {
      const email = requireAddress(request.email)
      const find = (db: Db) => findPassword(db, email)
      const row = await transact(calls, context, 'platform', find, { short: true })
      return row ? { password: passwordMessage(row) } : {}
    },

    async setPassword(request, context) {
      const { change, rehashed, expectedVersion: expected } = request
      const email = requireAddress(request.email)
      const wanted = { email, digest: parseRequest(digest, request.digest, 'digest'), expected, rehashed }
      return write(calls, context, { organizationId: '', change }, SetPasswordResponseSchema, async db => {
        const password = passwordMessage(await setPassword(db, wanted, now()))
        const action = expected === 0n ? 'password.set' : 'password.changed'
        const entry = { action, subjectId: email, details: { email } } as const
        return { answer: { password }, entry: rehashed ? undefined : entry }
      })
    },

    async registerTenant(request, context) {
      const { change, slug, displayName, webhookLimit } = request
      const email = requireAddress(request.email)
      const asked = { ...usualSettings, displayName, slug, webhookLimit, digest: request.digest }
      const { digest, ...settings } = parseRequest(registered, { ...asked, rateLimit: undefined })
      const answer = await write(
        calls,
        context,
        { organizationId: '', change },
        RegisterTenantResponseSchema,
        async db => {
          if (calls.reservedSlugs.has(settings.slug)) throw slugTaken(settings.slug)
          await lockNewAddress(db, email)
          const organization = await makeOrganization(calls, db, settings)
          const member = await addOwner(db, organization.id, email, calls.now())
          const { version } = await replacePassword(db, { email, digest }, now())
          const after = declaredOrganization(organization)
          return {
            answer: {
              organization: organizationMessage(organization),
              member: memberMessage(member, organization.slug),
              passwordVersion: BigInt(version),
            },
            entry: {
              ...entryOf('organization.created', organization),
              member: fromUuid('mem', member.id),
              details: { slug: organization.slug, registeredBy: email, after },
            },
          }
        },
      )
      await publishChange(calls, parseId('org', answer.organization?.id ?? '')!)
      return answer
    },
  }
}

/** Throws a StoreError `slug_taken`. */
async function makeOrganization(calls: Calls, db: Db, settings: Omit<z.output<typeof registered>, 'digest'>) {
  const owner = { owner_kind: 'api', owner_reference: '' } as const
  const context = { keyring: calls.keyring, nowMs: calls.now() }
  const desired = { ...nothingConfigured, ...settings, owner }
  const { organization, created } = await applyOrganization(db, desired, context)
  if (created) return organization
  throw slugTaken(settings.slug)
}

const slugTaken = (slug: string): StoreError =>
  new StoreError('slug_taken', `there is an organization ${slug}`, { field: 'slug' })

async function addOwner(db: Db, organization: string, email: string, nowMs: number): Promise<MemberRow> {
  const { rows } = await db.query<MemberRow>(
    `insert into members (organization_id, id, email, role, managed_by) values ($1, $2, $3, 'owner', 'tenant')
     returning *`,
    [organization, toUuid(newId('mem', nowMs)), email],
  )
  return rows[0]!
}

const passwordMessage = ({ digest, version }: { readonly digest: string; readonly version: string }) => ({
  digest,
  version: BigInt(version),
})
