import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CallOptions } from '@connectrpc/connect'
import { type PlainSource, plainSource } from '@fairlead/wire/declared/plain'
import { sourceToStore } from '@fairlead/wire/declared/to-store'
import type { ChangeSchema, PreconditionSchema } from '@fairlead/wire/store/change'
import type { Organization } from '@fairlead/wire/store/organization'
import type { PutSourceResponse, Source } from '@fairlead/wire/store/source'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { managedBy, presentManagedBy, presentRateLimit, rateLimitSchema } from './managed.ts'
import { changedItem, secretRefs } from './managed-by-kubernetes.ts'
import { mergePatch } from './merge-patch.ts'
import { operation } from './operation.ts'
import { seen } from './precondition.ts'
import { ApiError } from './problem.ts'
import { noQuery, organizationParams } from './query.ts'
import { requireBody } from './request.ts'
import {
  maxSettingBytes,
  orExplained,
  orNameTaken,
  patchBody,
  requireDeclared,
  settingFields,
  settingProblems,
} from './setting.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const sourceSchema = z
  .object({
    id: z.string(),
    name: z.string().meta({ example: 'stripe' }),
    provider: z.string().meta({ example: 'stripe' }),
    path: z.string().meta({
      description: "Where the provider posts to, below the receiver's address.",
      example: '/webhooks/acme/stripe',
    }),
    options: z.record(z.string(), z.unknown()).meta({
      description:
        'What the provider needs beside the secret; with `publicUrl`, the URL that it was given and signs, without its query.',
    }),
    scheme: z.unknown().meta({ description: 'The signature scheme, with the provider `custom`; else null.' }),
    toleranceSeconds: z.int().nullable().meta({ description: "Null: the provider's own." }),
    rateLimit: rateLimitSchema,
    deduplicate: z.boolean(),
    trustTraceparent: z.boolean().meta({ description: "True: a request's `traceparent` is linked to." }),
    secrets: z
      .array(
        z.object({
          id: z.string().meta({ example: 'acme-stripe/signing-secret' }),
          lastMatchedAt: timeText.nullable(),
          matched: z
            .int()
            .min(0)
            .meta({ description: 'How many events were verified with it; repeats are not counted.' }),
          createdAt: timeText,
        }),
      )
      .meta({ description: 'All are live. Names only: a secret is never told.' }),
    lastEventAt: timeText.nullable(),
    lastHour: z
      .object({
        accepted: z.int().meta({ description: 'New events.' }),
        repeated: z
          .int()
          .meta({ description: 'Requests that were taken for an event again and not delivered.' }),
        differing: z.int().meta({ description: 'How many of them had another body than that event.' }),
        swallowing: z.boolean().meta({
          description:
            'So many differ (10, and a fifth of all) that the source rather takes new events for repeats: look at its rejections.',
        }),
      })
      .meta({ description: 'What verified in the last hour, as far as the log has been written.' }),
    active: z.boolean().meta({ description: 'False: requests are refused as from an unknown source.' }),
    ...settingFields,
    managedBy,
    createdAt: timeText,
  })
  .meta({ id: 'Source' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/sources',
  name: 'listSources',
  tag: 'Settings',
  summary: 'Sources',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All sources, by name.',
  answer: z.object({ items: z.array(sourceSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { sources } = await store.sources.listSources({ organizationId: organization.id }, { signal })
    return { items: sources.map(source => presentSource(organization.slug, source)) }
  },
})

const sourceParams = organizationParams.extend({
  source: z.string().min(1).max(63).meta({ description: 'Its name or id.', example: 'stripe' }),
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/sources/{source}',
  name: 'getSource',
  tag: 'Settings',
  summary: 'One source',
  access: 'read',
  versioned: true,
  params: sourceParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The source.',
  answer: sourceSchema,
  problems: [],
  handle: async ({ store, organization, params, signal }) =>
    presentSource(organization.slug, await find(store, organization, params.source, signal)),
})

const sourceBody = plainSource.meta({ id: 'SourceSettings' })

const create = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/sources',
  name: 'createSource',
  tag: 'Settings',
  summary: 'Make a source',
  description:
    'It takes webhooks within a second. Its secrets are stored encrypted and never told again. What the organization’s owner declares stays as it is.',
  access: 'administer',
  versioned: true,
  maxBodyBytes: maxSettingBytes,
  params: organizationParams,
  query: dryRunQuery,
  body: sourceBody,
  status: 201,
  answerDescription: 'The source.',
  answer: sourceSchema,
  problems: settingProblems,
  async handle({ store, organization, query, body, change, write }) {
    const asked = {
      organizationId: organization.id,
      source: body.name,
      desired: sourceToStore(body),
      precondition: { absent: true },
      dryRun: query.dryRun ?? false,
      change,
    }
    return written(organization.slug, asked.dryRun, await orNameTaken(store.sources.putSource(asked, write)))
  },
})

const put = operation({
  method: 'put',
  path: '/api/v1/organizations/{slug}/sources/{source}',
  name: 'putSource',
  tag: 'Settings',
  summary: 'Make a source what the body says, or create it',
  description: 'What the body leaves out gets its default; a secret without its value stays as it is stored.',
  access: 'administer',
  versioned: true,
  maxBodyBytes: maxSettingBytes,
  params: sourceParams,
  query: dryRunQuery,
  body: sourceBody,
  status: 200,
  answerDescription: 'The source.',
  answer: sourceSchema,
  problems: settingProblems,
  async handle({ store, organization, params, query, body, precondition, change, write, signal }) {
    const asked = { precondition, dryRun: query.dryRun ?? false, change }
    return await replace(store, organization, params.source, body, asked, { write, signal })
  },
})

const patch = operation({
  method: 'patch',
  path: '/api/v1/organizations/{slug}/sources/{source}',
  name: 'updateSource',
  tag: 'Settings',
  summary: 'Change some fields of a source',
  description:
    'To rotate a secret, give the new one with its value and the old one by its id, wait until `lastMatchedAt` of the old one stands still, then leave it out.',
  access: 'administer',
  versioned: true,
  maxBodyBytes: maxSettingBytes,
  params: sourceParams,
  query: dryRunQuery,
  body: patchBody,
  status: 200,
  answerDescription: 'The source.',
  answer: sourceSchema,
  problems: settingProblems,
  async handle({ store, organization, params, query, body, precondition, change, write, signal }) {
    const present = await find(store, organization, params.source, signal)
    const merged = requireBody(plainSource, mergePatch(requireDeclared(present.declared), body))
    const asked = { precondition: seen(precondition, present.etag), dryRun: query.dryRun ?? false, change }
    return await replace(store, organization, params.source, merged, asked, { write, signal })
  },
})

const remove = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/sources/{source}',
  name: 'deleteSource',
  tag: 'Settings',
  summary: 'Delete a source',
  description: 'Its webhooks are answered with 404 within a second; its events stay in the log.',
  access: 'administer',
  versioned: true,
  params: sourceParams,
  query: dryRunQuery,
  status: 204,
  answerDescription: 'It is gone.',
  problems: settingProblems,
  async handle({ store, organization, params, query, precondition, change, write, signal }) {
    const asked = {
      organizationId: organization.id,
      sourceId: params.source,
      precondition,
      dryRun: query.dryRun ?? false,
      change,
    }
    const { changes } = await orExplained(store.sources.deleteSource(asked, write), {
      organization,
      spec: () => ({ sources: [{ name: params.source, active: false }] }),
      current: () => current(store, organization, params.source, signal),
    })
    return asked.dryRun ? new DryRun(null, changes) : undefined
  },
})

export const sourceOperations = [list, get, create, put, patch, remove]

interface Asked {
  readonly precondition: MessageInitShape<typeof PreconditionSchema>
  readonly dryRun: boolean
  readonly change: MessageInitShape<typeof ChangeSchema>
}

async function replace(
  store: StoreClient,
  organization: Organization,
  source: string,
  wanted: PlainSource,
  asked: Asked,
  { write, signal }: { write: CallOptions; signal: AbortSignal },
) {
  const present = await lookUp(store, organization, source, signal)
  const request = { organizationId: organization.id, source, desired: sourceToStore(wanted), ...asked }
  const answer = await orExplained(store.sources.putSource(request, write), {
    organization,
    spec: () => ({
      sources: [
        changedItem(
          { ...present?.declared, secrets: secretRefs(wanted.name, present?.secrets ?? []) },
          { ...wanted, secrets: secretRefs(wanted.name, wanted.secrets) },
        ),
      ],
    }),
    current: () => current(store, organization, source, signal),
  })
  return written(organization.slug, asked.dryRun, answer)
}

function written(slug: string, dryRun: boolean, { source, changes }: PutSourceResponse) {
  if (!source) throw new TypeError('the store answered without the source')
  const present = presentSource(slug, source)
  return dryRun ? new DryRun(present, changes) : present
}

async function lookUp(store: StoreClient, { id }: Organization, source: string, signal: AbortSignal) {
  const { sources } = await store.sources.listSources({ organizationId: id }, { signal })
  return sources.find(one => one.id === source || one.name === source)
}

/** Throws an ApiError `not_found`. */
async function find(store: StoreClient, organization: Organization, source: string, signal: AbortSignal) {
  const found = await lookUp(store, organization, source, signal)
  if (!found) throw new ApiError('not_found')
  return found
}

async function current(store: StoreClient, organization: Organization, source: string, signal: AbortSignal) {
  const found = await lookUp(store, organization, source, signal)
  return found && presentSource(organization.slug, found)
}

function presentSource(slug: string, source: Source): z.input<typeof sourceSchema> {
  const { settings } = source
  return {
    id: source.id,
    name: source.name,
    provider: settings?.provider ?? '',
    path: `/webhooks/${slug}/${source.name}`,
    options: settings?.options ?? {},
    scheme: settings?.scheme ?? null,
    toleranceSeconds: settings?.toleranceSeconds ?? null,
    rateLimit: presentRateLimit(settings?.rateLimit),
    deduplicate: settings?.deduplicate ?? true,
    trustTraceparent: settings?.trustTraceparent ?? false,
    secrets: source.secrets.map(secret => ({
      id: secret.id,
      lastMatchedAt: presentTime(secret.lastMatchedAt),
      matched: Number(secret.matched),
      createdAt: presentTimeOf(secret.createdAt),
    })),
    lastEventAt: presentTime(source.lastEventAt),
    lastHour: {
      accepted: Number(source.lastHour?.accepted ?? 0),
      repeated: Number(source.lastHour?.repeated ?? 0),
      differing: Number(source.lastHour?.differing ?? 0),
      swallowing: source.lastHour?.swallowing ?? false,
    },
    active: settings?.active ?? true,
    settings: requireDeclared(source.declared),
    etag: source.etag,
    managedBy: presentManagedBy(source.managedBy),
    createdAt: presentTimeOf(source.createdAt),
  }
}
