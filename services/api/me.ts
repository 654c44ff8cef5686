import { z } from 'zod'
import { join } from './auth/invitations/join.ts'
import type { Caller, PersonCaller } from './caller.ts'
import { invitationSchema, presentInvitation } from './invitations.ts'
import { type Call, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { noParams, noQuery, ownInvitationParams } from './query.ts'
import { platformRights, rights, rightsIn } from './rights.ts'
import { type Role, roles } from './role.ts'
import { timeText } from './time.ts'

const meSchema = z
  .object({
    kind: z.enum(['person', 'api_key']),
    email: z.string().nullable().meta({ description: 'Of a person.' }),
    name: z.string().nullable(),
    sessionId: z.string().nullable().meta({ description: "Of a person: which of the person's sessions." }),
    keyId: z.string().nullable().meta({ description: 'Of an API key.' }),
    staff: z.enum(['superadmin', 'support']).nullable(),
    rights: z.array(z.enum(rights)).meta({ description: 'On the platform itself.' }),
    organizations: z
      .array(
        z.object({
          slug: z.string(),
          displayName: z.string(),
          role: z.enum(roles),
          rights: z.array(z.enum(rights)),
        }),
      )
      .meta({
        description:
          'Those that the caller belongs to, by slug. Keys and staff of the platform may name any other as well.',
      }),
    roleElsewhere: z
      .enum(roles)
      .nullable()
      .meta({ description: 'The role in every other organization; null: none.' }),
    invitations: z
      .array(invitationSchema)
      .meta({ description: 'Of a person: those that wait to be accepted.' }),
    impersonation: z
      .object({
        organization: z.string(),
        email: z.string(),
        role: z.enum(roles),
        reason: z.string(),
        endsAt: timeText,
      })
      .nullable(),
  })
  .meta({ id: 'Me' })

const get = operation({
  method: 'get',
  path: '/api/v1/me',
  name: 'getMe',
  tag: 'People',
  summary: 'Who calls, and what the caller may do',
  description: 'What is offered to a person follows from this, and from nothing else.',
  access: 'read',
  params: noParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The caller.',
  answer: meSchema,
  problems: [],
  async handle(call) {
    const { caller } = call
    const invitations =
      caller.kind === 'person' && !caller.impersonation ? await invitationsOf(call, caller) : []
    return {
      ...whoOf(caller),
      rights: platformRights(caller),
      organizations: await organizationsOf(call),
      roleElsewhere: elsewhere(caller),
      invitations,
    }
  },
})

function whoOf(caller: Caller) {
  switch (caller.kind) {
    case 'api-key':
      return {
        kind: 'api_key' as const,
        email: null,
        name: caller.keyName,
        sessionId: null,
        keyId: caller.keyId,
        staff: null,
        impersonation: null,
      }
    case 'person':
      return {
        kind: 'person' as const,
        email: caller.email,
        name: caller.name ?? null,
        sessionId: caller.sessionId,
        keyId: null,
        staff: caller.staff ?? null,
        impersonation: presentImpersonation(caller),
      }
    default:
      return caller satisfies never
  }
}

function presentImpersonation({ impersonation }: PersonCaller) {
  if (!impersonation) return null
  const { slug: organization, email, role, reason, endsAt } = impersonation
  return { organization, email, role, reason, endsAt: endsAt.toISOString() }
}

function elsewhere(caller: Caller): Role | null {
  if (caller.kind === 'api-key') return caller.organizationId ? null : caller.role
  if (!caller.staff || caller.impersonation) return null
  return caller.staff === 'superadmin' ? 'owner' : 'viewer'
}

function idsOf(caller: Caller) {
  if (caller.kind === 'api-key') return caller.organizationId ? [caller.organizationId] : []
  return caller.impersonation ? [caller.impersonation.organizationId] : [...caller.memberships.keys()]
}

async function organizationsOf({ store, caller, signal }: Call) {
  const found = await Promise.all(
    idsOf(caller).map(async id => {
      const { organization } = await store.organizations.getOrganization(
        { by: { case: 'id', value: id } },
        { signal },
      )
      const held = rightsIn(caller, { id })
      const role = caller.kind === 'api-key' ? caller.role : roleThere(caller, id)
      return organization && role
        ? { slug: organization.slug, displayName: organization.displayName, role, rights: held }
        : undefined
    }),
  )
  return found.filter(one => one !== undefined).toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
}

const roleThere = ({ impersonation, memberships }: PersonCaller, id: Parameters<typeof memberships.get>[0]) =>
  impersonation?.role ?? memberships.get(id)?.role

async function invitationsOf({ store, signal }: Call, { email }: PersonCaller) {
  const { invitations } = await store.members.findInvitations(
    { by: { case: 'email', value: email } },
    { signal },
  )
  return invitations.map(presentInvitation)
}

const accept = operation({
  method: 'post',
  path: '/api/v1/me/invitations/{invitation}/accept',
  name: 'acceptInvitation',
  tag: 'People',
  summary: 'Accept an invitation',
  description: 'As the address that was invited, once.',
  access: 'read',
  params: ownInvitationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The membership.',
  answer: z.object({ organization: z.string(), role: z.enum(roles) }).meta({ id: 'JoinedOrganization' }),
  problems: [],
  async handle({ store, caller, params, change, write }) {
    if (caller.kind !== 'person') throw new ApiError('not_found')
    return await join(store, caller.email, params.invitation, { change, write })
  },
})

export const meOperations = [get, accept]
