import {
  type PromotedRejection,
  type PromotedRejections,
  promoteRejection,
  promoteRejections as promoteThem,
  summarizeRejections as summarizeThem,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { confirm } from './confirm.ts'
import { printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead rejections promote REJECTION
       fairlead rejections promote --all [--source S] [--reason R] [--dry-run]

Makes events of rejections that verify with the secrets of now: put the secret
right first. Each keeps the time at which it was received, is delivered once,
and leaves the list. What would still be refused stays.

  --all                  all that would pass, after a question
  --source NAME          with --all: only this source's
  --reason WORD          with --all: only those refused for it
  --dry-run              with --all: only tell which
  -y, --yes              don't ask
  --json                 the API's own JSON, one a line
${apiUsage}`

export async function promoteRejections(args: readonly string[]): Promise<number> {
  const options = {
    ...apiOptions,
    all: { type: 'boolean' },
    source: { type: 'string' },
    reason: { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean', short: 'y' },
    json: { type: 'boolean' },
  } as const
  const { values, positionals } = readArguments(usage, args, options, { most: 1 })
  const [id] = positionals
  if ((id === undefined) === !values.all) {
    throw usageFault(usage, 'Which rejection? Its number, as the list shows, or --all')
  }
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (id !== undefined) {
    const promoted = await api.ask(call => promoteRejection(slug, id, {}, call))
    if (values.json) terminal.print(JSON.stringify(promoted))
    else printPromoted([promoted], terminal)
    return exitCode.ok
  }
  const filter = {
    ...(values.source !== undefined && { source: values.source }),
    ...(values.reason !== undefined && { reason: values.reason }),
  }
  const { ids, left } = await preview(api, slug, filter)
  const stays = left.reduce((sum, { rejections }) => sum + rejections, 0)
  terminal.note(`${ids.length} of ${ids.length + stays} would pass with the secrets of now.`)
  for (const { reason, rejections } of left) terminal.note(`${rejections} stay: ${printable(reason)}`)
  if (values['dry-run'] || ids.length === 0) return exitCode.ok
  await confirm(`Make events of ${ids.length} rejections?`, values.yes === true)
  for (let at = 0; at < ids.length; at += idsAtOnce) {
    const body = { ids: ids.slice(at, at + idsAtOnce) }
    const { promoted, left } = await api.ask(call => promoteThem(slug, body, {}, call))
    const unchecked = left.find(({ reason }) => reason === 'unchecked')
    if (unchecked) terminal.note(`${unchecked.rejections} were not verified in time: run this again.`)
    if (values.json) for (const one of promoted) terminal.print(JSON.stringify(one))
    else printPromoted(promoted, terminal)
  }
  return exitCode.ok
}

/** What would be promoted, page by page: these run, and none that come later. */
async function preview(
  api: ApiClient,
  slug: string,
  filter: { readonly source?: string; readonly reason?: string },
): Promise<{ ids: string[]; left: PromotedRejections['left'] }> {
  const ids: string[] = []
  const left: PromotedRejections['left'] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const body = { filter, dryRun: true, ...(cursor !== undefined && { cursor }) }
    const page: PromotedRejections = await api.ask(call => promoteThem(slug, body, {}, call))
    ids.push(...page.promoted.map(({ rejection }) => rejection))
    left.push(...page.left)
    cursor = page.next
  }
  return { ids, left }
}

/** What the API takes in one call. */
const idsAtOnce = 1_000

function printPromoted(promoted: readonly PromotedRejection[], terminal: Terminal): void {
  for (const { event, wasThere } of promoted) {
    terminal.print(wasThere ? `${event}  ${terminal.paint('dim', 'was there already')}` : event)
  }
}

const summaryUsage = `fairlead rejections summary [--source S]

Tells how many rejections would pass with the secrets of now, by source.

  --source NAME          only this source's
  --json                 the API's own JSON, one a line
${apiUsage}`

export async function summarizeRejections(args: readonly string[]): Promise<number> {
  const options = { ...apiOptions, source: { type: 'string' }, json: { type: 'boolean' } } as const
  const { values } = readArguments(summaryUsage, args, options, { most: 0 })
  const api = openApi(values)
  const slug = await api.organization()
  const filter = values.source === undefined ? {} : { source: values.source }
  const { items } = await api.ask(call => summarizeThem(slug, filter, call))
  const terminal = openTerminal()
  if (values.json) for (const item of items) terminal.print(JSON.stringify(item))
  else if (items.length === 0) terminal.note('No request was refused in the last 72 hours.')
  else
    printTable(
      [
        { title: 'SOURCE', text: item => item.source, least: 6 },
        { title: 'WOULD PASS', text: item => `${item.wouldPass} of ${item.rejections}`, alignRight: true },
        { title: 'STILL REFUSED', text: item => String(item.stillRefused), alignRight: true },
        { title: 'UNDECIDED', text: item => String(item.undecided), alignRight: true },
        { title: 'UNCHECKED', text: item => String(item.unchecked), alignRight: true },
      ],
      items,
      terminal,
    )
  return exitCode.ok
}
