import { billingNoticeTypes, noticeTypes } from '@fairlead/wire/notice'
import { z } from 'zod'
import {
  createDocument,
  type ZodOpenApiObject,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi'
import { saidOfEnd } from './deprecation.ts'
import { dryRunSchema } from './dry-run.ts'
import { billingNoticeBody, noticeBody, noticePayloads } from './notification-payloads.ts'
import { keepsAnswer, needsMatch, type Operation, type Tag } from './operation.ts'
import { operations } from './operations.ts'
import { type ProblemCode, problemSchema, problems } from './problem.ts'
import { bodyExamples } from './reference/body-examples.ts'
import { saidOf } from './rights.ts'

export type OpenApiDocument = ReturnType<typeof createDocument>

/** Every tag, in the order of the documentation. */
const tags: Readonly<Record<Tag, string>> = {
  Organizations: 'Tenants of the platform.',
  Events: 'Webhooks that were accepted, and what became of them.',
  Deliveries: 'Deliveries that have not ended.',
  'Dead letters': 'Deliveries that used up their attempts.',
  Replays: 'Selections of events that are delivered again.',
  Retries: 'Dead letters that are tried again together, exactly as they were planned.',
  Issues: 'What fails, or is refused, for one reason.',
  Analytics: 'Counts over time, and usage.',
  Billing: 'The ledger: plans, customers, subscriptions, invoices and payments, kept from billing events.',
  Rejections: 'Requests that failed verification: why was this answered 401?',
  Settings: 'Sources, destinations and routes.',
  'API keys': 'Keys of an organization.',
  Members: 'People of an organization, and those who are invited.',
  People: 'Who calls, and the sessions of a person.',
  'Tenant accounts':
    'Organizations that people register themselves, with passwords; only where the platform offers it.',
  'Audit log': 'Who changed what.',
  Platform: 'How the platform itself does, and whose something is: for its operators.',
}

/** Problems that every operation can answer with. */
const alwaysPossible: readonly ProblemCode[] = [
  'request_invalid',
  'unauthenticated',
  'rate_limited',
  'internal',
  'unavailable',
  'timed_out',
]

/** The API as an OpenAPI 3.1 document, made from the very schemas that check requests and type answers. */
export function openApiDocument(described: readonly Operation[] = operations): OpenApiDocument {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {}
  for (const operation of described) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) }
  }
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'Fairlead API',
        version: '1',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        description:
          'Read what became of every webhook, deliver it again, and manage settings and keys. Errors are problem documents (RFC 9457): branch on `code`, never on the text. Lists are paged by cursor. New fields may be added to answers at any time.\n\nEvery answer has `x-request-id`. `RateLimit-Policy` tells the limit of one credential and `RateLimit` what is left of it; 429 and 503 say in `Retry-After` how many seconds to wait. An operation that will go answers with `Deprecation` and `Sunset`, at least six months ahead. A setting that is read with `If-None-Match` and its `ETag` is answered with 304 while it is unchanged.',
      },
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      security: [{ apiKey: [] }],
      paths: paths as NonNullable<ZodOpenApiObject['paths']>,
      webhooks: noticeWebhooks(),
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description:
              'An API key. A key of an organization sees that organization alone; everything else is answered 404. A key of the platform may name any.',
          },
        },
      },
    },
    // `format` replaces zod's pattern for the same format.
    {
      override: ({ jsonSchema }) => {
        if (jsonSchema.format) delete jsonSchema.pattern
        // No control character. What makes requests and clients from the document knows ranges rather than classes of Unicode.
        if (jsonSchema.pattern) {
          const controls = String.raw`[^\u0000-\u001f\u007f-\u009f]`
          jsonSchema.pattern = jsonSchema.pattern.replaceAll(String.raw`\P{Cc}`, controls)
        }
        // Keywords for Kubernetes' API server only.
        for (const name of Object.keys(jsonSchema)) {
          if (name.startsWith('x-kubernetes-')) delete (jsonSchema as Record<string, unknown>)[name]
        }
      },
    },
  )
}

/** What Fairlead sends of itself, and of an organization's ledger; see `putNotifications`. */
function noticeWebhooks(): NonNullable<ZodOpenApiObject['webhooks']> {
  return Object.fromEntries([
    ...noticeTypes.map(type => [
      type,
      noticeWebhook(type, 'Settings', noticePayloads[type][0], noticeBody(type)),
    ]),
    ...billingNoticeTypes.map(type => [
      type,
      noticeWebhook(type, 'Billing', saidOfBilling(type), billingNoticeBody(type)),
    ]),
  ])
}

function saidOfBilling(type: string): string {
  const [noun = '', change = ''] = type.split('.')
  return change === 'history_changed'
    ? `A late event changed the past of a ${noun}, and not its state.`
    : `A ${noun} of the ledger: ${change.replaceAll('_', ' ')}.`
}

const noticeWebhook = (type: string, tag: Tag, summary: string, schema: z.ZodType) => ({
  post: {
    operationId: `notice:${type}`,
    tags: [tag],
    summary,
    description:
      'Signed by the organization’s secret as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.',
    requestBody: { required: true, content: { 'application/json': { schema } } },
    responses: { '2XX': { description: 'It was taken. Anything else is tried again.' } },
  },
})

function describe(operation: Operation): ZodOpenApiOperationObject {
  const { body } = operation
  const allowed = operation.open ? 'Allowed to: anyone.' : `Allowed to: ${saidOf(operation.access)}.`
  const description = [
    operation.description,
    allowed,
    operation.deprecated && saidOfEnd(operation.deprecated),
  ]
    .filter(Boolean)
    .join('\n\n')
  return {
    operationId: operation.name,
    tags: [operation.tag],
    summary: operation.summary,
    description,
    requestParams: {
      path: operation.params,
      query: operation.query,
      ...(keepsAnswer(operation) && {
        header: needsMatch(operation) ? settingHeaders(operation) : idempotencyHeader,
      }),
    },
    ...(operation.open && { security: [] }),
    ...(body && {
      requestBody: {
        required: !body.safeParse(undefined).success,
        content: { 'application/json': { schema: body, ...exampleOf(operation) } },
      },
    }),
    ...(operation.deprecated && { deprecated: true }),
    responses: {
      ...answersOf(operation),
      ...problemResponses(operation),
    } as ZodOpenApiResponsesObject,
  }
}

function exampleOf({ name }: Operation) {
  return name in bodyExamples ? { example: bodyExamples[name] } : {}
}

const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(255)
    // Spaces at either end are lost on the way.
    .regex(/^[!-~]([ -~]*[!-~])?$/)
    .optional()
    .meta({
      description:
        'A repeat with the same key, within a day, gets the first answer, with `Idempotent-Replayed: true`, and changes nothing. What failed is forgotten, and tried anew.',
    }),
})

const settingHeaders = ({ method }: Operation) =>
  idempotencyHeader.extend({
    'If-Match': z
      .string()
      .max(2000)
      .optional()
      .meta({
        description:
          method === 'put'
            ? 'The `ETag` that was read, or * for any. Without it a PUT only creates; if there is one already it is answered with 428.'
            : 'The `ETag` that was read, or * for any; without it the answer is 428, and 412 if it has changed since.',
        example: '*',
      }),
    ...(method === 'put' && {
      'If-None-Match': z
        .string()
        .max(10)
        .optional()
        .meta({ description: '`*`: create it, and answer 412 if it is there.', example: '*' }),
    }),
  })

/** Answers of success: the operation's own, and a dry run's. */
function answersOf(operation: Operation): Record<string, unknown> {
  const { answer, status, answerDescription, versioned, streams } = operation
  const headers = versioned && status !== 204 && { headers: z.object({ ETag: etag }) }
  const own = {
    description: answerDescription,
    ...headers,
    ...(answer && { content: { 'application/json': { schema: answer } } }),
    ...(streams && { content: Object.fromEntries(streams.map(type => [type, { schema: z.string() }])) }),
  }
  if (!('dryRun' in operation.query.shape)) return { [status]: own }
  if (status !== 200) {
    const content = { 'application/json': { schema: dryRunSchema } }
    return { [status]: own, 200: { description: 'With dryRun: what would be.', content } }
  }
  const content = { 'application/json': { schema: z.union([answer!, dryRunSchema]) } }
  return { 200: { ...own, content } }
}

const etag = z.string().meta({
  description:
    'Names this state of the setting, for `If-Match`. The same for every credential; counts and times in the answer do not count.',
  example: '"src_01jd3k5t9vexqa7w2m8zr4c6hs.3"',
})

const ofBodies: readonly ProblemCode[] = [
  'body_unreadable',
  'too_large',
  'media_type_unsupported',
  'transfer_coding_unknown',
]

function problemResponses(operation: Operation): Record<string, unknown> {
  const codes = new Set<ProblemCode>([...alwaysPossible, ...operation.problems])
  if (operation.path.includes('{')) codes.add('not_found')
  if (operation.access !== 'read') codes.add('forbidden')
  if (operation.body) for (const code of ofBodies) codes.add(code)
  if (keepsAnswer(operation)) codes.add('idempotency_in_progress').add('idempotency_key_reused')
  if (needsMatch(operation)) codes.add('precondition_required').add('precondition_failed')
  const byStatus = new Map<number, string[]>()
  for (const code of codes) {
    const [status, sentence] = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), `\`${code}\`: ${sentence}`])
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, lines]) => [
        status,
        {
          description: lines.join('\n\n'),
          ...((status === 429 || status === 503) && { headers: z.object({ 'Retry-After': retryAfter }) }),
          content: { 'application/problem+json': { schema: problemSchema } },
        },
      ]),
  )
}

const retryAfter = z.string().meta({ description: 'Seconds to wait.', example: '2' })

/** Where the document is kept, for reviewers to see what a change does to it and for generators of clients. */
export const documentFile = new URL('../../docs/openapi.json', import.meta.url)

export function documentText(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`
}
