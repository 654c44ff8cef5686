import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { confirm } from './confirm.ts'
import { printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

interface Promoted {
  readonly rejection: string
  readonly source: string
  readonly event: string
  readonly wasThere: boolean
}

interface PromotedPage {
  readonly promoted: readonly Promoted[]
  readonly left: readonly { readonly reason: string; readonly rejections: number }[]
  readonly next: string | null
}

interface Summary {
  readonly items: readonly {
    readonly source: string
    readonly rejections: number
    readonly wouldPass: number
    readonly stillRefused: number
    readonly undecided: number
    readonly unchecked: number
  }[]
}

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
  const path = `${await api.organizationPath()}/rejections`
  const terminal = openTerminal()
  if (id !== undefined) {
    const promoted = await api.call<Promoted>('POST', `${path}/${encodeURIComponent(id)}/promote`)
    if (values.json) terminal.print(JSON.stringify(promoted))
    else printPromoted([promoted], terminal)
    return exitCode.ok
  }
  const filter = {
    ...(values.source !== undefined && { source: values.source }),
    ...(values.reason !== undefined && { reason: values.reason }),
  }
  const ids: string[] = []
  const left: PromotedPage['left'][number][] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const body = { filter, dryRun: true, ...(cursor !== undefined && { cursor }) }
    const page: PromotedPage = await api.call<PromotedPage>('POST', `${path}/promote`, body)
    ids.push(...page.promoted.map(({ rejection }) => rejection))
    left.push(...page.left)
    cursor = page.next
  }
  const stays = left.reduce((sum, { rejections }) => sum + rejections, 0)
  terminal.note(`${ids.length} of ${ids.length + stays} would pass with the secrets of now.`)
  for (const { reason, rejections } of left) terminal.note(`${rejections} stay: ${printable(reason)}`)
  if (values['dry-run'] || ids.length === 0) return exitCode.ok
  await confirm(`Make events of ${ids.length} rejections?`, values.yes === true)
  for (let at = 0; at < ids.length; at += idsAtOnce) {
    const body = { ids: ids.slice(at, at + idsAtOnce) }
    const { promoted } = await api.call<PromotedPage>('POST', `${path}/promote`, body)
    if (values.json) for (const one of promoted) terminal.print(JSON.stringify(one))
    else printPromoted(promoted, terminal)
  }
  return exitCode.ok
}

/** What the API takes in one call. */
const idsAtOnce = 1_000

function printPromoted(promoted: readonly Promoted[], terminal: Terminal): void {
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
  const query = values.source === undefined ? '' : `?source=${encodeURIComponent(values.source)}`
  const { items } = await api.call<Summary>(
    'GET',
    `${await api.organizationPath()}/rejections/summary${query}`,
  )
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
