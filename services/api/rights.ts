import type { OrganizationId } from '@fairlead/webhook/id'
import type { Caller, PersonCaller } from './caller.ts'
import { ApiError } from './problem.ts'
import { mayActAs, type Role } from './role.ts'

/**
 * The one table of who may do what. A *right* is what an operation asks for; the row says who has it.
 *
 * | right         | in an organization        | API key of the platform | staff                 |
 * | read          | every role                | by its role             | superadmin, support   |
 * | operate       | developer, admin, owner   | by its role             | superadmin            |
 * | administer    | admin, owner              | by its role             | superadmin            |
 * | own           | owner                     | by its role             | superadmin            |
 * | platform-read | nobody                    | every role              | superadmin, support   |
 * | platform      | nobody                    | owner                   | superadmin            |
 *
 * Whoever impersonates a member has that member's rights, and changes nothing.
 */
const table = {
  read: { of: 'organization', least: 'viewer', said: 'every role' },
  operate: { of: 'organization', least: 'developer', said: 'developer, admin or owner' },
  administer: { of: 'organization', least: 'admin', said: 'admin or owner' },
  own: { of: 'organization', least: 'owner', said: 'owner' },
  'platform-read': { of: 'platform', least: 'viewer', said: 'keys and staff of the platform' },
  platform: {
    of: 'platform',
    least: 'owner',
    said: 'keys of the platform with the role owner, and superadmins',
  },
} as const satisfies Readonly<Record<string, { of: 'organization' | 'platform'; least: Role; said: string }>>

export type Right = keyof typeof table
export const rights = Object.keys(table) as readonly Right[]

/** Who has a right, for people. */
export const saidOf = (right: Right): string => table[right].said

/** An organization as a path names it, or as the store does. */
export type NamedOrganization = { readonly slug: string } | { readonly id: OrganizationId }

/**
 * The caller's role in an organization, or undefined where the caller has nothing to do with it. Of a key of one
 * organization a slug says nothing: the organization's id tells, once it is found.
 */
export function roleIn(caller: Caller, organization: NamedOrganization): Role | undefined {
  switch (caller.kind) {
    case 'api-key':
      if (caller.organizationId && 'id' in organization && caller.organizationId !== organization.id)
        return undefined
      return caller.role
    case 'person':
      return roleOfPerson(caller, organization)
    default:
      return caller satisfies never
  }
}

function roleOfPerson(caller: PersonCaller, organization: NamedOrganization): Role | undefined {
  const { impersonation } = caller
  if (impersonation) return isAt(impersonation, organization) ? impersonation.role : undefined
  const own = [...caller.memberships].find(([organizationId, { slug }]) =>
    isAt({ organizationId, slug }, organization),
  )
  const asStaff = caller.staff && staffRole[caller.staff]
  const asMember = own?.[1].role
  if (!asStaff || !asMember) return asStaff ?? asMember
  return mayActAs(asStaff, asMember) ? asStaff : asMember
}

const staffRole = { superadmin: 'owner', support: 'viewer' } as const satisfies Readonly<Record<string, Role>>

function isAt(
  known: { readonly organizationId: OrganizationId; readonly slug: string },
  organization: NamedOrganization,
): boolean {
  return 'id' in organization ? organization.id === known.organizationId : organization.slug === known.slug
}

/** The caller's role on the platform itself; undefined: none. */
function platformRole(caller: Caller): Role | undefined {
  switch (caller.kind) {
    case 'api-key':
      return caller.organizationId ? undefined : caller.role
    case 'person':
      return caller.staff && !caller.impersonation ? staffRole[caller.staff] : undefined
    default:
      return caller satisfies never
  }
}

/** What a call asks of its caller. */
export interface Asks {
  readonly right: Right
  /** Absent: the operation names no organization. */
  readonly organization?: NamedOrganization | undefined
  /** Whether it changes something. */
  readonly writes: boolean
}

/**
 * Throws an ApiError: `not_found` for an organization that the caller has nothing to do with, as if there were none;
 * `forbidden`, which says who may.
 */
export function requireRight(caller: Caller, { right, organization, writes }: Asks): void {
  const { of, least, said } = table[right]
  if (of === 'organization' && !organization) {
    // Such an operation shows only what is the caller's own.
    if (least !== 'viewer') throw new TypeError(`${right} is asked for without an organization`)
    return
  }
  const isImpersonating = caller.kind === 'person' && caller.impersonation !== undefined
  if (writes && isImpersonating) {
    throw new ApiError('forbidden', 'Whoever impersonates a member looks, and changes nothing.')
  }
  const role = of === 'platform' ? platformRole(caller) : roleIn(caller, organization!)
  if (of === 'organization' && role === undefined) throw new ApiError('not_found')
  if (role !== undefined && mayActAs(role, least)) return
  const who = caller.kind === 'api-key' ? 'This key has' : 'You have'
  const has = role === undefined ? 'no role on the platform' : `the role ${role}`
  throw new ApiError('forbidden', `${who} ${has}; this is allowed to: ${said}.`)
}

/** Everything that a caller may do in an organization: for people, who ask what to offer. */
export function rightsIn(caller: Caller, organization: NamedOrganization): Right[] {
  const role = roleIn(caller, organization)
  return rights.filter(
    right => table[right].of === 'organization' && role !== undefined && mayActAs(role, table[right].least),
  )
}

/** The same of the platform. */
export function platformRights(caller: Caller): Right[] {
  const role = platformRole(caller)
  return rights.filter(
    right => table[right].of === 'platform' && role !== undefined && mayActAs(role, table[right].least),
  )
}
