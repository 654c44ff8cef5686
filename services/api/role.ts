import { MemberRole } from '@fairlead/wire/store/member'

/** From the most to the least powerful: a role may also do what the ones after it may. */
export const roles = ['owner', 'admin', 'developer', 'viewer'] as const
export type Role = (typeof roles)[number]

/** Whether a role includes another. */
export function mayActAs(role: Role, other: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(other)
}

export function roleOf(role: MemberRole | undefined): Role | undefined {
  switch (role) {
    case MemberRole.OWNER:
      return 'owner'
    case MemberRole.ADMIN:
      return 'admin'
    case MemberRole.DEVELOPER:
      return 'developer'
    case MemberRole.VIEWER:
      return 'viewer'
    default:
      return undefined
  }
}

export const roleToStore: Readonly<Record<Role, MemberRole>> = {
  owner: MemberRole.OWNER,
  admin: MemberRole.ADMIN,
  developer: MemberRole.DEVELOPER,
  viewer: MemberRole.VIEWER,
}
