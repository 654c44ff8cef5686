import type { Me } from '@fairlead/client/gen/client'

/** What an operation may ask of its caller, see services/api/rights.ts; `self`: what everyone may do to what is theirs. */
export type Right = 'self' | 'read' | 'operate' | 'administer' | 'own' | 'platform-read' | 'platform'

/** Whether the caller may do what asks for a right; and if not, what that takes. */
export interface Permission {
  readonly may: boolean
  /** Stands beside the control. Empty where it may be used, and while nobody knows yet. */
  readonly who: string
}

const roles = ['owner', 'admin', 'developer', 'viewer'] as const
type OrganizationRight = Exclude<Right, 'self' | 'platform' | 'platform-read'>

/** The least role that has a right: for the sentence, and for organizations that the caller doesn't belong to. */
const least = {
  read: 'viewer',
  operate: 'developer',
  administer: 'admin',
  own: 'owner',
} as const satisfies Readonly<Record<OrganizationRight, (typeof roles)[number]>>

const needsRole = 'needs the role '

/** Whether what a control takes is a role in the organization: its owners give it. */
export const asksForRole = (who: string): boolean => who.startsWith(needsRole)

const permitted: Permission = { may: true, who: '' }

/** @param me what the API says of the caller; undefined: nothing yet, and nothing is permitted until it has */
export function permissionOf(me: Me | undefined, right: Right, slug: string): Permission {
  if (!me) return { may: false, who: '' }
  if (right === 'self') return permitted
  if (right === 'platform' || right === 'platform-read') {
    return me.rights.includes(right) ? permitted : { may: false, who: 'for staff of the platform' }
  }
  if (me.impersonation && right !== 'read') {
    return { may: false, who: 'not while you look as another member' }
  }
  return mayIn(me, right, slug) ? permitted : { may: false, who: `${needsRole}${least[right]}` }
}

function mayIn(me: Me, right: OrganizationRight, slug: string): boolean {
  const own = me.organizations.find(organization => organization.slug === slug)
  if (own) return own.rights.includes(right)
  return me.roleElsewhere !== null && roles.indexOf(me.roleElsewhere) <= roles.indexOf(least[right])
}
