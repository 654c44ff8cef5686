import type { OrganizationId } from '@fairlead/webhook/id'
import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { presentRateLimit, rateLimitSchema } from './managed.ts'
import { operation } from './operation.ts'
import { cursor, defaultPageSize, limit, noParams, noQuery, organizationParams, pageOf } from './query.ts'
import { presentTimeOf, timeText } from './time.ts'

const organizationSchema = z
  .object({
    id: z.string(),
    slug: z.string().meta({ example: 'acme' }),
    displayName: z.string().meta({ example: 'Acme Corp' }),
    plan: z.string().meta({ example: 'pro' }),
    active: z.boolean().meta({ description: 'False: its webhooks are refused.' }),
    webhookLimit: z.int().nullable().meta({ description: 'Events a calendar month (UTC); null: no limit.' }),
    acceptedThisMonth: z.int(),
    quotaExceeded: z.boolean(),
    retentionDays: z.int(),
    weight: z.int().meta({ description: 'Its part of what organizations share under load, 1 to 100.' }),
    rateLimit: rateLimitSchema,
    owner: z
      .object({ kind: z.enum(['kubernetes', 'file', 'api']), reference: z.string() })
      .meta({ description: 'Where it is declared.' }),
    createdAt: timeText,
    updatedAt: timeText,
  })
  .meta({ id: 'Organization' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations',
  name: 'listOrganizations',
  tag: 'Organizations',
  summary: 'Organizations that the caller may see',
  description:
    'By slug: all of them for keys and staff of the platform; those that a person is a member of; the one that a key belongs to.',
  access: 'read',
  params: noParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of organizations.',
  answer: pageOf(organizationSchema).meta({ id: 'OrganizationPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, caller, query, signal }) {
    const own = organizationsOf(caller)
    if (own) {
      // A person has a few memberships: they are one page, whatever its size.
      const found = await Promise.all(
        own.map(value => store.organizations.getOrganization({ by: { case: 'id', value } }, { signal })),
      )
      const items = found.flatMap(({ organization }) =>
        organization ? [presentOrganization(organization)] : [],
      )
      return { items: items.toSorted((a, b) => (a.slug < b.slug ? -1 : 1)), next: null }
    }
    const { organizations, next } = await store.organizations.listOrganizations(
      { cursor: query.cursor ?? '', limit: query.limit ?? defaultPageSize },
      { signal },
    )
    return { items: organizations.map(presentOrganization), next: next || null }
  },
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}',
  name: 'getOrganization',
  tag: 'Organizations',
  summary: 'One organization',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The organization.',
  answer: organizationSchema,
  problems: [],
  handle: async ({ organization }) => presentOrganization(organization),
})

export const organizationOperations = [list, get]

/** Organizations that a caller is bound to; undefined: to none, so that all may be named. */
function organizationsOf(caller: Caller): OrganizationId[] | undefined {
  switch (caller.kind) {
    case 'api-key':
      return caller.organizationId && [caller.organizationId]
    case 'person':
      if (caller.impersonation) return [caller.impersonation.organizationId]
      return caller.staff ? undefined : [...caller.memberships.keys()]
    default:
      return caller satisfies never
  }
}

function presentOrganization(organization: Organization): z.input<typeof organizationSchema> {
  const { webhookLimit, owner } = organization
  return {
    id: organization.id,
    slug: organization.slug,
    displayName: organization.displayName,
    plan: organization.plan,
    active: organization.active,
    webhookLimit: webhookLimit === undefined ? null : Number(webhookLimit),
    acceptedThisMonth: Number(organization.acceptedThisMonth),
    quotaExceeded: organization.quotaExceeded,
    retentionDays: organization.retentionDays,
    weight: organization.weight,
    rateLimit: presentRateLimit(organization.rateLimit),
    owner: { kind: presentOwnerKind(owner?.kind), reference: owner?.reference ?? '' },
    createdAt: presentTimeOf(organization.createdAt),
    updatedAt: presentTimeOf(organization.updatedAt),
  }
}

function presentOwnerKind(kind: OwnerKind | undefined): 'kubernetes' | 'file' | 'api' {
  switch (kind) {
    case OwnerKind.KUBERNETES:
      return 'kubernetes'
    case OwnerKind.FILE:
      return 'file'
    default:
      return 'api'
  }
}
