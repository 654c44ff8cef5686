import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { OrganizationId } from '@fairlead/webhook/id'
import { OrganizationState } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { operation } from './operation.ts'
import { organizationSchema, presentOrganization } from './present-organization.ts'
import { cursor, defaultPageSize, limit, noParams, pageOf, plainText, since } from './query.ts'

const states = {
  active: OrganizationState.ACTIVE,
  inactive: OrganizationState.INACTIVE,
  over_quota: OrganizationState.OVER_QUOTA,
} as const

const filters = {
  q: plainText(100).optional().meta({ description: 'Part of slug or name, in any case.' }),
  state: z.enum(['active', 'inactive', 'over_quota']).optional(),
  plan: plainText(63).optional(),
  provider: plainText(63).optional().meta({
    description: 'Those with a source of this provider.',
    example: 'stripe',
  }),
  createdAfter: since.optional().meta({ description: 'Created at this time or later.' }),
  createdBefore: since.optional().meta({ description: 'Created before this time.' }),
}

type Filters = z.output<z.ZodObject<typeof filters>>

/** Whether one of a caller's own organizations is asked for. */
function fits(organization: z.output<typeof organizationSchema>, filters: Filters): boolean {
  const { q, state, plan, createdAfter, createdBefore } = filters
  const { slug, displayName, active, quotaExceeded, createdAt } = organization
  const is = { active, inactive: !active, over_quota: quotaExceeded }
  const created = new Date(createdAt)
  return (
    (q === undefined || [slug, displayName].some(text => text.toLowerCase().includes(q.toLowerCase()))) &&
    (state === undefined || is[state]) &&
    (plan === undefined || organization.plan === plan) &&
    (createdAfter === undefined || created >= timestampDate(createdAfter)) &&
    (createdBefore === undefined || created < timestampDate(createdBefore))
  )
}

/** Those of a caller's own organizations that have a source of a provider. */
async function withProvider<Item extends { readonly id: string }>(
  store: StoreClient,
  provider: string | undefined,
  items: readonly Item[],
): Promise<readonly Item[]> {
  if (provider === undefined) return items
  const lists = await Promise.all(items.map(({ id }) => store.sources.listSources({ organizationId: id })))
  return items.filter((_, index) =>
    lists[index]?.sources.some(source => source.settings?.provider === provider),
  )
}

export const listOrganizations = operation({
  method: 'get',
  path: '/api/v1/organizations',
  name: 'listOrganizations',
  tag: 'Organizations',
  summary: 'Organizations that the caller may see',
  description:
    'By slug: all of them for keys and staff of the platform; those that a person is a member of; the one that a key belongs to.',
  access: 'read',
  params: noParams,
  query: z.strictObject({ ...filters, cursor, limit }),
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
      const fitting = await withProvider(
        store,
        query.provider,
        items.filter(item => fits(item, query)),
      )
      return { items: fitting.toSorted((a, b) => (a.slug < b.slug ? -1 : 1)), next: null }
    }
    const { q = '', plan = '', provider = '', state, createdAfter, createdBefore } = query
    const { organizations, next } = await store.organizations.listOrganizations(
      {
        text: q,
        plan,
        provider,
        state: state ? states[state] : OrganizationState.UNSPECIFIED,
        ...(createdAfter && { createdAfter }),
        ...(createdBefore && { createdBefore }),
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return { items: organizations.map(presentOrganization), next: next || null }
  },
})

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
