import { setTimeout as wait } from 'node:timers/promises'
import { type Event, getEvent, type ListEventsParams, listEvents } from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { eventColumns, widestEvent } from './event-columns.ts'
import { printEvent } from './event-page.ts'
import { readTime } from './read-time.ts'
import { shortTime } from './show-time.ts'
import { headerLine, layOut, printTable, rowLine } from './table.ts'
import { takePages } from './take-pages.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const usage = `fairlead events [EVENT] [--source S] [--status S] [--type GLOB] [--follow]

Lists events, newest first; with an event's id shows that one, with its
attempts, headers and body. REPEATS counts requests that were taken for an event
again and not delivered; +2! are two, and some had another body: see rejections.

  --source NAME          only this source's
  --status STATUS        only pending, processing, success, failed or unrouted
                         (no route wanted it) ones
  --type GLOB            only those with a type like this: invoice.*
  -q, --search TEXT      only those with this text in their type or URL, or this id
  --value POINTER=TEXT   only those with this value in their body, such as
                         /data/object/id=in_1; may be repeated. At once where a
                         source declares the pointer in its search
  --header NAME=TEXT     the same of a request header
  --mode MODE            only live or test data
  --after T, --before T  only those received then: 2026-03-01, or
                         2026-03-01T12:00:00Z, "2026-03-01 12:00" or -10m
  -n, --limit N          how many, 1 to 10000; default 20
  -f, --follow           go on, with new events and those whose status changes,
                         until Ctrl-C
  --json                 the API's own JSON, one event a line
${apiUsage}`

const options = {
  ...apiOptions,
  source: { type: 'string' },
  status: { type: 'string' },
  type: { type: 'string' },
  search: { type: 'string', short: 'q' },
  value: { type: 'string', multiple: true },
  header: { type: 'string', multiple: true },
  mode: { type: 'string' },
  after: { type: 'string' },
  before: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  follow: { type: 'boolean', short: 'f' },
  json: { type: 'boolean' },
} as const

/** The API's limit for a page. */
const pageSize = 500
/** How often --follow asks, ms. */
const followMs = 1_000
/** Events whose status --follow remembers: older ones have long settled. */
const rememberedEvents = 2_000

export async function events(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 1 })
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 10_000, otherwise: 20 })
  const [id] = positionals
  if (id && values.follow) throw usageFault(usage, '--follow goes with the list, not with one event')
  const api = openApi(values)
  const terminal = openTerminal()
  const slug = await api.organization()
  if (id) {
    const event = await api.ask(options => getEvent(slug, id, options))
    if (values.json) terminal.print(JSON.stringify(event))
    else printEvent(event, new Date(), terminal)
    return exitCode.ok
  }
  const filters: Record<string, string | string[]> = {}
  for (const name of ['source', 'status', 'type', 'value', 'header', 'mode'] as const) {
    if (values[name]) filters[name] = values[name]
  }
  for (const name of ['after', 'before'] as const) {
    const time = readTime(usage, name, values[name], new Date())
    if (time) filters[name] = time
  }
  if (values.search) filters.q = values.search
  const list = async (most: number) => {
    const { items } = await takePages(
      most,
      ({ limit, cursor }) => {
        const page = { limit: Math.min(limit, pageSize), ...(cursor !== undefined && { cursor }) }
        return api.ask(options => listEvents(slug, { ...filters, ...page } as ListEventsParams, options))
      },
      until => terminal.note(`Looked back to ${shortTime(until, new Date())}, and going on. Ctrl-C ends it.`),
    )
    return items
  }
  const found = await list(limit)
  if (values.follow) return await follow(() => list(pageSize), found, values.json === true, terminal)
  if (values.json) for (const event of found) terminal.print(JSON.stringify(event))
  else if (found.length > 0) printTable(eventColumns(new Date()), found, terminal)
  else
    terminal.note(
      Object.keys(filters).length > 0
        ? 'No event fits.'
        : 'There is no event yet. Send one: fairlead send stripe',
    )
  return exitCode.ok
}

/** Asks again and again; prints each event once for each status that it is seen in. Ends with the process. */
async function follow(
  list: () => Promise<Event[]>,
  first: readonly Event[],
  json: boolean,
  terminal: Terminal,
): Promise<never> {
  const layout = layOut(eventColumns(new Date()), [...first, widestEvent], terminal)
  if (!json) terminal.print(headerLine(layout, terminal))
  const seen = new Map<string, string>()
  let found = first
  for (;;) {
    for (const event of found.toReversed()) {
      if (seen.get(event.id) === event.status) continue
      seen.delete(event.id)
      seen.set(event.id, event.status)
      if (seen.size > rememberedEvents) seen.delete(seen.keys().next().value!)
      terminal.print(json ? JSON.stringify(event) : rowLine(layout, event, terminal))
    }
    await wait(followMs)
    found = await list()
  }
}
