import type { RecordedFact } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { type Operation, operation } from '../operation.ts'
import { cursor, defaultPageSize, limit, organizationParams, pageOf, plainText } from '../query.ts'
import { presentTimeOf, timeText } from '../time.ts'
import { type BillingResource, presentPart, presentRow } from './resources.ts'
import { presentTransition, time } from './schemas.ts'

/** One row of the ledger, with its history and its parts; and the facts that it is made of. */

const foreignId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u)
  .meta({ description: "The provider's id.", example: 'sub_1MowQVLkdIwHu7ix' })

const which = {
  provider: z
    .enum(['stripe', 'paypal', 'shopify'])
    .optional()
    .meta({ description: 'Default: the one that has it.' }),
  account: plainText(255)
    .optional()
    .meta({ description: 'The connected account, where several have the id. Default: the first.' }),
}

export const ownParams = z.object({ id: foreignId })
export const rowParams = organizationParams.extend({ id: foreignId })

export const rowOf = (
  { resource }: Pick<BillingResource, 'resource'>,
  organizationId: string,
  id: string,
  query: { readonly provider?: string | undefined; readonly account?: string | undefined },
) => ({
  organizationId,
  resource,
  id,
  provider: query.provider ?? '',
  ...(query.account !== undefined && { account: query.account }),
})

export const whichQuery = z.strictObject(which)

export function getOf(resource: BillingResource, own?: string): Operation {
  const { path, noun, parts, said } = resource
  return operation({
    method: 'get',
    path: `${own ?? `/api/v1/organizations/{slug}/billing/${path}`}/{id}`,
    name: own ? `getOwn${noun}` : `get${noun}`,
    tag: 'Billing',
    summary: `One ${noun.toLowerCase()} of the ledger, with its history`,
    description: `${said} Parts and changes are the newest 500.`,
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? ownParams : rowParams,
    query: whichQuery,
    status: 200,
    answerDescription: 'The row.',
    answer: resource.detail,
    problems: [],
    async handle({ store, organization, params, query, signal }) {
      const found = await store.ledger.getLedgerRow(rowOf(resource, organization.id, params.id, query), {
        signal,
      })
      const shown = parts.map(name => [
        name,
        (found.parts[name]?.items ?? []).map(fields => presentPart(name, fields)),
      ])
      return {
        ...presentRow(resource, found.row),
        ...Object.fromEntries(shown),
        history: found.transitions.map(presentTransition),
      }
    },
  })
}

const factSchema = z
  .object({
    kind: z.string().meta({ description: 'The kind of the object.', example: 'invoice' }),
    objectId: z.string(),
    providerEventId: z.string().meta({
      description:
        "The provider's event; `mention` where other objects' events name the object, `terms` where they hold its price.",
      example: 'evt_1MowQVLkdIwHu7ixraBm864M',
    }),
    eventId: z
      .string()
      .nullable()
      .meta({ description: 'The event of ours that brought it first; null: none did.' }),
    source: z.string().nullable(),
    type: z.string().meta({ example: 'customer.subscription.updated' }),
    apiVersion: z.string(),
    occurredAt: timeText
      .nullable()
      .meta({ description: "By the provider's clock; null: the event tells no time." }),
    recordedAt: timeText,
    complete: z.boolean().meta({ description: 'False: the event cut a list short.' }),
    before: z.unknown().meta({ description: 'What the event says was before; null: it does not say.' }),
    after: z.unknown().meta({ description: 'What the event says of the object, without personal data.' }),
  })
  .meta({ id: 'LedgerFact' })

const factPage = pageOf(factSchema).meta({ id: 'LedgerFactPage' })

/** Why is this row as it is? */
export function factsOf(resource: BillingResource): Operation {
  const { path, noun } = resource
  return operation({
    method: 'get',
    path: `/api/v1/organizations/{slug}/billing/${path}/{id}/facts`,
    name: `list${noun}Facts`,
    tag: 'Billing',
    summary: `Why a ${noun.toLowerCase()} is as it is: the facts that it is made of`,
    description:
      'Oldest first, by the provider’s clock. The row is a function of this set, in whatever order it came.',
    access: 'read',
    params: rowParams,
    query: z.strictObject({ ...which, cursor, limit }),
    status: 200,
    answerDescription: 'A page of facts.',
    answer: factPage,
    problems: ['cursor_invalid'],
    async handle({ store, organization, params, query, signal }) {
      const { facts, next } = await store.ledger.listLedgerFacts(
        {
          row: rowOf(resource, organization.id, params.id, query),
          cursor: query.cursor ?? '',
          limit: query.limit ?? defaultPageSize,
        },
        { signal },
      )
      return { items: facts.map(presentFact), next: next || null }
    },
  })
}

const contentSchema = z.object({
  type: z.string(),
  apiVersion: z.string(),
  before: z.unknown().nullable(),
  after: z.unknown().nullable(),
  complete: z.boolean(),
})

function presentFact({ fact, fairleadEvent, source, recordedAt }: RecordedFact): z.input<typeof factSchema> {
  if (!fact) throw new TypeError('the store answered without the fact')
  const { before, after, ...content } = contentSchema.parse(JSON.parse(fact.json))
  return {
    kind: fact.kind,
    objectId: fact.objectId,
    providerEventId: fact.eventId,
    eventId: fairleadEvent || null,
    source: source || null,
    ...content,
    occurredAt: fact.occurredMs === 0n ? null : time(Number(fact.occurredMs)),
    recordedAt: presentTimeOf(recordedAt),
    before: before ?? null,
    after: after ?? null,
  }
}
