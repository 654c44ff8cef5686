import {
  type DeadLetter,
  discardDeadLetter,
  discardDeadLetters,
  listDeadLetters,
  retryDeadLetter,
  retryDeadLetters,
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
import { describeReplay, startedLine } from './replay-page.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { takePages } from './take-pages.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead dead-letters [list | retry [DELIVERY…] | discard [DELIVERY…]]

Deliveries that used up their attempts: lists them (newest first), tries them
again, or takes them off the list. Without a DELIVERY, all that the filters
choose are retried or discarded: it says how many, and asks.

filters
${deadLetterUsage}
  --all                  retry and discard: no filter
list
  -n, --limit N          how many, 1 to 500; default 20
retry
  --rate N               by filter: a second, 1 to 1000; default 50
discard
  --reason TEXT          why, for whoever reads the log later
retry and discard by filter
  --dry-run              only say how many
  -y, --yes              don't ask
all
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  ...deadLetterOptions,
  reason: { type: 'string' },
} as const

/** Deliveries that one command may name. */
const maxDeliveries = 500

export async function deadLetters(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: maxDeliveries + 1 })
  const [verb = 'list', ...deliveries] = positionals
  const limit = readNumber(usage, 'limit', values.limit, listRange)
  if (!['list', 'retry', 'discard'].includes(verb))
    throw usageFault(usage, `list, retry or discard, not ${verb}`)
  const ratePerSecond = readNumber(usage, 'rate', values.rate, rateRange)
  const filters = readDeadLetterFilters(usage, values)
  if (verb !== 'list' && deliveries.length === 0 && Object.keys(filters).length === 0 && !values.all)
    throw usageFault(usage, 'Which? Name deliveries (dlv_…, as the list shows), a filter, or --all')
  if (verb === 'discard' && !values.reason) throw usageFault(usage, 'Say why, with --reason')
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (verb !== 'list' && deliveries.length === 0) {
    const how = { json: values.json === true, dryRun: values['dry-run'] === true, yes: values.yes === true }
    const change = { api, slug, filters, terminal, ...how }
    if (verb === 'retry') await retryAll(change, ratePerSecond)
    else await discardAll(change, values.reason!)
    return exitCode.ok
  }
  if (verb !== 'list') {
    const reason = values.reason ?? ''
    for (const id of deliveries) {
      const delivery = await api.ask(async call =>
        verb === 'retry'
          ? retryDeadLetter(slug, id, {}, call)
          : discardDeadLetter(slug, id, { reason }, {}, call),
      )
      const done = verb === 'retry' ? 'is tried again' : 'is discarded'
      const line = `${printable(delivery.id)} to ${printable(delivery.destination)} ${done}`
      terminal.print(values.json ? JSON.stringify(delivery) : line)
    }
    return exitCode.ok
  }
  const { items, more } = await takePages(
    limit,
    page => api.ask(call => listDeadLetters(slug, { ...filters, ...page }, call)),
    until => terminal.note(`Looked back to ${shortTime(until, new Date())}, and going on. Ctrl-C ends it.`),
  )
  if (values.json) for (const letter of items) terminal.print(JSON.stringify(letter))
  else if (items.length === 0) terminal.note('No dead letters.')
  else {
    printTable(columns(new Date()), items, terminal)
    if (more) terminal.note(`There are more: --limit shows up to 500`)
  }
  return exitCode.ok
}

/** The actions on all matching dead letters. */
interface Change {
  readonly api: ApiClient
  readonly slug: string
  readonly filters: Readonly<Record<string, string>>
  readonly terminal: Terminal
  readonly json: boolean
  readonly dryRun: boolean
  readonly yes: boolean
}

async function retryAll({ api, slug, filters, terminal, ...how }: Change, ratePerSecond: number) {
  const asked = { ...filters, ratePerSecond }
  const counted = await api.ask(call => retryDeadLetters(slug, { ...asked, dryRun: true }, {}, call))
  if (how.dryRun || counted.matched === 0) {
    if (how.json) terminal.print(JSON.stringify(counted))
    else for (const line of describeReplay(counted, new Date())) terminal.print(line)
    return
  }
  terminal.note(startedLine(counted))
  await confirm('Try them again?', how.yes)
  const started = await api.ask(call => retryDeadLetters(slug, asked, {}, call))
  terminal.print(how.json ? JSON.stringify(started) : (started.id ?? ''))
  if (!how.json) terminal.note(`How far it is: fairlead replay show ${started.id}`)
}

/** The API takes so many with one call that a few calls take all. */
async function discardAll({ api, slug, filters, terminal, ...how }: Change, discardReason: string) {
  const asked = { ...filters, discardReason }
  const discard = (dryRun: boolean) =>
    api.ask(call => discardDeadLetters(slug, { ...asked, dryRun }, {}, call))
  const counted = await discard(true)
  const many = `${counted.discarded}${counted.more ? ' and more' : ''}`
  if (how.dryRun || counted.discarded === 0) {
    terminal.print(how.json ? JSON.stringify(counted) : many)
    return
  }
  await confirm(`${many} dead letters: discard them for good?`, how.yes)
  let discarded = 0
  for (let more = true; more; ) {
    const done = await discard(false)
    discarded += done.discarded
    more = done.more
  }
  terminal.print(how.json ? JSON.stringify({ discarded }) : `${discarded} are discarded`)
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
