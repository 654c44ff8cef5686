import type { CallOptions } from '@connectrpc/connect'
import { parseId } from '@fairlead/webhook/id'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Call } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { type Role, roleOf } from '../../role.ts'
import { storeProblem } from '../../store-problem.ts'

/** Makes an address that was proved a member of what it is invited to. Throws an ApiError `not_found`. */
export async function join(
  store: StoreClient,
  email: string,
  invitationId: string,
  { change, write = {} }: { readonly change: Call['change']; readonly write?: CallOptions },
): Promise<{ organization: string; role: Role }> {
  try {
    const { invitations } = await store.members.findInvitations({ by: { case: 'email', value: email } })
    const invitation = invitations.find(({ id }) => id === invitationId)
    const organizationId = invitation && parseId('org', invitation.organizationId)
    if (!invitation || !organizationId) throw new ApiError('not_found')
    const asked = { organizationId, invitationId, email, change }
    const { member } = await store.members.acceptInvitation(asked, write)
    return { organization: invitation.organizationSlug, role: roleOf(member?.role) ?? 'viewer' }
  } catch (error) {
    throw storeProblem(error)
  }
}
