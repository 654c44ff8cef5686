import type { Caller } from '../../caller.ts'
import { ownMode } from '../../mode.ts'
import { type NamedOrganization, roleIn } from '../../rights.ts'
import { mayActAs } from '../../role.ts'

/** What a back end asks about a caller, by name. They decide nothing themselves: each says what `rights.ts` and `mode.ts` hold. Pure. */

/** Tells whether a caller belongs to a tenant: a signed-in member of an organization, or an API key of one organization. */
export function isAuthenticatedTenant(caller: Caller): boolean {
  switch (caller.kind) {
    case 'api-key':
      return caller.organizationId !== undefined
    case 'person':
      // Whoever looks as somebody else is no tenant.
      return caller.memberships.size > 0 && !caller.impersonation
    default:
      return caller satisfies never
  }
}

/** Whether a caller has all that an owner of the organization has. */
export const isOwner = (caller: Caller, organization: NamedOrganization): boolean =>
  roleIn(caller, organization) === 'owner'

/** Whether a caller may do what admins of the organization may: owners too. */
export function isAdmin(caller: Caller, organization: NamedOrganization): boolean {
  const role = roleIn(caller, organization)
  return role !== undefined && mayActAs(role, 'admin')
}

/** Whether a caller sees and touches test data alone. */
export const isTestMode = (caller: Caller): boolean => ownMode(caller) === 'test'

/** Whether a caller sees and touches live data: live keys, and people, who see both. */
export const isLiveMode = (caller: Caller): boolean => !isTestMode(caller)
