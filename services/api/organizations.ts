import { name } from '@fairlead/wire/declared/field'
import { organizationSettings } from '@fairlead/wire/declared/organization-settings'
import { rateLimitToStore } from '@fairlead/wire/declared/to-store'
import {
  type CreateOrganizationResponse,
  type Organization,
  OwnerKind,
  type UpdateOrganizationResponse,
} from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { listOrganizations } from './find-organizations.ts'
import { requireFreshProof } from './fresh-proof.ts'
import { changedItem } from './managed-by-kubernetes.ts'
import { mergePatch } from './merge-patch.ts'
import { type Call, operation } from './operation.ts'
import { seen } from './precondition.ts'
import { declaredOf, organizationSchema, presentOrganization } from './present-organization.ts'
import { noParams, noQuery, organizationParams } from './query.ts'
import { requireBody } from './request.ts'
import { orExplained, patchBody, settingProblems } from './setting.ts'

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

export const organizationOperations = [listOrganizations, create, get, put, patch, remove]

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
    ledgerEnabled: rest.ledger.enabled,
    active: rest.active,
    retentionDays: rest.retentionDays,
  }
}
