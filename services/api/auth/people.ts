import { parseId } from '@fairlead/webhook/id'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { Impersonation, Membership, PersonCaller, Staff } from '../caller.ts'
import { roleOf } from '../role.ts'
import { storeProblem } from '../store-problem.ts'
import { provenAtMsOf, type SessionRecord } from './sessions/record.ts'

export type StaffList = ReadonlyMap<string, Staff>

type Proof = Pick<SessionRecord, 'email' | 'method' | 'provenBy'>

/** Whether a session, or the one in which its tool was approved, was begun by a password. */
export const isByPassword = ({ method, provenBy }: Omit<Proof, 'email'>): boolean =>
  method === 'password' || provenBy === 'password'

/**
 * The role on the platform of a session's person. A password is too little for such a role: a session that began by a password stays a
 * member's session, also where its address is added to the staff later. Pure.
 */
export const staffOf = (staffList: StaffList, session: Proof): Staff | undefined =>
  isByPassword(session) ? undefined : staffList.get(session.email)

/**
 * Who stands behind a session, as things are now: memberships are asked for each time, so that a role that was taken away is
 * gone with the next request. Throws an ApiError `unavailable` where the store is away.
 */
export async function personOf(
  store: StoreClient,
  staffList: StaffList,
  session: SessionRecord,
  nowMs: number,
): Promise<PersonCaller> {
  const memberships = await membershipsOf(store, session.email)
  const staff = staffOf(staffList, session)
  const impersonation = staff && (await impersonationOf(store, session, nowMs))
  return {
    kind: 'person',
    email: session.email,
    sessionId: session.id,
    provenAtMs: provenAtMsOf(session),
    memberships,
    ...(session.name && { name: session.name }),
    ...(staff && { staff }),
    ...(impersonation && { impersonation }),
  }
}

export async function membershipsOf(store: StoreClient, email: string): Promise<PersonCaller['memberships']> {
  const { members } = await store.members.getMemberByEmail({ email }).catch((error: unknown) => {
    throw storeProblem(error)
  })
  return new Map(
    members.flatMap(member => {
      const organizationId = parseId('org', member.organizationId)
      const memberId = parseId('mem', member.id)
      const role = roleOf(member.role)
      if (!organizationId || !memberId || !role || !member.active) return []
      const membership: Membership = { memberId, slug: member.organizationSlug, role }
      return [[organizationId, membership] as const]
    }),
  )
}

export async function isInvited(store: StoreClient, email: string): Promise<boolean> {
  const by = { case: 'email', value: email } as const
  const { invitations } = await store.members.findInvitations({ by }).catch((error: unknown) => {
    throw storeProblem(error)
  })
  return invitations.length > 0
}

/** Ends with its time, and with the membership that is looked through. */
async function impersonationOf(
  store: StoreClient,
  { impersonation }: SessionRecord,
  nowMs: number,
): Promise<Impersonation | undefined> {
  if (!impersonation || impersonation.endsAtMs <= nowMs) return undefined
  const { email, reason, endsAtMs } = impersonation
  const organizationId = parseId('org', impersonation.organizationId)
  const membership = organizationId && (await membershipsOf(store, email)).get(organizationId)
  if (!organizationId || !membership) return undefined
  return { ...membership, organizationId, email, reason, endsAt: new Date(endsAtMs) }
}

/** Reads `ada@example.com=superadmin, bob@example.com=support`; undefined where an entry is something else. */
export function readStaff(text: string): StaffList | undefined {
  const staff = new Map<string, Staff>()
  for (const entry of text.split(',').map(part => part.trim())) {
    if (entry === '') continue
    const [email = '', role = ''] = entry.split('=').map(part => part.trim())
    if (!/^[^\s@]+@[^\s@]+$/.test(email) || (role !== 'superadmin' && role !== 'support')) return undefined
    staff.set(email.toLowerCase(), role)
  }
  return staff
}
