import { modes } from '@fairlead/wire/mode'
import { z } from 'zod'
import type { Caller, PersonCaller } from '../../caller.ts'
import { type Call, operation } from '../../operation.ts'
import { organizationSchema, presentOrganization } from '../../present-organization.ts'
import { ApiError } from '../../problem.ts'
import { noParams, noQuery } from '../../query.ts'
import { roleIn } from '../../rights.ts'
import { roles } from '../../role.ts'
import { changePassword } from './change-password.ts'
import { newPassword } from './new-password.ts'
import { isAdmin, isAuthenticatedTenant, isLiveMode, isOwner, isTestMode } from './predicates.ts'

/** What all operations of a signed-in tenant are. */
const usual = {
  tag: 'Tenant accounts',
  partOf: 'tenant-accounts',
  access: 'read',
  params: noParams,
  query: noQuery,
} as const

const mode = z
  .enum(modes)
  .nullable()
  .meta({ description: 'The mode of the data that the caller sees; null: both.', example: 'live' })

const who = {
  kind: z.enum(['person', 'api_key']),
  email: z.string().nullable().meta({ description: 'Of a person.', example: 'ada@example.com' }),
  keyId: z.string().nullable().meta({ description: 'Of an API key.' }),
  mode,
}

const verify = operation({
  ...usual,
  method: 'get',
  path: '/api/v1/auth/tenants/verify/',
  name: 'verifyTenantToken',
  summary: 'Whether an access token or key is good, and whose',
  description: 'One that is not is answered 401.',
  status: 200,
  answerDescription: 'It is good.',
  answer: z.object({ valid: z.literal(true), ...who }).meta({ id: 'VerifiedTenant' }),
  problems: ['forbidden'],
  async handle({ caller }) {
    requireTenant(caller)
    return { valid: true as const, ...whoIs(caller) }
  },
})

const me = operation({
  ...usual,
  method: 'get',
  path: '/api/v1/auth/tenants/me/',
  name: 'getTenantMe',
  summary: 'The caller as a tenant: who, and with which role in which organization',
  status: 200,
  answerDescription: 'The caller.',
  answer: z
    .object({
      ...who,
      name: z.string().nullable(),
      emailVerified: z.boolean().meta({ description: 'Of a person: always, since nobody signs in before.' }),
      organizations: z.array(
        z.object({
          slug: z.string().meta({ example: 'acme' }),
          displayName: z.string().meta({ example: 'Acme Corp' }),
          role: z.enum(roles),
          isOwner: z.boolean(),
          isAdmin: z.boolean().meta({ description: 'May do what admins may: owners too.' }),
        }),
      ),
    })
    .meta({ id: 'TenantMe' }),
  problems: ['forbidden'],
  async handle(call) {
    const { caller } = call
    requireTenant(caller)
    return {
      ...whoIs(caller),
      name: caller.kind === 'api-key' ? caller.keyName : (caller.name ?? null),
      emailVerified: caller.kind === 'person',
      organizations: (await organizationsOf(call)).map(({ id, slug, displayName, role }) => ({
        slug,
        displayName,
        role,
        isOwner: isOwner(caller, { id }),
        isAdmin: isAdmin(caller, { id }),
      })),
    }
  },
})

const details = operation({
  ...usual,
  method: 'get',
  path: '/api/v1/auth/tenants/details/',
  name: 'getTenantDetails',
  summary: "The caller's organizations, with plan, quota and settings",
  status: 200,
  answerDescription: 'All of them, by slug.',
  answer: z
    .object({ items: z.array(organizationSchema.extend({ role: z.enum(roles) })) })
    .meta({ id: 'TenantDetails' }),
  problems: ['forbidden'],
  async handle(call) {
    requireTenant(call.caller)
    const found = await organizationsOf(call)
    return { items: found.map(({ role, stored }) => ({ ...presentOrganization(stored), role })) }
  },
})

const change = operation({
  ...usual,
  method: 'post',
  path: '/api/v1/auth/tenants/change-password/',
  name: 'changeTenantPassword',
  summary: "Change or set the caller's password, and end all other sessions",
  description:
    'For people. It takes the password before; whoever has none, or forgot it, signs in by mail and sets one within 10 minutes. The person is told by mail.',
  keepsNoAnswer: true,
  maxBodyBytes: 8_192,
  body: z.strictObject({
    currentPassword: z.string().min(1).max(1_000).optional(),
    newPassword,
  }),
  status: 200,
  answerDescription: 'It counts from now on.',
  answer: z.object({ endedSessions: z.int().min(0) }).meta({ id: 'ChangedPassword' }),
  problems: ['conflict', 'proof_too_old', 'forbidden'],
  async handle({ caller, signIn, body, change }) {
    requireTenant(caller)
    if (caller.kind !== 'person' || caller.staff) {
      throw new ApiError('forbidden', 'Members of an organization have passwords; keys and staff have none.')
    }
    if (!signIn?.tenants) throw new TypeError('there are no tenant accounts here')
    return await changePassword(signIn, signIn.tenants, { person: caller, wanted: body, change })
  },
})

export const ownOperations = [verify, me, details, change]

/** Throws an ApiError `forbidden`: for keys and staff of the platform, who name an organization elsewhere. */
function requireTenant(caller: Caller): void {
  if (isAuthenticatedTenant(caller)) return
  throw new ApiError('forbidden', 'This is for members and keys of an organization.')
}

const whoIs = (caller: Caller) => ({
  kind: caller.kind === 'person' ? ('person' as const) : ('api_key' as const),
  email: caller.kind === 'person' ? caller.email : null,
  keyId: caller.kind === 'api-key' ? caller.keyId : null,
  mode: isTestMode(caller)
    ? ('test' as const)
    : caller.kind === 'api-key' && isLiveMode(caller)
      ? ('live' as const)
      : null,
})

/** Of the caller's own, by slug: an organization that another's token names is none. */
async function organizationsOf({ store, caller, signal }: Pick<Call, 'store' | 'caller' | 'signal'>) {
  const ids =
    caller.kind === 'person'
      ? [...(caller as PersonCaller).memberships.keys()]
      : caller.organizationId
        ? [caller.organizationId]
        : []
  const found = await Promise.all(
    ids.map(async id => {
      const by = { case: 'id', value: id } as const
      const { organization: stored } = await store.organizations.getOrganization({ by }, { signal })
      const role = roleIn(caller, { id })
      if (!stored || !role) return undefined
      return { id, slug: stored.slug, displayName: stored.displayName, role, stored }
    }),
  )
  return found.filter(one => one !== undefined).toSorted((a, b) => (a.slug < b.slug ? -1 : 1))
}
