import type { MessageInitShape } from '@bufbuild/protobuf'
import type { KeyId, MemberId, OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { ChangeSchema } from '@fairlead/wire/store/change'
import type { Role } from './role.ts'
import type { Scope } from './scope.ts'

/** Who calls. What a caller may do stands in `rights.ts` alone. */
export type Caller = ApiKeyCaller | PersonCaller

export interface ApiKeyCaller {
  readonly kind: 'api-key'
  readonly keyId: KeyId
  readonly keyName: string
  readonly role: Role
  /** Absent: a key of the platform, which may name any organization. */
  readonly organizationId?: OrganizationId
  /** Of the data that it sees and touches. Absent: a key of the platform, for both. */
  readonly mode?: Mode
  /** Absent: all that its role may do. */
  readonly scopes?: ReadonlySet<Scope>
  /** Absent: never. */
  readonly endsAt?: Date
}

/** Platform staff, named by FAIRLEAD_PLATFORM_STAFF. */
export type Staff = 'superadmin' | 'support'

/** A person who is signed in: an e-mail address. */
export interface PersonCaller {
  readonly kind: 'person'
  readonly email: string
  readonly name?: string
  /** `ses_…`: which of the person's sessions. Not its secret. */
  readonly sessionId: string
  /**
   * When the person proved to be the address: when the session began, or of a tool's session, when the session that approved the
   * tool did. Unix milliseconds.
   */
  readonly provenAtMs: number
  readonly memberships: ReadonlyMap<OrganizationId, Membership>
  readonly staff?: Staff
  /** Present: looks as that member does, and changes nothing. */
  readonly impersonation?: Impersonation
}

export interface Membership {
  readonly memberId: MemberId
  readonly slug: string
  readonly role: Role
}

export interface Impersonation extends Membership {
  readonly organizationId: OrganizationId
  readonly email: string
  readonly reason: string
  readonly endsAt: Date
}

/** The caller's name, for people. */
export function nameOf(caller: Caller): string {
  switch (caller.kind) {
    case 'api-key':
      return caller.keyName
    case 'person':
      return caller.email
    default:
      return caller satisfies never
  }
}

/** Whom the audit log names. */
export function actorOf(
  caller: Caller,
  slug: string | undefined,
): Pick<MessageInitShape<typeof ChangeSchema>, 'actorKind' | 'actorId' | 'actorName'> {
  if (caller.kind === 'api-key') {
    return { actorKind: ActorKind.API_KEY, actorId: caller.keyId, actorName: caller.keyName }
  }
  const own = [...caller.memberships.values()].find(membership => membership.slug === slug)
  const actorName = caller.email
  // A superadmin who is a member too stands there as staff: that is what the rights came from.
  if (own && caller.staff !== 'superadmin') {
    return { actorKind: ActorKind.MEMBER, actorId: own.memberId, actorName }
  }
  const actorKind = caller.staff ? ActorKind.STAFF : ActorKind.MEMBER
  return { actorKind, actorId: caller.email, actorName }
}
