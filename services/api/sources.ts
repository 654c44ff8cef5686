import { type PlainSource, plainSource } from '@fairlead/wire/declared/plain'
import { sourceToStore } from '@fairlead/wire/declared/to-store'
import type { Source } from '@fairlead/wire/store/source'
import { z } from 'zod'
import { managedBy, presentManagedBy, presentRateLimit, rateLimitSchema } from './managed.ts'
import { changedItem, secretRefs } from './managed-by-kubernetes.ts'
import { modeSchema, presentMode } from './mode.ts'
import { organizationParams } from './query.ts'
import { maxSettingBytes, requireDeclared, settingFields } from './setting.ts'
import { settingsOperations } from './settings-resource.ts'
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
    mode: modeSchema.meta({ description: 'Of what it receives from now on.' }),
    account: z.string().nullable().meta({
      description:
        'The provider’s own account, which the ledger tells apart from others; null: none is declared.',
    }),
    search: z
      .object({ pointers: z.array(z.string()), headers: z.array(z.string()) })
      .nullable()
      .meta({ description: 'What its events are found by, beside ids and URL; null: nothing.' }),
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

const { list, get, create, put, patch, remove } = settingsOperations<Source, PlainSource>({
  noun: 'source',
  params: organizationParams.extend({
    source: z.string().min(1).max(63).meta({ description: 'Its name or id.', example: 'stripe' }),
  }),
  body: plainSource.meta({ id: 'SourceSettings' }),
  answer: sourceSchema,
  maxBodyBytes: maxSettingBytes,
  words: {
    list: { summary: 'Sources', answerDescription: 'All sources, by name.' },
    get: { summary: 'One source' },
    create: {
      description:
        'It takes webhooks within a second. Its secrets are stored encrypted and never told again. What the organization’s owner declares stays as it is.',
    },
    put: {
      summary: 'Make a source what the body says, or create it',
      description:
        'What the body leaves out gets its default; a secret without its value stays as it is stored.',
    },
    patch: {
      description:
        'To rotate a secret, give the new one with its value and the old one by its id, wait until `lastMatchedAt` of the old one stands still, then leave it out.',
    },
    remove: {
      description: 'Its webhooks are answered with 404 within a second; its events stay in the log.',
    },
  },
  nameOf: ({ name }) => name,
  present: (source, { slug }) => presentSource(slug, source),
  list: async (store, organizationId, options) =>
    (await store.sources.listSources({ organizationId }, options)).sources,
  async put(store, { name, ...asked }, wanted, options) {
    const request = { ...asked, source: name, ...(wanted && { desired: sourceToStore(wanted) }) }
    const { source, changes } = await store.sources.putSource(request, options)
    return { stored: source, changes }
  },
  remove: (store, { name, ...asked }, options) =>
    store.sources.deleteSource({ ...asked, sourceId: name }, options),
  spec(present, name, wanted) {
    if (!wanted) return { sources: [{ name, active: false }] }
    const old = present.find(source => source.id === name || source.name === name)
    return {
      sources: [
        changedItem(
          { ...old?.declared, secrets: secretRefs(wanted.name, old?.secrets ?? []) },
          { ...wanted, secrets: secretRefs(wanted.name, wanted.secrets) },
        ),
      ],
    }
  },
})

export const sourceOperations = [list, get, create, put, patch, remove]

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
    mode: presentMode(settings?.mode ?? ''),
    account: settings?.account || null,
    search: settings?.search
      ? { pointers: settings.search.pointers, headers: settings.search.headers }
      : null,
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
