import {
  type CreateRetryBody,
  cancelRetry,
  createRetry,
  getRetry,
  listRetries,
  type PlannedRetry,
  pauseRetry,
  type Retry,
  type RetryDetail,
  resumeRetry,
  startRetry,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { confirm } from './confirm.ts'
import {
  deadLetterOptions,
  deadLetterUsage,
  listRange,
  rateRange,
  readDeadLetterFilters,
} from './dead-letter-filters.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { moreNote } from './take-pages.ts'
import { type Colour, openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead retries [list]
       fairlead retries create [DELIVERY…] [filters] [--dry-run]
       fairlead retries show|start|pause|resume|cancel RETRY

Tries many dead letters again, exactly those that were shown: create notes each,
says how many to which destination, asks, and starts. What dies later is left
out, and counted by show. With --dry-run it is only planned; for 15 minutes
start begins it.

filters
${deadLetterUsage}
  --all                  no filter
create
  --rate N               deliveries a second, 1 to 1000; default 50
  --dry-run              plan it, and print the id for start
  -y, --yes              don't ask
list
  -n, --limit N          how many, 1 to 500; default 20
all
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = { ...apiOptions, ...deadLetterOptions } as const

const verbs = ['list', 'create', 'show', 'start', 'pause', 'resume', 'cancel']
/** Deliveries that one retry may name. */
const mostDeliveries = 1_000

export async function retries(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: mostDeliveries + 1 })
  const [verb = 'list', ...ids] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  const limit = readNumber(usage, 'limit', values.limit, listRange)
  const json = values.json ?? false
  if (verb === 'create') {
    const body = readSelection(values, ids)
    const api = openApi(values)
    const slug = await api.organization()
    const planned = await api.ask(call => createRetry(slug, { ...body, dryRun: true }, {}, call))
    const how = { json, dryRun: values['dry-run'] ?? false, yes: values.yes ?? false }
    return await startPlanned(api, slug, planned, how)
  }
  const [id, ...more] = ids
  if (verb === 'list' ? id !== undefined : more.length > 0)
    throw usageFault(usage, `There is one argument too many: ${more[0] ?? id}`)
  if (verb !== 'list' && id === undefined)
    throw usageFault(usage, 'Which retry? rty_…, as fairlead retries shows')
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (id === undefined) await list(api, slug, limit, json, terminal)
  else {
    const found = await change(api, slug, verb, id)
    if (json) terminal.print(JSON.stringify(found))
    else for (const line of describe(found, new Date())) terminal.print(line)
  }
  return exitCode.ok
}

type Values = Readonly<Partial<Record<keyof typeof options, string | boolean>>>

function readSelection(values: Values, deliveries: string[]): CreateRetryBody {
  const ratePerSecond = readNumber(usage, 'rate', values.rate as string | undefined, rateRange)
  const filter = readDeadLetterFilters(usage, values)
  const hasFilter = Object.keys(filter).length > 0 || values.all === true
  if (deliveries.length > 0 && hasFilter)
    throw usageFault(usage, 'Either deliveries by their ids, or a filter: not both')
  if (deliveries.length > 0) return { deliveries, ratePerSecond }
  if (hasFilter) return { filter, ratePerSecond }
  throw usageFault(usage, 'Which? Name deliveries (dlv_…, as dead-letters shows), a filter, or --all')
}

/** Says what was planned, asks, and starts just that. */
export async function startPlanned(
  api: ApiClient,
  slug: string,
  planned: PlannedRetry,
  how: { readonly json: boolean; readonly dryRun: boolean; readonly yes: boolean },
): Promise<number> {
  const terminal = openTerminal()
  if (how.dryRun || planned.planned === 0) {
    if (how.json) terminal.print(JSON.stringify(planned))
    else for (const line of describePlan(planned)) terminal.print(line)
    if (planned.planned > 0) terminal.note(`Begin it within 15 minutes: fairlead retries start ${planned.id}`)
    return exitCode.ok
  }
  for (const line of describePlan(planned)) terminal.note(line)
  await confirm('Try them again?', how.yes)
  const started = await api.ask(call => startRetry(slug, planned.id, {}, call))
  terminal.print(how.json ? JSON.stringify(started) : started.id)
  if (!how.json) terminal.note(`How far it is: fairlead retries show ${started.id}`)
  return exitCode.ok
}

async function change(api: ApiClient, slug: string, verb: string, id: string): Promise<Retry | RetryDetail> {
  return await api.ask(async call => {
    switch (verb) {
      case 'start':
        return startRetry(slug, id, {}, call)
      case 'pause':
        return pauseRetry(slug, id, {}, call)
      case 'resume':
        return resumeRetry(slug, id, {}, call)
      case 'cancel':
        return cancelRetry(slug, id, {}, call)
      default:
        return getRetry(slug, id, call)
    }
  })
}

function describePlan({ planned, destinations, ratePerSecond }: PlannedRetry): string[] {
  if (planned === 0) return ['Nothing fits.']
  const many = planned === 1 ? '1 dead letter' : `${planned} dead letters`
  const parts = destinations.map(
    ({ destination, deliveries }) => `  ${deliveries} to ${printable(destination)}`,
  )
  return [`${many}, ${ratePerSecond} a second: at least ${Math.ceil(planned / ratePerSecond)} s`, ...parts]
}

function describe(retry: Retry | RetryDetail, now: Date): string[] {
  const { id, state, planned, published, skipped, delivered, failedAgain, fault } = retry
  const since = retry.endedAt ?? retry.startedAt ?? retry.createdAt
  const later = 'later' in retry ? retry.later : undefined
  const open = published - delivered - failedAgain
  return [
    `${printable(id)}  ${state} since ${shortTime(since, now)}, by ${printable(retry.createdBy) || '–'}`,
    `made       ${published} of ${planned}${skipped > 0 ? `, ${skipped} passed over` : ''}`,
    `delivered  ${delivered}`,
    `failed     ${failedAgain}`,
    ...(open > 0 ? [`open       ${open}`] : []),
    ...(later && later.count > 0
      ? [
          `later      ${later.count}${later.orMore ? ' or more' : ''} came to fit since, and are not part of it`,
        ]
      : []),
    ...(fault ? [`fault      ${printable(fault)}`] : []),
  ]
}

async function list(
  api: ApiClient,
  slug: string,
  limit: number,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  const { items, next } = await api.ask(call => listRetries(slug, { limit }, call))
  if (json) for (const retry of items) terminal.print(JSON.stringify(retry))
  else if (items.length === 0) terminal.note('No retry was started yet.')
  else printTable(columns(new Date()), items, terminal)
  if (next !== null && !json) terminal.note(moreNote)
}

const colourOf: Readonly<Partial<Record<Retry['state'], Colour>>> = {
  pending: 'yellow',
  running: 'yellow',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
}

function columns(now: Date): Column<Retry>[] {
  return [
    { title: 'CREATED', text: retry => shortTime(retry.createdAt, now), optional: true },
    { title: 'RETRY', text: retry => retry.id },
    { title: 'STATE', text: retry => retry.state, colour: retry => colourOf[retry.state] },
    { title: 'MADE', text: ({ published, planned }) => `${published}/${planned}`, alignRight: true },
    { title: 'DONE', text: retry => String(retry.delivered), alignRight: true, optional: true },
    { title: 'FAILED', text: retry => String(retry.failedAgain), alignRight: true, optional: true },
    { title: 'BY', text: retry => retry.createdBy || '–', least: 6, optional: true },
  ]
}
