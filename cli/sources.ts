import {
  createSource,
  deleteSource,
  getSource,
  listSources,
  type Source,
  type SourceSettings,
  updateSource,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import {
  deleteSetting,
  dryRunQuery,
  printWritten,
  readSecretFile,
  readSettings,
  requireName,
  type SettingCalls,
  type SettingValues,
  settingOptions,
  settingUsage,
  updateSetting,
  type Written,
} from './setting.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const usage = `fairlead sources [list|get|create|update|rotate|delete] [NAME]

Where webhooks come in, and which secrets still verify them: one line a secret,
with how many events it verified and when it last did. All secrets of a source
are live; after a rotation the old one can go once it matches no more. Says so
where a source swallows many requests as repeats although their bodies differ.

  create  makes a source: --provider, a secret, and settings where it needs any
  update  changes the settings that are given, and no others
  rotate  adds a secret before the others, which stay live; with --drop ID it
          takes out an old one
  delete  its webhooks are answered with 404

  -p, --provider NAME    as fairlead providers lists them
  --secret-file FILE     a file with a secret; - is standard input. For
                         create, update and rotate; may be repeated
  --secret-id ID         what rotate calls the new secret; default: a
                         fingerprint
  --drop ID              the id of a secret that rotate takes out
${settingUsage}
${apiUsage}`

/** One secret of a source; a source without any has one line too. */
interface Line {
  readonly source: Source
  readonly secret: Source['secrets'][number] | undefined
  readonly isFirst: boolean
}

const options = {
  ...apiOptions,
  ...settingOptions,
  provider: { type: 'string', short: 'p' },
  'secret-file': { type: 'string', multiple: true },
  'secret-id': { type: 'string' },
  drop: { type: 'string', multiple: true },
} as const

export async function sources(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'list', given] = positionals
  if (!['list', 'get', 'create', 'update', 'rotate', 'delete'].includes(verb))
    throw usageFault(usage, `list, get, create, update, rotate or delete, not ${verb}`)
  const name = verb === 'list' ? '' : requireName(usage, 'source', given)
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (verb === 'list') return await list(api, slug, values.json ?? false, terminal)
  const one = callsOf(api, slug, name)
  if (verb === 'get') {
    terminal.print(JSON.stringify(await one.get()))
    return exitCode.ok
  }
  if (verb === 'delete') {
    const gone = await deleteSetting(one, `source ${name}`, values)
    printWritten(gone, `Source ${name} is deleted`, values, terminal)
    return exitCode.ok
  }
  const secrets = (values['secret-file'] ?? []).map(file => ({ value: readSecretFile(file) }))
  if (verb === 'rotate') {
    const written = await rotate(one, secrets, values)
    printWritten(written, `Source ${name} has its new secret; the others stay live`, values, terminal)
    return exitCode.ok
  }
  const settings = {
    ...readSettings(usage, values),
    ...(values.provider !== undefined && { provider: values.provider }),
    ...(secrets.length > 0 && { secrets }),
  }
  if (verb === 'update') {
    const written = await updateSetting(one, values, () => settings)
    printWritten(written, `Source ${name} is changed`, values, terminal)
    return exitCode.ok
  }
  // Checked by the API, which names what is wrong.
  const asked = { name, ...settings } as unknown as SourceSettings
  const made = await api.ask(call => createSource(slug, asked, dryRunQuery(values), {}, call))
  printWritten(made, 'dryRun' in made ? '' : `Source ${name} is made: ${made.path}`, values, terminal)
  return exitCode.ok
}

function callsOf(api: ApiClient, slug: string, source: string): SettingCalls {
  return {
    get: () => api.ask(call => getSource(slug, source, call)),
    update: (patch, query, headers) =>
      api.ask(call => updateSource(slug, source, patch, query, headers, call)),
    remove: (query, headers) => api.ask(call => deleteSource(slug, source, query, headers, call)),
  }
}

/** The new secret stands first, the others stay as they are stored. */
async function rotate(
  calls: SettingCalls,
  secrets: readonly { value: string }[],
  values: SettingValues & { 'secret-id'?: string | undefined; drop?: readonly string[] | undefined },
): Promise<Written> {
  const { 'secret-id': id, drop = [] } = values
  if (secrets.length !== 1 && drop.length === 0)
    throw usageFault(usage, 'Which secret is the new one? --secret-file FILE, once; - is standard input')
  return await updateSetting(calls, values, ({ settings }) => {
    const stored = (settings.secrets ?? []) as { id: string }[]
    const unknown = drop.find(one => !stored.some(secret => secret.id === one))
    if (unknown)
      throw new CommandError(
        `There is no secret ${unknown} to drop; there are ${stored.map(secret => secret.id).join(', ')}`,
      )
    const added = secrets.map(({ value }) => ({ ...(id !== undefined && { id }), value }))
    return { secrets: [...added, ...stored.filter(secret => !drop.includes(secret.id))] }
  })
}

async function list(api: ApiClient, slug: string, json: boolean, terminal: Terminal): Promise<number> {
  const { items } = await api.ask(call => listSources(slug, call))
  if (json) for (const source of items) terminal.print(JSON.stringify(source))
  else if (items.length === 0) terminal.note('No source is declared.')
  else printTable(columns(new Date()), items.flatMap(linesOf), terminal)
  if (!json) for (const source of items) warnOf(source, terminal)
  return exitCode.ok
}

/** A source whose deduplication rather takes new events for repeats. */
function warnOf({ name, lastHour }: Source, terminal: Terminal): void {
  if (!lastHour.swallowing) return
  const { repeated, differing } = lastHour
  terminal.note(
    `${name}: ${repeated} requests of the last hour were swallowed as repeats, ${differing} of them with another body: ` +
      `see fairlead rejections --source ${name}, or declare deduplicate: false`,
  )
}

function linesOf(source: Source): Line[] {
  if (source.secrets.length === 0) return [{ source, secret: undefined, isFirst: true }]
  return source.secrets.map((secret, i) => ({ source, secret, isFirst: i === 0 }))
}

function columns(now: Date): Column<Line>[] {
  return [
    { title: 'SOURCE', text: ({ source, isFirst }) => (isFirst ? source.name : ''), least: 8 },
    { title: 'PROVIDER', text: ({ source, isFirst }) => (isFirst ? source.provider : ''), least: 8 },
    { title: 'SECRET', text: ({ secret }) => secret?.id ?? '–', least: 10 },
    { title: 'MATCHED', text: ({ secret }) => (secret ? String(secret.matched) : '–'), alignRight: true },
    {
      title: 'LAST',
      text: ({ source, secret }) => {
        const last = secret ? secret.lastMatchedAt : source.lastEventAt
        return last ? relativeTime(last, now) : 'never'
      },
      colour: ({ secret }) => (secret?.lastMatchedAt === null ? 'yellow' : undefined),
    },
    { title: 'PATH', text: ({ source, isFirst }) => (isFirst ? source.path : ''), optional: true },
  ]
}
