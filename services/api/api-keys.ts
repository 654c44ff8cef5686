import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { ApiKey } from '@fairlead/wire/store/api_key'
import { z } from 'zod'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { keyParams, noQuery, organizationParams, plainText } from './query.ts'
import { mayActAs, roleOf, roles, roleToStore } from './role.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const keySchema = z
  .object({
    id: z.string().meta({ example: 'key_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    name: z.string().meta({ example: 'ci' }),
    prefix: z.string().meta({ description: 'How its text begins.', example: 'sk_live_fl_4f0a' }),
    role: z.enum(roles),
    createdAt: timeText,
    lastUsedAt: timeText.nullable().meta({ description: 'To the minute; null: never.' }),
    expiresAt: timeText.nullable().meta({ description: 'Null: never.' }),
    managedBy,
  })
  .meta({ id: 'ApiKey' })

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
    expiresAt: z.iso
      .datetime({ offset: true })
      .refine(text => Date.parse(text) < Date.UTC(9999, 0), 'a time before 9999')
      .optional()
      .meta({ description: 'In the future. Absent: never.' }),
  }),
  status: 201,
  answerDescription: 'The key, with its text.',
  answer: keySchema
    .extend({ key: z.string().meta({ description: 'Its text. Shown this once.' }) })
    .meta({ id: 'NewApiKey' }),
  problems: ['conflict'],
  async handle({ store, organization, role, body, change, write }) {
    if (!mayActAs(role, body.role)) {
      throw new ApiError('forbidden', `Whoever has the role ${role} makes no key that may do more.`)
    }
    const { apiKey, key } = await store.apiKeys.createApiKey(
      {
        organizationId: organization.id,
        name: body.name,
        role: roleToStore[body.role],
        ...(body.expiresAt && { expiresAt: timestampFromDate(new Date(body.expiresAt)) }),
        change,
      },
      write,
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
  description: 'Safe to repeat. A key can revoke itself.',
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

export const apiKeyOperations = [list, create, revoke]

function presentKey(key: ApiKey): z.input<typeof keySchema> {
  return {
    id: key.id,
    name: key.name,
    prefix: key.prefix,
    role: roleOf(key.role) ?? 'viewer',
    createdAt: presentTimeOf(key.createdAt),
    lastUsedAt: presentTime(key.lastUsedAt),
    expiresAt: presentTime(key.expiresAt),
    managedBy: presentManagedBy(key.managedBy),
  }
}
