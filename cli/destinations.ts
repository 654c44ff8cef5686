import {
  createDestination,
  type Destination,
  type DestinationSettings,
  deleteDestination,
  getDestination,
  listDestinations,
  pauseDestination,
  resumeDestination,
  testDestination,
  updateDestination,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { showTest } from './destination-test-page.ts'
import {
  deleteSetting,
  dryRunQuery,
  printWritten,
  readNamedSecret,
  readSecretFile,
  readSettings,
  type SettingCalls,
  type SettingValues,
  settingOptions,
  settingUsage,
  updateSetting,
  type Written,
} from './setting.ts'
import { type Column, printTable } from './table.ts'
import { type Colour, openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead destinations [list|get|create|update|delete|test|pause|resume] [NAME]

Where events go, and how each destination does.

  create  makes a destination: --set url=https://…, and what it asks for
  update  changes the settings that are given, and no others
  delete  not while a route names it
  test    sends a signed sample event, and shows the whole exchange; exits 1
          unless it was delivered
  pause   lets its deliveries wait; nothing is lost
  resume  lets them go on

A destination is paused because its declaration says so (declared), because it
answered 410 (gone), because it failed for five days (failing), or because a
member asked (asked). resume ends every pause but a declared one: for that,
set paused=false, or take it out of the declaration.

  --bearer-file FILE     a file with a bearer token; - is standard input
  --basic-file USER=FILE a user name, and a file with the password
  --header-file NAME=FILE
                         a request header, and a file with its value; may be
                         repeated. Replaces all headers that are stored
  --certificate-file FILE, --key-file-of-certificate FILE
                         a client certificate and its key in PEM
${settingUsage}
${apiUsage}`

const options = {
  ...apiOptions,
  ...settingOptions,
  'bearer-file': { type: 'string' },
  'basic-file': { type: 'string' },
  'header-file': { type: 'string', multiple: true },
  'certificate-file': { type: 'string' },
  'key-file-of-certificate': { type: 'string' },
} as const

const verbs = ['list', 'get', 'create', 'update', 'delete', 'test', 'pause', 'resume']

export async function destinations(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'list', given] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  if (verb === 'list' && given !== undefined) throw usageFault(usage, `list shows all: it takes no ${given}`)
  if (verb !== 'list' && given === undefined)
    throw usageFault(usage, 'Which destination? NAME, as the list shows')
  const isWritten = verb === 'create' || verb === 'update'
  const settings = isWritten ? { ...readSettings(usage, values), ...readCredentials(values) } : {}
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (given === undefined) return await list(api, slug, values.json ?? false, terminal)
  const one = callsOf(api, slug, given)
  switch (verb) {
    case 'pause':
    case 'resume': {
      const change = verb === 'pause' ? pauseDestination : resumeDestination
      const destination = await api.ask(call => change(slug, given, {}, call))
      terminal.print(values.json ? JSON.stringify(destination) : standing(destination))
      break
    }
    case 'get':
      terminal.print(JSON.stringify(await one.get()))
      break
    case 'test': {
      const tested = await api.ask(call => testDestination(slug, given, {}, call))
      if (values.json) terminal.print(JSON.stringify(tested))
      else showTest(given, tested, terminal)
      return tested.outcome === 'delivered' ? exitCode.ok : exitCode.failed
    }
    case 'delete': {
      const gone = await deleteSetting(one, `destination ${given}`, values)
      printWritten(gone, `Destination ${given} is deleted`, values, terminal)
      break
    }
    default: {
      const written =
        verb === 'update'
          ? await updateSetting(one, values, () => settings)
          : await create(api, slug, { name: given, ...settings }, values)
      printWritten(
        written,
        `Destination ${given} is ${verb === 'update' ? 'changed' : 'made'}`,
        values,
        terminal,
      )
    }
  }
  return exitCode.ok
}

function callsOf(api: ApiClient, slug: string, destination: string): SettingCalls {
  return {
    get: () => api.ask(call => getDestination(slug, destination, call)),
    update: (patch, query, headers) =>
      api.ask(call => updateDestination(slug, destination, patch, query, headers, call)),
    remove: (query, headers) => api.ask(call => deleteDestination(slug, destination, query, headers, call)),
  }
}

/** The settings are checked by the API, which names what is wrong. */
async function create(
  api: ApiClient,
  slug: string,
  settings: object,
  values: SettingValues,
): Promise<Written> {
  const asked = settings as DestinationSettings
  return await api.ask(call => createDestination(slug, asked, dryRunQuery(values), {}, call))
}

interface Credentials {
  readonly 'bearer-file'?: string | undefined
  readonly 'basic-file'?: string | undefined
  readonly 'header-file'?: readonly string[] | undefined
  readonly 'certificate-file'?: string | undefined
  readonly 'key-file-of-certificate'?: string | undefined
}

function readCredentials(values: Credentials): Record<string, unknown> {
  const { 'bearer-file': bearer, 'basic-file': basic, 'certificate-file': certificate } = values
  const key = values['key-file-of-certificate']
  const auth: unknown[] = []
  if (bearer !== undefined) auth.push({ bearer: { token: readSecretFile(bearer) } })
  if (basic !== undefined) {
    const [username, password] = readNamedSecret(usage, 'basic-file', basic)
    auth.push({ basic: { username, password } })
  }
  if ((certificate === undefined) !== (key === undefined))
    throw usageFault(usage, '--certificate-file and --key-file-of-certificate go together')
  if (certificate !== undefined && key !== undefined)
    auth.push({ mtls: { certificate: readSecretFile(certificate), key: readSecretFile(key) } })
  const headers = (values['header-file'] ?? []).map(text => {
    const [name, value] = readNamedSecret(usage, 'header-file', text)
    return { name, value }
  })
  return { ...(auth.length > 0 && { auth }), ...(headers.length > 0 && { headers }) }
}

async function list(api: ApiClient, slug: string, json: boolean, terminal: Terminal): Promise<number> {
  const { items } = await api.ask(call => listDestinations(slug, call))
  if (json) for (const destination of items) terminal.print(JSON.stringify(destination))
  else if (items.length === 0) terminal.note('No destination is declared.')
  else printTable(columns, items, terminal)
  return exitCode.ok
}

/** How a destination stands after a pause or a resume, which a declared pause outlives. */
function standing({ name, state, pauseReason, waiting }: Destination): string {
  const waits = waiting === 1 ? '1 delivery waits' : `${waiting} deliveries wait`
  if (state !== 'paused') return `${printable(name)} gets its deliveries; ${waits}`
  return `${printable(name)} is paused (${pauseReason}); ${waits}`
}

const colourOfState: Readonly<Record<Destination['state'], Colour>> = {
  healthy: 'green',
  failing: 'red',
  paused: 'yellow',
}

const columns: readonly Column<Destination>[] = [
  { title: 'NAME', text: ({ name }) => name, least: 8 },
  {
    title: 'STATE',
    text: ({ state, pauseReason }) => (pauseReason ? `${state}: ${pauseReason}` : state),
    colour: ({ state }) => colourOfState[state],
  },
  { title: 'WAITING', text: ({ waiting }) => String(waiting), alignRight: true },
  { title: 'DEAD', text: ({ dead }) => String(dead), alignRight: true },
  { title: 'LAST ERROR', text: ({ lastError }) => lastError ?? '–', least: 10, optional: true },
  { title: 'KIND', text: ({ kind }) => kind, optional: true },
]
