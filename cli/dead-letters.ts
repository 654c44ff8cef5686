import type { DeadLetter, DeliverySummary, Page } from './answer-shapes.ts'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead dead-letters [list | retry DELIVERY… | discard DELIVERY…]

Deliveries that used up their attempts: lists them (newest first), tries them
again, or takes them off the list.

list
  -d, --destination NAME only this destination's
  --source NAME          only this source's
  --type GLOB            only these types
  -n, --limit N          how many, 1 to 500; default 20
discard
  --reason TEXT          why, for whoever reads the log later
all
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  destination: { type: 'string', short: 'd' },
  source: { type: 'string' },
  type: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  reason: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** Deliveries that one command may name. */
const maxDeliveries = 500

export async function deadLetters(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: maxDeliveries + 1 })
  const [verb = 'list', ...deliveries] = positionals
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  if (!['list', 'retry', 'discard'].includes(verb))
    throw usageFault(usage, `list, retry or discard, not ${verb}`)
  if (verb !== 'list' && deliveries.length === 0)
    throw usageFault(usage, `Which delivery? dlv_…, as the list shows`)
  if (verb === 'discard' && !values.reason) throw usageFault(usage, 'Say why, with --reason')
  const api = openApi(values)
  const path = `${await api.organizationPath()}/dead-letters`
  const terminal = openTerminal()
  if (verb !== 'list') {
    const body = verb === 'discard' ? { reason: values.reason } : undefined
    for (const id of deliveries) {
      const target = `${path}/${encodeURIComponent(id)}/${verb}`
      const delivery = await api.call<DeliverySummary>('POST', target, body)
      const done = verb === 'retry' ? 'is tried again' : 'is discarded'
      const line = `${printable(delivery.id)} to ${printable(delivery.destination)} ${done}`
      terminal.print(values.json ? JSON.stringify(delivery) : line)
    }
    return exitCode.ok
  }
  const filters = new URLSearchParams({ limit: String(limit) })
  for (const name of ['destination', 'source', 'type'] as const)
    if (values[name]) filters.set(name, values[name])
  return await list(api, `${path}?${filters}`, values.json === true, terminal)
}

async function list(api: ApiClient, path: string, json: boolean, terminal: Terminal): Promise<number> {
  const { items, next } = await api.call<Page<DeadLetter>>('GET', path)
  if (json) for (const letter of items) terminal.print(JSON.stringify(letter))
  else if (items.length === 0) terminal.note('No dead letters.')
  else {
    printTable(columns(new Date()), items, terminal)
    if (next) terminal.note(`There are more: --limit shows up to 500`)
  }
  return exitCode.ok
}

function columns(now: Date): Column<DeadLetter>[] {
  return [
    { title: 'DIED', text: letter => shortTime(letter.diedAt, now), optional: true },
    { title: 'DELIVERY', text: letter => letter.id },
    { title: 'TO', text: letter => letter.destination, least: 6 },
    { title: 'TYPE', text: letter => letter.type || '–', least: 16 },
    {
      title: 'TRIES',
      text: letter => String(letter.attemptCount),
      alignRight: true,
      optional: true,
    },
    { title: 'WHY', text: letter => letter.reason, optional: true },
  ]
}
