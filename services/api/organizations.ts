import { type Organization, OwnerKind } from '@fairlead/wire/store/organization'
import { z } from 'zod'
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
  summary: 'Organizations that this key may see',
  description: 'All of them, by slug, for a key of the platform; else the one that the key belongs to.',
  access: 'read',
  params: noParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of organizations.',
  answer: pageOf(organizationSchema).meta({ id: 'OrganizationPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, caller, query, signal }) {
    if (caller.organizationId) {
      const by = { case: 'id', value: caller.organizationId } as const
      const { organization } = await store.organizations.getOrganization({ by }, { signal })
      return { items: organization ? [presentOrganization(organization)] : [], next: null }
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
