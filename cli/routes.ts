import {
  createRoute,
  deleteRoute,
  getRoute,
  listRoutes,
  type PreviewRouteBody,
  previewRoute,
  type Route,
  type RouteOrderKey,
  type RoutePreview,
  type RouteSettings,
  updateRoute,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import {
  deleteSetting,
  dryRunQuery,
  printWritten,
  readSettings,
  requireName,
  type SettingCalls,
  settingOptions,
  settingUsage,
  updateSetting,
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
  const slug = await api.organization()
  const terminal = openTerminal()
  switch (verb) {
    case 'list':
      await list(api, slug, values.json ?? false, terminal)
      break
    case 'preview':
      show(
        // Checked by the API, which names what is wrong.
        await api.ask(call => previewRoute(slug, settings as unknown as PreviewRouteBody, call)),
        values.json ?? false,
        terminal,
      )
      break
    case 'create': {
      const asked = settings as unknown as RouteSettings
      const made = await api.ask(call => createRoute(slug, asked, dryRunQuery(values), {}, call))
      printWritten(made, 'dryRun' in made ? '' : `Route ${made.id} is made`, values, terminal)
      break
    }
    default: {
      const id = requireName(usage, 'route', given)
      const one = callsOf(api, slug, id)
      if (verb === 'get') terminal.print(JSON.stringify(await one.get()))
      else if (verb === 'delete')
        printWritten(
          await deleteSetting(one, `route ${id}`, values),
          `Route ${id} is deleted`,
          values,
          terminal,
        )
      else
        printWritten(
          await updateSetting(one, values, () => settings),
          `Route ${id} is changed`,
          values,
          terminal,
        )
    }
  }
  return exitCode.ok
}

function callsOf(api: ApiClient, slug: string, route: string): SettingCalls {
  return {
    get: () => api.ask(call => getRoute(slug, route, call)),
    update: (patch, query, headers) => api.ask(call => updateRoute(slug, route, patch, query, headers, call)),
    remove: (query, headers) => api.ask(call => deleteRoute(slug, route, query, headers, call)),
  }
}

async function list(api: ApiClient, slug: string, json: boolean, terminal: Terminal): Promise<void> {
  const { items } = await api.ask(call => listRoutes(slug, call))
  if (json) for (const route of items) terminal.print(JSON.stringify(route))
  else if (items.length === 0) terminal.note('There is no route: events stay undelivered.')
  else printTable(columns, items, terminal)
}

function show(preview: RoutePreview, json: boolean, terminal: Terminal): void {
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

const keyText = (key: RouteOrderKey): string => ('pointer' in key ? key.pointer : key.header)

const columns: readonly Column<Route>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'SOURCE', text: ({ source }) => source, least: 8 },
  { title: 'TYPES', text: ({ eventTypes }) => eventTypes.join(', '), least: 8 },
  { title: 'TO', text: ({ destinations }) => destinations.join(', '), least: 8 },
  { title: 'ORDER', text: ({ order }) => (order ? keyText(order.key) : '–'), optional: true },
  { title: 'BY', text: ({ managedBy }) => managedBy, optional: true },
]
