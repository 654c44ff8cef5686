import type { ListLedgerRowsRequest } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { csvCell } from '../export-events.ts'
import { type Call, type Operation, operation } from '../operation.ts'
import {
  cursor,
  defaultPageSize,
  limit,
  maxPageSize,
  noParams,
  organizationParams,
  plainText,
  since,
} from '../query.ts'
import type { Streamed } from '../stream.ts'
import { type BillingResource, presentRow } from './resources.ts'

/** Rows of one export; the rest is had with the cursor at its end. */
const mostRows = 1_000_000

const filtersOf = ({ statuses }: BillingResource) => ({
  ...(statuses.length > 0 && {
    status: plainText(200)
      .refine(text => text.split(',').every(status => statuses.includes(status)), `of ${statuses.join(', ')}`)
      .optional()
      .meta({
        description: `One state, or several with commas: ${statuses.join(', ')}.`,
        example: statuses[1],
      }),
  }),
  provider: z.enum(['stripe', 'paypal', 'shopify']).optional(),
  account: plainText(255).optional().meta({ description: 'A connected account.', example: 'acct_1abc' }),
  customer: plainText(255).optional().meta({ description: "The provider's id of a customer." }),
  subscription: plainText(255).optional().meta({ description: "The provider's id of a subscription." }),
  currency: z
    .string()
    .regex(/^[A-Za-z]{3}$/)
    .optional()
    .meta({ description: 'ISO 4217.', example: 'USD' }),
  q: plainText(255).optional().meta({
    description:
      'The beginning of an id; a number, a reference or a name as a whole; of customers the beginning of the address or name.',
  }),
  after: since.optional().meta({ description: 'Created at this time or later.' }),
  before: since.optional().meta({ description: 'Created before this time.' }),
})

type Filters = {
  readonly status?: string | undefined
  readonly provider?: string | undefined
  readonly account?: string | undefined
  readonly customer?: string | undefined
  readonly subscription?: string | undefined
  readonly currency?: string | undefined
  readonly q?: string | undefined
  readonly after?: ListLedgerRowsRequest['after'] | undefined
  readonly before?: ListLedgerRowsRequest['before'] | undefined
}

const asked = ({ resource }: BillingResource, organizationId: string, query: Filters) => ({
  organizationId,
  resource,
  statuses: query.status?.split(',') ?? [],
  provider: query.provider ?? '',
  ...(query.account !== undefined && { account: query.account }),
  customer: query.customer ?? '',
  subscription: query.subscription ?? '',
  currency: query.currency?.toUpperCase() ?? '',
  text: query.q ?? '',
  ...(query.after && { after: query.after }),
  ...(query.before && { before: query.before }),
})

/** A resource's list, under a path that names the organization or under the one of its keys. */
export function listOf(resource: BillingResource, own?: string): Operation {
  const { path, noun, said } = resource
  return operation({
    method: 'get',
    path: own ?? `/api/v1/organizations/{slug}/billing/${path}`,
    name: own ? `listOwn${noun}s` : `list${noun}s`,
    tag: 'Billing',
    summary: `${noun}s of the ledger, newest first`,
    description: own ? `${said} Of the organization that the key belongs to.` : said,
    access: 'read',
    ...(own && { ofOwnOrganization: true }),
    params: own ? noParams : organizationParams,
    query: z.strictObject({ ...filtersOf(resource), cursor, limit }),
    status: 200,
    answerDescription: 'A page of rows.',
    answer: resource.page,
    problems: ['cursor_invalid'],
    async handle({ store, organization, query, signal }) {
      const { rows, next } = await store.ledger.listLedgerRows(
        {
          ...asked(resource, organization.id, query as Filters),
          cursor: query.cursor ?? '',
          limit: query.limit ?? defaultPageSize,
        },
        { signal },
      )
      return { items: rows.map(row => presentRow(resource, row)), next: next || null }
    },
  })
}

/** All rows that fit, as a file. */
export function exportOf(resource: BillingResource): Operation {
  const { path, noun } = resource
  return operation({
    method: 'get',
    path: `/api/v1/organizations/{slug}/billing/${path}/export`,
    name: `export${noun}s`,
    tag: 'Billing',
    summary: `All ${path} that fit, as a file`,
    description:
      'Newest first, as they stand while they are read; four at one time, with those of events. A client that takes nothing for 90 s is cut off. The last line of NDJSON is `{"trailer":{"rows":…,"next":…}}`: without it the file is not whole. In CSV an amount is whole minor units beside its currency, cells that a spreadsheet would take for a formula begin with an apostrophe, and a last line `#next,…` has the cursor, or `#end` says that there is no more.',
    access: 'read',
    params: organizationParams,
    query: z.strictObject({
      ...filtersOf(resource),
      format: z.enum(['ndjson', 'csv']).optional().meta({ description: '`ndjson` (the default) or `csv`.' }),
      cursor,
    }),
    status: 200,
    answerDescription: 'The rows.',
    streams: ['application/x-ndjson', 'text/csv'],
    problems: ['cursor_invalid'],
    async handle(call) {
      const isCsv = call.query.format === 'csv'
      const streamed: Streamed = {
        contentType: isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
        headers: { 'content-disposition': `attachment; filename="${path}.${isCsv ? 'csv' : 'ndjson'}"` },
        chunks: isCsv ? csv(resource, call as ExportCall) : ndjson(resource, call as ExportCall),
      }
      return streamed as never
    },
  })
}

type ExportCall = Call<unknown, Filters & { readonly cursor?: string | undefined }>
type Row = ReturnType<typeof presentRow>

async function* pages(
  resource: BillingResource,
  { store, organization, query, signal }: ExportCall,
): AsyncGenerator<{ rows: Row[]; next: string }> {
  let next = query.cursor ?? ''
  for (let count = 0; count < mostRows && !signal.aborted; ) {
    const page = await store.ledger.listLedgerRows(
      { ...asked(resource, organization.id, query), cursor: next, limit: maxPageSize },
      { signal },
    )
    next = page.next
    count += page.rows.length
    yield { rows: page.rows.map(row => presentRow(resource, row)), next }
    if (!next) return
  }
}

async function* ndjson(resource: BillingResource, call: ExportCall): AsyncGenerator<string> {
  using _open = call.takeExport()
  let rows = 0
  let last = ''
  for await (const { rows: page, next } of pages(resource, call)) {
    rows += page.length
    last = next
    if (page.length > 0) yield page.map(row => `${JSON.stringify(row)}\n`).join('')
  }
  yield `${JSON.stringify({ trailer: { rows, next: last ? call.bindCursor(last) : null } })}\n`
}

async function* csv(resource: BillingResource, call: ExportCall): AsyncGenerator<string> {
  using _open = call.takeExport()
  const names = ['provider', 'account', 'mode', 'id', ...Object.keys(resource.columns)]
  yield `${names.join(',')}\r\n`
  let last = ''
  for await (const { rows, next } of pages(resource, call)) {
    last = next
    const lines = rows.map(row =>
      names.map(name => csvCell(cellText((row as Record<string, unknown>)[name]))).join(','),
    )
    if (lines.length > 0) yield `${lines.join('\r\n')}\r\n`
  }
  yield last ? `#next,${call.bindCursor(last)}\r\n` : '#end\r\n'
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'object' && 'amount' in value) return String(value.amount)
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
