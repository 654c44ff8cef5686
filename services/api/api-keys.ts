import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { modeOfApiKey } from '@fairlead/wire/api-key'
import { modes } from '@fairlead/wire/mode'
import type { ApiKey } from '@fairlead/wire/store/api_key'
import { z } from 'zod'
import { findAndWrite } from './find-and-write.ts'
import { requireFreshProof } from './fresh-proof.ts'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { keyParams, noQuery, organizationParams, plainText } from './query.ts'
import { roleOf, roles, roleToStore } from './role.ts'
import { scopes } from './scope.ts'
import { requireWithin } from './scopes.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const keySchema = z
  .object({
    id: z.string().meta({ example: 'key_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    name: z.string().meta({ example: 'ci' }),
    prefix: z.string().meta({ description: 'How its text begins.', example: 'sk_live_fl_4f0a' }),
    role: z.enum(roles),
    mode: z.enum(modes).meta({ description: 'Which data it sees and touches.' }),
    scopes: z
      .array(z.string())
      .nullable()
      .meta({ description: 'What of its role it may do; null: all.', example: ['events:read'] }),
    createdAt: timeText,
    lastUsedAt: timeText.nullable().meta({ description: 'To the minute; null: never.' }),
    lastUsedFrom: z
      .string()
      .nullable()
      .meta({ description: 'The address that it was last used from, as of `lastUsedAt`.' }),
    expiresAt: timeText.nullable().meta({ description: 'Null: never.' }),
    previous: z
      .object({
        prefix: z.string(),
        goodUntil: timeText,
        lastUsedAt: timeText.nullable().meta({ description: 'Since the rotation; null: never.' }),
      })
      .nullable()
      .meta({ description: 'Its text of before a rotation; null: none is good any more.' }),
    managedBy,
  })
  .meta({ id: 'ApiKey' })

const newKeySchema = keySchema
  .extend({ key: z.string().meta({ description: 'Its text. Shown this once.' }) })
  .meta({ id: 'NewApiKey' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/api-keys',
  name: 'listApiKeys',
  tag: 'API keys',
  summary: 'API keys that are not revoked, newest first',
  access: 'administer',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The keys, without their text.',
  answer: z.object({ items: z.array(keySchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { apiKeys } = await store.apiKeys.listApiKeys({ organizationId: organization.id }, { signal })
    return { items: apiKeys.map(presentKey) }
  },
})

const create = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/api-keys',
  name: 'createApiKey',
  tag: 'API keys',
  summary: 'Make an API key',
  description:
    'Its text is in this answer and never again; only with an Idempotency-Key a repeat gets it once more.',
  access: 'administer',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    name: plainText(100).meta({ description: 'Unique among the keys that are not revoked.', example: 'ci' }),
    role: z.enum(roles).default('developer').meta({ description: "At most the caller's own." }),
    scopes: z
      .array(z.enum(scopes))
      .min(1)
      .max(scopes.length)
      .optional()
      .meta({
        description:
          "What of its role it may do: at most the caller's own. Absent: all. With `members:write` a key gives people a role whose scopes it has all of.",
        example: ['events:read'],
      }),
    mode: z
      .enum(modes)
      .default('live')
      .meta({ description: 'A test key sees test data alone, and changes nothing that live data shares.' }),
    expiresAt: z.iso
      .datetime({ offset: true })
      .refine(text => Date.parse(text) < Date.UTC(9999, 0), 'a time before 9999')
      .optional()
      .meta({
        description: 'In the future, and of a key that ends itself no later than its own. Absent: never.',
      }),
  }),
  status: 201,
  answerDescription: 'The key, with its text.',
  answer: newKeySchema,
  problems: ['conflict', 'limit_reached', 'proof_too_old'],
  async handle({ store, caller, organization, role, body, change, write }) {
    const endsAt = body.expiresAt === undefined ? null : new Date(body.expiresAt)
    requireWithin(caller, role, { role: body.role, scopes: body.scopes ?? null, endsAt })
    if (body.role === 'owner') requireFreshProof(caller)
    const { apiKey, key } = await store.apiKeys.createApiKey(
      {
        organizationId: organization.id,
        name: body.name,
        role: roleToStore[body.role],
        scopes: body.scopes ?? [],
        mode: body.mode,
        ...(endsAt && { expiresAt: timestampFromDate(endsAt) }),
        change,
      },
      write,
    )
    if (!apiKey) throw new TypeError('the store answered without the key')
    return { ...presentKey(apiKey), key }
  },
})

const defaultOverlapSeconds = 86_400

const rotate = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/api-keys/{key}/rotate',
  name: 'rotateApiKey',
  tag: 'API keys',
  summary: 'Give an API key a new text',
  description:
    'The text of before stays good for `overlapSeconds`; one of an earlier rotation ends at once. Id, name, role, scopes and end stay. The new text is in this answer and never again; only with an Idempotency-Key a repeat gets it once more. If the text of before leaked, take 0.',
  access: 'administer',
  params: keyParams,
  query: noQuery,
  body: z.strictObject({
    overlapSeconds: z.int().min(0).max(2_592_000).default(defaultOverlapSeconds).meta({
      description: 'How long the text of before stays good: 0 to 2,592,000 s (30 days). Default: a day.',
    }),
  }),
  status: 200,
  answerDescription: 'The key, with its new text.',
  answer: newKeySchema,
  problems: ['conflict', 'proof_too_old'],
  async handle(call) {
    const { store, caller, organization, role, params, body, write, signal } = call
    const { apiKey, key } = await findAndWrite(
      call,
      async () => {
        const { apiKeys } = await store.apiKeys.listApiKeys({ organizationId: organization.id }, { signal })
        const present = apiKeys.find(({ id }) => id === params.key)
        if (!present) throw new ApiError('not_found')
        // Whoever gets a key's text can do all that the key can. A role unknown to this version may be any role.
        requireWithin(caller, role, {
          role: roleOf(present.role) ?? 'owner',
          scopes: scopesOf(present),
          endsAt: present.expiresAt ? timestampDate(present.expiresAt) : null,
        })
        if ((roleOf(present.role) ?? 'owner') === 'owner') requireFreshProof(caller)
      },
      (_found, change) =>
        store.apiKeys.rotateApiKey(
          {
            organizationId: organization.id,
            apiKeyId: params.key,
            overlapSeconds: body.overlapSeconds,
            change,
          },
          write,
        ),
    )
    if (!apiKey) throw new TypeError('the store answered without the key')
    return { ...presentKey(apiKey), key }
  },
})

const revoke = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/api-keys/{key}',
  name: 'revokeApiKey',
  tag: 'API keys',
  summary: 'Make an API key useless at once',
  description: 'Its text of before a rotation, too. Safe to repeat. A key can revoke itself.',
  access: 'administer',
  params: keyParams,
  query: noQuery,
  status: 204,
  answerDescription: 'It is useless now.',
  problems: ['conflict'],
  async handle({ store, organization, params, change, write }) {
    const which = { organizationId: organization.id, apiKeyId: params.key }
    await store.apiKeys.revokeApiKey({ ...which, change }, write)
    return undefined
  },
})

export const apiKeyOperations = [list, create, rotate, revoke]

const scopesOf = ({ scopes }: ApiKey) => (scopes.length > 0 ? scopes : null)

function presentKey(key: ApiKey): z.input<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    role: roleOf(key.role) ?? 'viewer',
    mode: modeOfApiKey(key.prefix),
    scopes: scopesOf(key),
    createdAt: presentTimeOf(key.createdAt),
    lastUsedAt: presentTime(key.lastUsedAt),
    lastUsedFrom: key.lastUsedFrom || null,
    expiresAt: presentTime(key.expiresAt),
    previous: key.previous
      ? {
          prefix: key.previous.prefix,
          goodUntil: presentTimeOf(key.previous.goodUntil),
          lastUsedAt: presentTime(key.previous.lastUsedAt),
        }
      : null,
    managedBy: presentManagedBy(key.managedBy),
  }
}
