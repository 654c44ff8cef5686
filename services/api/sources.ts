import type { Source } from '@fairlead/wire/store/source'
import { z } from 'zod'
import { managedBy, presentManagedBy, presentRateLimit, rateLimitSchema } from './managed.ts'
import { operation } from './operation.ts'
import { noQuery, organizationParams } from './query.ts'
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

export const sourceOperations = [list]

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
    managedBy: presentManagedBy(source.managedBy),
    createdAt: presentTimeOf(source.createdAt),
  }
}
