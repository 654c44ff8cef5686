import { createHash } from 'node:crypto'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { Invitation } from '@fairlead/wire/store/member'
import { z } from 'zod'
import { readAddress } from './auth/address.ts'
import { queueInvitation } from './auth/invitations/send.ts'
import { newSecret } from './auth/secret.ts'
import { nameOf } from './caller.ts'
import { requireFreshProof } from './fresh-proof.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { invitationParams, noQuery, organizationParams } from './query.ts'
import { roleOf, roles, roleToStore } from './role.ts'
import { requireMayGive } from './scopes.ts'
import { presentTimeOf, timeText } from './time.ts'

const mostInvitations =
  'An organization sends at most 100 invitations an hour, and at most 5 a day to one address.'

/** How long an invitation is good, ms. */
const invitationMs = 7 * 86_400_000

export const invitationSchema = z
  .object({
    id: z.string().meta({ example: 'inv_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    organization: z.object({ slug: z.string(), displayName: z.string() }),
    email: z.string(),
    role: z.enum(roles),
    invitedBy: z.string(),
    createdAt: timeText,
    expiresAt: timeText,
  })
  .meta({ id: 'Invitation' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/invitations',
  name: 'listInvitations',
  tag: 'Members',
  summary: 'Invitations that are open',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All of them, by e-mail address.',
  answer: z.object({ items: z.array(invitationSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { invitations } = await store.members.listInvitations(
      { organizationId: organization.id },
      { signal },
    )
    return { items: invitations.map(presentInvitation) }
  },
})

const create = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/invitations',
  name: 'createInvitation',
  tag: 'Members',
  summary: 'Invite an address by mail',
  description:
    'The mail holds a link, good for 7 days, for whoever signs in as that address and accepts. An open invitation of the same address is replaced. An organization sends at most 100 an hour, and 5 a day to one address; a call that is refused or repeated counts for none. Where nobody signs in, no mail goes out.',
  access: 'administer',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    email: z
      .string()
      .max(320)
      .refine(text => readAddress(text) !== undefined, 'is no e-mail address')
      .meta({ example: 'ada@example.com' }),
    role: z.enum(roles).default('viewer').meta({
      description:
        "At most the caller's own. A key with scopes gives a role that may do no more than the key.",
    }),
  }),
  status: 201,
  answerDescription: 'The invitation; its mail is on the way.',
  answer: invitationSchema,
  problems: ['conflict', 'limit_reached', 'proof_too_old'],
  async handle({ store, signIn, organization, role, caller, body, change, write, wasRepeat }) {
    requireMayGive(caller, body.role)
    if (body.role === 'owner') requireFreshProof(caller)
    const email = readAddress(body.email)!
    // A mail each: they stand in one line with the links that others wait for, and reach whoever is named.
    const taken = await signIn?.limits.takeInvitation(organization.id, email)
    if (taken?.kind === 'refused') {
      throw new ApiError('rate_limited', mostInvitations, { retryAfterSeconds: taken.retryAfterSeconds })
    }
    const token = newSecret()
    const wanted = {
      organizationId: organization.id,
      email,
      role: roleToStore[body.role],
      callerRole: roleToStore[role],
      tokenSha256: createHash('sha256').update(token).digest(),
      expiresAt: timestampFromMs(Date.now() + invitationMs),
      invitedBy: nameOf(caller),
      change,
    }
    const { invitation } = await store.members.createInvitation(wanted, write).catch(async error => {
      await taken?.giveBack()
      throw error
    })
    const presented = presentInvitation(invitation!)
    // The store knows the token of the first call alone: a mail with this one would hold a dead link.
    if (wasRepeat()) await taken?.giveBack()
    else if (signIn) queueInvitation(signIn, presented, token)
    return presented
  },
})

const revoke = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/invitations/{invitation}',
  name: 'revokeInvitation',
  tag: 'Members',
  summary: 'Make an invitation useless at once',
  access: 'administer',
  params: invitationParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It is useless now.',
  problems: [],
  async handle({ store, organization, role, params, change, write }) {
    const which = { organizationId: organization.id, invitationId: params.invitation }
    await store.members.revokeInvitation({ ...which, callerRole: roleToStore[role], change }, write)
    return undefined
  },
})

export const invitationOperations = [list, create, revoke]

export function presentInvitation(invitation: Invitation): z.input<typeof invitationSchema> {
  return {
    id: invitation.id,
    organization: { slug: invitation.organizationSlug, displayName: invitation.organizationName },
    email: invitation.email,
    role: roleOf(invitation.role) ?? 'viewer',
    invitedBy: invitation.invitedBy,
    createdAt: presentTimeOf(invitation.createdAt),
    expiresAt: presentTimeOf(invitation.expiresAt),
  }
}
