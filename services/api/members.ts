import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorReason } from '@fairlead/wire/store/error'
import { ManagedBy, type Member } from '@fairlead/wire/store/member'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { isFresh, requireFreshProof } from './fresh-proof.ts'
import { managedBy, presentManagedBy } from './managed.ts'
import { managedByKubernetes } from './managed-by-kubernetes.ts'
import { type Call, operation } from './operation.ts'
import { memberParams, noQuery, organizationParams } from './query.ts'
import { type Role, roleOf, roles, roleToStore } from './role.ts'
import { requireMayGive } from './scopes.ts'
import { presentTime, timeText } from './time.ts'

const memberSchema = z
  .object({
    id: z.string(),
    email: z.string(),
    role: z.enum(roles),
    active: z.boolean().meta({ description: "False: can't sign in." }),
    lastLoginAt: timeText.nullable(),
    managedBy,
  })
  .meta({ id: 'Member' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/members',
  name: 'listMembers',
  tag: 'Members',
  summary: 'Members',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All members, by e-mail address.',
  answer: z.object({ items: z.array(memberSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { members } = await store.members.listMembers({ organizationId: organization.id }, { signal })
    return { items: members.map(presentMember) }
  },
})

const changeRole = operation({
  method: 'patch',
  path: '/api/v1/organizations/{slug}/members/{member}',
  name: 'changeMemberRole',
  tag: 'Members',
  summary: "Change a member's role",
  description:
    'It counts with the next request of that member. Nobody gives or touches a role above their own, a key with scopes gives none that may do more than the key, and an organization keeps at least one owner (`last_owner`).',
  access: 'administer',
  params: memberParams,
  query: noQuery,
  body: z.strictObject({ role: z.enum(roles) }),
  status: 200,
  answerDescription: 'The member.',
  answer: memberSchema,
  problems: ['last_owner', 'managed_by_kubernetes', 'proof_too_old'],
  async handle({ store, organization, role, caller, params, body, change, write }) {
    requireMayGive(caller, body.role)
    await requireProofForOwners({ store, organization, caller }, params.member, body.role)
    const { member } = await store.members
      .updateMemberRole(
        {
          organizationId: organization.id,
          memberId: params.member,
          role: roleToStore[body.role],
          callerRole: roleToStore[role],
          change,
        },
        write,
      )
      .catch(refuseDeclared({ store, organization }, params.member, body.role))
    return presentMember(member!)
  },
})

const remove = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/members/{member}',
  name: 'removeMember',
  tag: 'Members',
  summary: 'Remove a member',
  description:
    'It counts at once: the member sees nothing of the organization any more, and API keys that the member made are revoked. An organization keeps at least one owner (`last_owner`).',
  access: 'administer',
  params: memberParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It is no member now.',
  problems: ['last_owner', 'managed_by_kubernetes', 'proof_too_old'],
  async handle({ store, organization, role, caller, params, change, write }) {
    await requireProofForOwners({ store, organization, caller }, params.member, undefined)
    const which = { organizationId: organization.id, memberId: params.member, callerRole: roleToStore[role] }
    await store.members
      .removeMember({ ...which, change }, write)
      .catch(refuseDeclared({ store, organization }, params.member, undefined))
    return undefined
  },
})

/** Making or removing an owner needs a fresh proof of the caller. Throws an ApiError `proof_too_old`. */
async function requireProofForOwners(
  { store, organization, caller }: Pick<Call, 'store' | 'organization' | 'caller'>,
  memberId: string,
  role: Role | undefined,
): Promise<void> {
  if (isFresh(caller, Date.now())) return
  if (role === 'owner') requireFreshProof(caller)
  const { member } = await store.members
    .getMember({ organizationId: organization.id, memberId })
    .catch((error: unknown) => {
      // A repeat of a request that removed it gets the answer that is kept.
      if (ConnectError.from(error).code === Code.NotFound) return { member: undefined }
      throw error
    })
  if (member && (roleOf(member.role) ?? 'owner') === 'owner') requireFreshProof(caller)
}

/**
 * Throws a refusal by the store again; of a member that the organization's resource declares, with the list of members to declare
 * there instead.
 *
 * @param role that the member was to have; undefined: none
 */
function refuseDeclared(
  { store, organization }: Pick<Call, 'store' | 'organization'>,
  memberId: string,
  role: Role | undefined,
) {
  return async (error: unknown): Promise<never> => {
    if (storeErrorDetail(error)?.reason !== ErrorReason.MANAGED_BY_OWNER) throw error
    const { members } = await store.members.listMembers({ organizationId: organization.id })
    const declared = members.flatMap(member => {
      if (member.managedBy !== ManagedBy.OWNER || (member.id === memberId && !role)) return []
      return [{ email: member.email, role: member.id === memberId ? role : roleOf(member.role) }]
    })
    throw managedByKubernetes(organization, { members: declared }, error)
  }
}

export const memberOperations = [list, changeRole, remove]

function presentMember(member: Member): z.input<typeof memberSchema> {
  return {
    id: member.id,
    email: member.email,
    // A newer store may have a role that this process does not know: the least role is shown.
    role: roleOf(member.role) ?? 'viewer',
    active: member.active,
    lastLoginAt: presentTime(member.lastLoginAt),
    managedBy: presentManagedBy(member.managedBy),
  }
}
