import {
  cancelDelivery,
  type ListDeliveriesParams,
  listDeliveries,
  retryDelivery,
  type WaitingDelivery,
} from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { relativeTime, shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { takePages } from './take-pages.ts'
import { openTerminal, printable } from './terminal.ts'

const usage = `fairlead deliveries [list | retry DELIVERY… | cancel DELIVERY…]

Deliveries that have not ended: lists them (the one due first first), tries
scheduled ones now or at another time, or gives them up.

list
  -d, --destination NAME only this destination's
  --source NAME          only this source's
  --type GLOB            only these types
  -n, --limit N          how many, 1 to 500; default 20
retry
  --at T                 at another time: 2026-03-01T12:00:00Z; default now
all
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  destination: { type: 'string', short: 'd' },
  source: { type: 'string' },
  type: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  at: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** Deliveries that one command may name. */
const maxDeliveries = 500

export async function deliveries(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: maxDeliveries + 1 })
  const [verb = 'list', ...ids] = positionals
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  if (!['list', 'retry', 'cancel'].includes(verb))
    throw usageFault(usage, `list, retry or cancel, not ${verb}`)
  if (verb !== 'list' && ids.length === 0) throw usageFault(usage, 'Which delivery? dlv_…, as the list shows')
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  for (const id of ids) {
    const body = values.at ? { at: values.at } : {}
    const delivery = await api.ask(async options =>
      verb === 'retry' ? retryDelivery(slug, id, body, {}, options) : cancelDelivery(slug, id, {}, options),
    )
    const done =
      verb === 'retry' ? `is tried ${values.at ? `at ${printable(values.at)}` : 'now'}` : 'is given up'
    const line = `${printable(delivery.id)} to ${printable(delivery.destination)} ${done}`
    terminal.print(values.json ? JSON.stringify(delivery) : line)
  }
  if (verb !== 'list') return exitCode.ok
  const filters: ListDeliveriesParams = { state: 'waiting' }
  for (const name of ['destination', 'source', 'type'] as const)
    if (values[name]) filters[name] = values[name]
  const { items, more } = await takePages(
    limit,
    page => api.ask(options => listDeliveries(slug, { ...filters, ...page }, options)),
    until =>
      terminal.note(`Looked at those due by ${shortTime(until, new Date())}, and going on. Ctrl-C ends it.`),
  )
  if (values.json) for (const delivery of items) terminal.print(JSON.stringify(delivery))
  else if (items.length === 0) terminal.note('No delivery waits.')
  else {
    printTable(columns(new Date()), items, terminal)
    if (more) terminal.note('There are more: --limit shows up to 500')
  }
  return exitCode.ok
}

function columns(now: Date): Column<WaitingDelivery>[] {
  const isToCome = ({ nextAttemptAt }: WaitingDelivery) =>
    nextAttemptAt !== null && new Date(nextAttemptAt) > now
  return [
    {
      title: 'DUE',
      text: delivery => (isToCome(delivery) ? relativeTime(delivery.nextAttemptAt!, now) : 'now'),
    },
    { title: 'DELIVERY', text: delivery => delivery.id },
    { title: 'TO', text: delivery => delivery.destination, least: 6 },
    { title: 'TRIES', text: delivery => String(delivery.attemptCount), alignRight: true, optional: true },
    { title: 'TYPE', text: delivery => delivery.type || '–', least: 6, optional: true },
  ]
}
