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
    if (!parseId('inv', invitationId)) throw new ApiError('not_found')
    // By the invitation alone, so that a repeat with the same Idempotency-Key, which finds none open, gets its answer.
    const { member } = await store.members.acceptInvitation({ invitationId, email, change }, write)
    if (!member) throw new TypeError('the store answered without the member')
    return { organization: member.organizationSlug, role: roleOf(member.role) ?? 'viewer' }
  } catch (error) {
    throw storeProblem(error)
  }
}
