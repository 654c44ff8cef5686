import { quarantineReasons } from '@fairlead/ledger/facts'
import type { LedgerRebuild } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { modeSchema, presentMode } from '../mode.ts'
import { operation } from '../operation.ts'
import {
  cursor,
  defaultPageSize,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  rebuildParams,
  time,
} from '../query.ts'
import { presentTime, presentTimeOf, timeText } from '../time.ts'
import { rowParams, whichQuery } from './details.ts'

/** What the ledger could not read, computing it anew, and erasing personal data. */

export const quarantine = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/billing/quarantine',
  name: 'listBillingQuarantine',
  tag: 'Billing',
  summary: 'Billing events that could not be read, newest first',
  description:
    'They are kept as events like any other, and change nothing in the ledger. They are listed for 90 days.',
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

export const retryQuarantine = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/billing/quarantine/retry',
  name: 'retryBillingQuarantine',
  tag: 'Billing',
  summary: 'Read quarantined events again',
  description:
    'After an upgrade that knows their types, or a mended source. Newest first, 50 at most: ask again with the same `before` while `left` is above 0. Each event leaves the quarantine, and comes back if it still can’t be read. Events whose bodies are no longer kept are skipped.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    reason: z.enum(quarantineReasons).optional().meta({ description: 'Only those of this reason.' }),
    before: time.optional().meta({ description: 'Only those that came before this time. Default: now.' }),
  }),
  status: 200,
  answerDescription: 'How many are read again.',
  answer: z
    .object({
      retried: z.int(),
      skipped: z.int().meta({ description: 'Their bodies are no longer kept, or they are being read.' }),
      left: z.int().meta({ description: 'Not looked at yet.' }),
    })
    .meta({ id: 'RetriedQuarantine' }),
  problems: [],
  async handle({ store, organization, body, change, write }) {
    const { reason = '', before } = body
    const asked = { organizationId: organization.id, reason, ...(before && { before }), change }
    const { retried, skipped, left } = await store.ledger.retryLedgerQuarantine(asked, write)
    return { retried, skipped, left }
  },
})

const rebuildSchema = z
  .object({
    id: z.string().meta({ example: 'rbd_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    state: z.enum(['pending', 'running', 'completed', 'failed']),
    mode: modeSchema.nullable().meta({ description: 'Null: of both modes.' }),
    objects: z.int().meta({ description: 'Computed so far.' }),
    of: z.int().meta({ description: 'Objects when it was asked for.' }),
    createdBy: z.string(),
    createdAt: timeText,
    startedAt: timeText.nullable(),
    endedAt: timeText.nullable(),
    fault: z.string().nullable(),
  })
  .meta({ id: 'LedgerRebuild', description: 'The ledger, computed anew from its facts.' })

export const rebuild = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/billing/rebuild',
  name: 'rebuildLedger',
  tag: 'Billing',
  summary: 'Compute the ledger anew from its facts',
  description:
    'The rows are the same as before, byte by byte, and nobody is told of any. For repairs, and for proof. It goes on whoever waits: `GET …/billing/rebuilds/{rebuild}` says how far it is. While one has not ended, it is answered.',
  access: 'administer',
  params: organizationParams,
  query: noQuery,
  status: 202,
  answerDescription: 'It is under way.',
  answer: rebuildSchema,
  problems: [],
  async handle({ store, organization, change, write }) {
    const asked = { organizationId: organization.id, startOnly: true, change }
    return presentRebuild((await store.ledger.rebuildLedger(asked, write)).rebuild)
  },
})

export const getRebuild = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/billing/rebuilds/{rebuild}',
  name: 'getLedgerRebuild',
  tag: 'Billing',
  summary: 'How far a rebuild of the ledger is',
  access: 'read',
  params: rebuildParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The rebuild.',
  answer: rebuildSchema,
  problems: [],
  async handle({ store, organization, params, signal }) {
    const asked = { organizationId: organization.id, rebuildId: params.rebuild }
    return presentRebuild((await store.ledger.getLedgerRebuild(asked, { signal })).rebuild)
  },
})

export const listRebuilds = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/billing/rebuilds',
  name: 'listLedgerRebuilds',
  tag: 'Billing',
  summary: 'Rebuilds of the ledger, newest first',
  description: 'Those of the last 90 days.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of rebuilds.',
  answer: pageOf(rebuildSchema).meta({ id: 'LedgerRebuildPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { rebuilds, next } = await store.ledger.listLedgerRebuilds(
      { organizationId: organization.id, cursor: query.cursor ?? '', limit: query.limit ?? defaultPageSize },
      { signal },
    )
    return { items: rebuilds.map(presentRebuild), next: next || null }
  },
})

function presentRebuild(rebuild: LedgerRebuild | undefined): z.input<typeof rebuildSchema> {
  if (!rebuild) throw new TypeError('the store answered without the rebuild')
  return {
    id: rebuild.id,
    state: rebuild.state as 'pending' | 'running' | 'completed' | 'failed',
    mode: rebuild.mode === '' ? null : presentMode(rebuild.mode),
    objects: Number(rebuild.objects),
    of: Number(rebuild.of),
    createdBy: rebuild.createdBy,
    createdAt: presentTimeOf(rebuild.createdAt),
    startedAt: presentTime(rebuild.startedAt),
    endedAt: presentTime(rebuild.endedAt),
    fault: rebuild.fault || null,
  }
}

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
