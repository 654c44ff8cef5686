import type { Event } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { eventFilterQuery, presentEvent, readEventFilter, receivedQuery } from './events.ts'
import { type Call, operation } from './operation.ts'
import { cursor, maxPageSize, organizationParams } from './query.ts'
import type { Streamed } from './stream.ts'

/** Events of one export; the rest is had with the cursor at its end. */
const mostEvents = 1_000_000

const query = z.strictObject({
  ...eventFilterQuery,
  ...receivedQuery,
  format: z
    .enum(['ndjson', 'csv'])
    .optional()
    .meta({ description: '`ndjson` (the default): an event a line, as in the list; `csv`: RFC 4180.' }),
  cursor,
})
type Query = z.output<typeof query>

/** An export of the list. */
export const exportEvents = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/events/export',
  name: 'exportEvents',
  tag: 'Events',
  summary: 'All events that fit, as a file',
  description:
    'Newest first, as they stand while they are read; four at one time, with those of the ledger. A client that takes nothing for 90 s is cut off. The last line of NDJSON is `{"trailer":{"events":…,"next":…}}`: without it the file is not whole, and `next`, if it is not null, is the cursor of the next file. In CSV, cells that a spreadsheet would take for a formula (beginning with =, +, -, @ or a tab) begin with an apostrophe; a last line `#next,…` has the cursor, `#end` says that there is no more.',
  access: 'read',
  params: organizationParams,
  query,
  status: 200,
  answerDescription: 'The events.',
  streams: ['application/x-ndjson', 'text/csv'],
  problems: ['cursor_invalid'],
  async handle(call) {
    const isCsv = call.query.format === 'csv'
    const streamed: Streamed = {
      contentType: isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
      headers: { 'content-disposition': `attachment; filename="events.${isCsv ? 'csv' : 'ndjson'}"` },
      chunks: isCsv ? csv(call) : ndjson(call),
    }
    return streamed as never
  },
})

/** Page by page: a page is read once the one before has been sent. */
async function* pages({
  store,
  organization,
  query: asked,
  signal,
}: Call<unknown, Query>): AsyncGenerator<{ events: Event[]; next: string }> {
  let next = asked.cursor ?? ''
  for (let count = 0; count < mostEvents && !signal.aborted; ) {
    const page = await store.events.listEvents(
      { organizationId: organization.id, ...readEventFilter(asked), cursor: next, limit: maxPageSize },
      { signal },
    )
    next = page.next
    count += page.events.length
    yield { events: page.events, next }
    if (!next) return
  }
}

async function* ndjson(call: Call<unknown, Query>): AsyncGenerator<string> {
  using _open = call.takeExport()
  let events = 0
  let last = ''
  for await (const { events: page, next } of pages(call)) {
    events += page.length
    last = next
    if (page.length > 0) yield page.map(event => `${JSON.stringify(presentEvent(event))}\n`).join('')
  }
  yield `${JSON.stringify({ trailer: { events, next: last ? call.bindCursor(last) : null } })}\n`
}

const columns = {
  id: event => event.id,
  receivedAt: event => event.receivedAt,
  source: event => event.source,
  provider: event => event.provider,
  type: event => event.type,
  status: event => event.status,
  deliveries: event => String(event.deliveries.total),
  delivered: event => String(event.deliveries.delivered),
  dead: event => String(event.deliveries.dead),
  repeats: event => String(event.repeats.count),
} as const satisfies Record<string, (event: ReturnType<typeof presentEvent>) => string>

async function* csv(call: Call<unknown, Query>): AsyncGenerator<string> {
  using _open = call.takeExport()
  yield `${Object.keys(columns).join(',')}\r\n`
  let last = ''
  for await (const { events, next } of pages(call)) {
    last = next
    const lines = events.map(presentEvent).map(event =>
      Object.values(columns)
        .map(read => csvCell(read(event)))
        .join(','),
    )
    if (lines.length > 0) yield `${lines.join('\r\n')}\r\n`
  }
  yield last ? `#next,${call.bindCursor(last)}\r\n` : '#end\r\n'
}

/** RFC 4180, and no formula but a negative number: https://owasp.org/www-community/attacks/CSV_Injection */
export function csvCell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-\d+$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) || safe !== text ? `"${safe.replaceAll('"', '""')}"` : safe
}
