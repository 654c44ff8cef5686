import { ActorKind } from '@fairlead/wire/store/audit'
import { z } from 'zod'
import type { PersonCaller } from '../../caller.ts'
import { type Call, operation } from '../../operation.ts'
import { ApiError } from '../../problem.ts'
import { noParams, noQuery, plainText } from '../../query.ts'
import { timeText } from '../../time.ts'
import { membershipsOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'

/** The longest that a member may be looked through at once, minutes. */
const mostMinutes = 30

const begin = operation({
  method: 'post',
  path: '/api/v1/me/impersonation',
  name: 'beginImpersonation',
  tag: 'People',
  summary: 'See an organization as one of its members does',
  description:
    "For staff. Nothing can be changed meanwhile, and it stands in the organization's audit log with its reason. The session goes back to what it was when the time is over.",
  access: 'platform-read',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  body: z.strictObject({
    organization: plainText(63).meta({ description: 'Its slug.', example: 'acme' }),
    email: plainText(320).meta({
      description: 'The address of an active member of the organization. Staff cannot be impersonated.',
      example: 'ada@example.com',
    }),
    reason: plainText(500).meta({ description: 'Why; a ticket, say. The organization can read it.' }),
    minutes: z.int().min(1).max(mostMinutes).default(mostMinutes),
  }),
  status: 200,
  answerDescription: 'It has begun.',
  answer: z.object({ endsAt: timeText }).meta({ id: 'BegunImpersonation' }),
  problems: ['not_found'],
  async handle(call) {
    const { signIn, person } = staffOnly(call)
    const { organization: slug, email, reason, minutes } = call.body
    const found = [...(await membershipsOf(call.store, email))].find(([, one]) => one.slug === slug)
    if (!found) throw new ApiError('not_found')
    if (signIn.staff.has(email.toLowerCase())) throw new ApiError('forbidden', 'Nobody impersonates staff.')
    const [organizationId, { memberId }] = found
    const endsAtMs = Date.now() + minutes * 60_000
    const endsAt = new Date(endsAtMs).toISOString()
    // Written down first: there is no look without its entry.
    await call.store.audit.createAuditLog({
      organizationId,
      actorKind: ActorKind.STAFF,
      actorId: person.email,
      action: 'member.impersonated',
      subjectId: memberId,
      details: { email, reason, endsAt, sessionId: person.sessionId },
    })
    const impersonation = { organizationId, memberId, email: email.toLowerCase(), reason, endsAtMs }
    if (!(await signIn.sessions.change(person.email, person.sessionId, { impersonation }))) {
      throw new ApiError('unauthenticated')
    }
    return { endsAt }
  },
})

const end = operation({
  method: 'delete',
  path: '/api/v1/me/impersonation',
  name: 'endImpersonation',
  tag: 'People',
  summary: 'End seeing an organization as a member does',
  access: 'read',
  keepsNoAnswer: true,
  params: noParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It has ended.',
  problems: ['forbidden'],
  async handle(call) {
    const { signIn, person } = staffOnly(call)
    await signIn.sessions.change(person.email, person.sessionId, { impersonation: undefined })
    return undefined
  },
})

export const impersonationOperations = [begin, end]

/** Keys impersonate nobody: there is no session that ends. */
function staffOnly({ caller, signIn }: Pick<Call, 'caller' | 'signIn'>): {
  signIn: SignIn
  person: PersonCaller
} {
  if (caller.kind !== 'person' || !signIn || !caller.staff) {
    throw new ApiError('forbidden', 'This is for staff who are signed in.')
  }
  return { signIn, person: caller }
}
