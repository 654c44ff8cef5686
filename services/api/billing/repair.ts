import { z } from 'zod'
import { modeSchema, presentMode } from '../mode.ts'
import { operation } from '../operation.ts'
import { cursor, defaultPageSize, limit, noQuery, organizationParams, pageOf } from '../query.ts'
import { presentTimeOf, timeText } from '../time.ts'
import { rowParams, whichQuery } from './details.ts'

/** What the ledger could not read, computing it anew, and erasing personal data. */

export const quarantine = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/billing/quarantine',
  name: 'listBillingQuarantine',
  tag: 'Billing',
  summary: 'Billing events that could not be read, newest first',
  description: 'They are kept as events like any other, and change nothing in the ledger.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of events.',
  answer: pageOf(
    z
      .object({
        eventId: z.string().meta({ example: 'evt_01jd3k5t9vexqa7w2m8zr4c6hs' }),
        source: z.string(),
        provider: z.string(),
        type: z.string(),
        mode: modeSchema,
        reason: z.string().meta({ example: 'unknown_type' }),
        seenAt: timeText,
      })
      .meta({ id: 'QuarantinedEvent' }),
  ).meta({ id: 'QuarantinedEventPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { events, next } = await store.ledger.listLedgerQuarantine(
      { organizationId: organization.id, cursor: query.cursor ?? '', limit: query.limit ?? defaultPageSize },
      { signal },
    )
    return {
      items: events.map(({ eventId, source, provider, type, mode, reason, seenAt }) => ({
        eventId,
        source,
        provider,
        type,
        mode: presentMode(mode),
        reason,
        seenAt: presentTimeOf(seenAt),
      })),
      next: next || null,
    }
  },
})

export const rebuild = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/billing/rebuild',
  name: 'rebuildLedger',
  tag: 'Billing',
  summary: 'Compute the ledger anew from its facts',
  description:
    'The rows are the same as before, byte by byte, and nobody is told of any. For repairs, and for proof.',
  access: 'administer',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'How much was computed.',
  answer: z.object({ objects: z.int() }).meta({ id: 'RebuiltLedger' }),
  problems: [],
  async handle({ store, organization, change, write }) {
    const { objects } = await store.ledger.rebuildLedger(
      { organizationId: organization.id, change },
      { ...write, timeoutMs: 60_000 },
    )
    return { objects: Number(objects) }
  },
})

export const redact = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/billing/customers/{id}/personal-data',
  name: 'redactCustomer',
  tag: 'Billing',
  summary: 'Erase a customer’s personal data',
  description:
    'Address, name, phone and country go from every table of the ledger, and neither a late event nor a rebuild brings them back. Amounts, states and figures stay. Bodies of the events are kept as long as events are.',
  access: 'administer',
  params: rowParams,
  query: whichQuery,
  status: 204,
  answerDescription: 'It is gone.',
  problems: [],
  async handle({ store, organization, params, query, change, write }) {
    await store.ledger.redactLedgerCustomer(
      {
        organizationId: organization.id,
        customer: params.id,
        provider: query.provider ?? '',
        ...(query.account !== undefined && { account: query.account }),
        change,
      },
      write,
    )
    return undefined
  },
})
