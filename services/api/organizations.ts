import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { OrganizationId } from '@fairlead/webhook/id'
import { name } from '@fairlead/wire/declared/field'
import { organizationSettings } from '@fairlead/wire/declared/organization-settings'
import { rateLimitToStore } from '@fairlead/wire/declared/to-store'
import {
  type CreateOrganizationResponse,
  type Organization,
  OrganizationState,
  OwnerKind,
  type UpdateOrganizationResponse,
} from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { requireFreshProof } from './fresh-proof.ts'
import { presentRateLimit, rateLimitSchema } from './managed.ts'
import { changedItem } from './managed-by-kubernetes.ts'
import { mergePatch } from './merge-patch.ts'
import { type Call, operation } from './operation.ts'
import { seen } from './precondition.ts'
import {
  cursor,
  defaultPageSize,
  limit,
  noParams,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  since,
} from './query.ts'
import { requireBody } from './request.ts'
import { orExplained, patchBody, settingFields, settingProblems } from './setting.ts'
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
    ...settingFields,
    createdAt: timeText,
    updatedAt: timeText,
  })
  .meta({ id: 'Organization' })

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

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}',
  name: 'getOrganization',
  tag: 'Organizations',
  summary: 'One organization',
  access: 'read',
  versioned: true,
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The organization.',
  answer: organizationSchema,
  problems: [],
  handle: async ({ organization }) => presentOrganization(organization),
})

const settings = z.strictObject(organizationSettings).meta({ id: 'OrganizationSettings' })

const create = operation({
  method: 'post',
  path: '/api/v1/organizations',
  name: 'createOrganization',
  tag: 'Organizations',
  summary: 'Make an organization',
  description: 'It has neither sources nor destinations. It is in force within a second.',
  access: 'platform',
  versioned: true,
  params: noParams,
  query: dryRunQuery,
  body: z
    .strictObject({
      slug: name("Part of the webhook URLs, unique in the platform; can't change. A DNS label."),
      ...organizationSettings,
    })
    .meta({ id: 'NewOrganization' }),
  status: 201,
  answerDescription: 'The organization.',
  answer: organizationSchema,
  problems: ['conflict'],
  async handle({ store, query, body, change, write }) {
    const dryRun = query.dryRun ?? false
    const asked = { slug: body.slug, ...toStore(body), dryRun, change }
    return written(dryRun, await store.organizations.createOrganization(asked, write))
  },
})

const put = operation({
  method: 'put',
  path: '/api/v1/organizations/{slug}',
  name: 'putOrganization',
  tag: 'Organizations',
  summary: 'Make the settings and quotas of an organization what the body says',
  description:
    'What the body leaves out gets its default. Its sources, destinations, routes and members stay. POST creates one.',
  access: 'platform',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: settings,
  status: 200,
  answerDescription: 'The organization.',
  answer: organizationSchema,
  problems: settingProblems,
  async handle(call) {
    return await replace(call, call.body, call.precondition)
  },
})

const patch = operation({
  method: 'patch',
  path: '/api/v1/organizations/{slug}',
  name: 'updateOrganization',
  tag: 'Organizations',
  summary: 'Change some settings or quotas of an organization',
  description:
    'With `active: false` its webhooks are refused within a second; what was accepted is still delivered.',
  access: 'platform',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: patchBody,
  status: 200,
  answerDescription: 'The organization.',
  answer: organizationSchema,
  problems: settingProblems,
  async handle(call) {
    const { organization } = call
    const wanted = requireBody(settings, mergePatch(declaredOf(organization), call.body))
    return await replace(call, wanted, seen(call.precondition, organization.etag))
  },
})

const remove = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}',
  name: 'deleteOrganization',
  tag: 'Organizations',
  summary: 'Delete an organization',
  description:
    'Its webhooks are refused within a second, its keys are useless at once, its slug is free; open deliveries are tried until they end, and its log goes when its retention has passed.',
  access: 'platform',
  versioned: true,
  endsOrganization: true,
  params: organizationParams,
  query: dryRunQuery,
  status: 204,
  answerDescription: 'It is gone.',
  problems: [...settingProblems, 'proof_too_old'],
  async handle({
    store,
    caller,
    organizationIfThere: organization,
    query,
    precondition,
    change,
    write,
    signal,
  }) {
    requireFreshProof(caller)
    const dryRun = query.dryRun ?? false
    const owner = { kind: OwnerKind.API, reference: '' }
    const asked = { organizationId: organization?.id ?? '', owner, precondition, dryRun, change }
    const deletion = store.organizations.deleteOrganization(asked, write)
    if (organization) {
      await orExplained(deletion, {
        organization,
        spec: () => ({ active: false }),
        current: () => current(store, organization, signal),
      })
    } else await deletion
    return dryRun ? new DryRun(null, []) : undefined
  },
})

export const organizationOperations = [list, create, get, put, patch, remove]

type Settings = z.output<typeof settings>

async function replace(
  call: Call<unknown, z.output<typeof dryRunQuery>>,
  wanted: Settings,
  precondition: Call['precondition'],
) {
  const { store, organization, query, change, write, signal } = call
  const dryRun = query.dryRun ?? false
  // A PUT that says nothing creates, elsewhere: an organization that is found is there.
  const asked = { organizationId: organization.id, ...toStore(wanted), precondition, dryRun, change }
  const answer = await orExplained(store.organizations.updateOrganization(asked, write), {
    organization,
    spec: () => {
      const { name: _name, ...changed } = changedItem(declaredOf(organization), wanted)
      return changed
    },
    current: () => current(store, organization, signal),
  })
  return written(dryRun, answer)
}

function written(
  dryRun: boolean,
  { organization, changes }: CreateOrganizationResponse | UpdateOrganizationResponse,
) {
  if (!organization) throw new TypeError('the store answered without the organization')
  const present = presentOrganization(organization)
  return dryRun ? new DryRun(present, changes) : present
}

async function current(store: StoreClient, { id }: Organization, signal: AbortSignal) {
  const { organization } = await store.organizations.getOrganization(
    { by: { case: 'id', value: id } },
    { signal },
  )
  return organization && presentOrganization(organization)
}

function toStore({ displayName, plan, webhookLimit, rateLimit, ...rest }: Settings) {
  return {
    displayName: displayName ?? '',
    plan: plan ?? '',
    ...(webhookLimit !== undefined && { webhookLimit: BigInt(webhookLimit) }),
    ...rateLimitToStore(rateLimit),
    weight: rest.weight,
    active: rest.active,
    retentionDays: rest.retentionDays,
  }
}

/** As PUT takes it. */
function declaredOf(organization: Organization): Record<string, unknown> {
  const { displayName, plan, webhookLimit, weight, active, retentionDays, rateLimit } = organization
  return {
    displayName,
    plan,
    ...(webhookLimit !== undefined && { webhookLimit: Number(webhookLimit) }),
    weight,
    active,
    retentionDays,
    ...(rateLimit && { rateLimit: { perSecond: rateLimit.perSecond, burst: rateLimit.burst } }),
  }
}

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
    settings: declaredOf(organization),
    etag: organization.etag,
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
