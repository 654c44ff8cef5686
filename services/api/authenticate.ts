import { createHash } from 'node:crypto'
import type { KeyId, OrganizationId } from '@fairlead/webhook/id'
import { parseId } from '@fairlead/webhook/id'
import { MemberRole } from '@fairlead/wire/store/member'
import type { StoreClient } from '@fairlead/wire/store-client'
import { ApiError } from './problem.ts'
import { storeProblem } from './store-problem.ts'

/** From the most to the least powerful: a role may also do what the ones after it may. */
export const roles = ['owner', 'admin', 'developer', 'viewer'] as const
export type Role = (typeof roles)[number]

/** What a key must be allowed to do: `read` every role; `operate` from developer on; `administer` from admin on. */
export type Access = 'read' | 'operate' | 'administer'

/** Who calls: an API key. */
export interface Caller {
  readonly keyId: KeyId
  readonly keyName: string
  readonly role: Role
  /** Absent: a key of the platform, which may name any organization. */
  readonly organizationId?: OrganizationId
}

/** Longer than any key; more is not even hashed. */
const maxKeyLength = 256

/**
 * The text of the key in an Authorization header (RFC 6750, 2.1), or undefined where there is none.
 */
export function bearerKey(header: string | undefined): string | undefined {
  const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1]
  return key !== undefined && key.length <= maxKeyLength ? key : undefined
}

/**
 * Whose key this is. The store is asked each time: a revoked key is useless at once, in every process. It is asked
 * for the digest, so that the key's text goes no further than here, and found by that digest's index: how long it
 * takes tells nothing about other keys. Throws an ApiError `unauthenticated`, the same for a key that never was and
 * one that was revoked.
 */
export async function authenticate(store: StoreClient, key: string, signal: AbortSignal): Promise<Caller> {
  const sha256 = createHash('sha256').update(key).digest()
  const { apiKey } = await store.apiKeys.authenticateApiKey({ sha256 }, { signal }).catch(error => {
    throw storeProblem(error)
  })
  const keyId = parseId('key', apiKey?.id ?? '')
  const role = roleOf(apiKey?.role)
  if (!apiKey || !keyId || !role) throw new ApiError('unauthenticated')
  if (apiKey.organizationId === '') return { keyId, keyName: apiKey.name, role }
  const organizationId = parseId('org', apiKey.organizationId)
  // Failing closed: a key with an owner that can't be read is no key of the platform.
  if (!organizationId) throw new ApiError('unauthenticated')
  return { keyId, keyName: apiKey.name, role, organizationId }
}

/** Throws an ApiError `forbidden` that says which role would do. */
export function requireAccess(caller: Caller, access: Access): void {
  const least: Record<Access, Role> = { read: 'viewer', operate: 'developer', administer: 'admin' }
  if (!mayActAs(caller.role, least[access])) {
    throw new ApiError(
      'forbidden',
      `This key has the role ${caller.role}; this takes ${least[access]} or more.`,
    )
  }
}

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
