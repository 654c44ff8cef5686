import type { Page } from './answer-shapes.ts'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import {
  deleteSetting,
  dryRunQuery,
  printWritten,
  readSettings,
  requireName,
  settingOptions,
  settingUsage,
  updateSetting,
  type Written,
} from './setting.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead routes [list | get ID | create | update ID | delete ID | preview]

Which events go where.

  create   makes a route: --source, --type and --to
  update   changes the settings that are given, and no others
  preview  says which of the last 1,000 events such a route would match

  --source NAME          a source, or a glob of names such as 'stripe-*'
  --type TYPE            an event type or a glob; may be repeated. Default: all
  --to NAME              a destination; may be repeated
${settingUsage}
${apiUsage}`

interface Route {
  readonly id: string
  readonly source: string
  readonly eventTypes: readonly string[]
  readonly destinations: readonly string[]
  readonly order: { readonly key: { readonly pointer?: string; readonly header?: string } } | null
  readonly managedBy: 'owner' | 'tenant'
}

interface Preview {
  readonly examined: number
  readonly matched: number
  readonly oldestAt: string | null
  readonly sample: readonly { id: string; source: string; type: string; receivedAt: string }[]
}

const options = {
  ...apiOptions,
  ...settingOptions,
  source: { type: 'string' },
  type: { type: 'string', multiple: true },
  to: { type: 'string', multiple: true },
} as const

const verbs = ['list', 'get', 'create', 'update', 'delete', 'preview']

export async function routes(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'list', given] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  const settings = {
    ...readSettings(usage, values),
    ...(values.source !== undefined && { source: values.source }),
    ...(values.type && { eventTypes: values.type }),
    ...(values.to && { destinations: values.to }),
  }
  const api = openApi(values)
  const path = `${await api.organizationPath()}/routes`
  const terminal = openTerminal()
  switch (verb) {
    case 'list':
      await list(api, path, values.json ?? false, terminal)
      break
    case 'preview':
      show(await api.call<Preview>('POST', `${path}/preview`, settings), values.json ?? false, terminal)
      break
    case 'create': {
      const made = await api.call<Written>('POST', `${path}${dryRunQuery(values)}`, settings)
      printWritten(made, `Route ${made.id} is made`, values, terminal)
      break
    }
    default: {
      const id = requireName(usage, 'route', given)
      const one = `${path}/${encodeURIComponent(id)}`
      if (verb === 'get') terminal.print(JSON.stringify(await api.call('GET', one)))
      else if (verb === 'delete')
        printWritten(
          await deleteSetting(api, one, `route ${id}`, values),
          `Route ${id} is deleted`,
          values,
          terminal,
        )
      else
        printWritten(
          await updateSetting(api, one, values, () => settings),
          `Route ${id} is changed`,
          values,
          terminal,
        )
    }
  }
  return exitCode.ok
}

async function list(api: ApiClient, path: string, json: boolean, terminal: Terminal): Promise<void> {
  const { items } = await api.call<Pick<Page<Route>, 'items'>>('GET', path)
  if (json) for (const route of items) terminal.print(JSON.stringify(route))
  else if (items.length === 0) terminal.note('There is no route: events stay undelivered.')
  else printTable(columns, items, terminal)
}

function show(preview: Preview, json: boolean, terminal: Terminal): void {
  if (json) {
    terminal.print(JSON.stringify(preview))
    return
  }
  const { examined, matched, oldestAt, sample } = preview
  const now = new Date()
  const since = oldestAt ? ` since ${relativeTime(oldestAt, now)}` : ''
  terminal.print(`${matched} of the last ${examined} events${since} match.`)
  for (const { id, source, type, receivedAt } of sample)
    terminal.print(`  ${id}  ${printable(source)}  ${printable(type)}  ${relativeTime(receivedAt, now)}`)
}

const columns: readonly Column<Route>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'SOURCE', text: ({ source }) => source, least: 8 },
  { title: 'TYPES', text: ({ eventTypes }) => eventTypes.join(', '), least: 8 },
  { title: 'TO', text: ({ destinations }) => destinations.join(', '), least: 8 },
  { title: 'ORDER', text: ({ order }) => order?.key.pointer ?? order?.key.header ?? '–', optional: true },
  { title: 'BY', text: ({ managedBy }) => managedBy, optional: true },
]
