import {
  type DryRun,
  getNotifications,
  type NotificationSettings,
  type Notifications,
  putNotifications,
} from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { readSpan } from './read-time.ts'
import { dryRunQuery, printWritten } from './setting.ts'
import { openTerminal, printable } from './terminal.ts'

const usage = `fairlead notifications [show]
       fairlead notifications set [--to DESTINATION] [--type T]… [--silent S=T]…
       fairlead notifications off

Where an organization is told of what happens to it: of destinations that fail
and recover, sources that fall silent, quotas, issues, and keys that expire.
Notices are events of the source _fairlead, signed and retried like any other.

  set  changes what is named, and keeps the rest; without --type, all are told
  off  tells nothing any more

  --to DESTINATION       its name or id
  --type TYPE            only these, such as issue.opened; may be repeated
  --silent SOURCE=SPAN   told after so long without an event: 45s, 30m, 12h, 7d;
                         0s takes it away; may be repeated
  --dry-run              say what would change, and change nothing
  --json                 the API's own JSON
${apiUsage}`

const options = {
  ...apiOptions,
  to: { type: 'string' },
  type: { type: 'string', multiple: true },
  silent: { type: 'string', multiple: true },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export async function notifications(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 1 })
  const [verb = 'show'] = positionals
  if (!['show', 'set', 'off'].includes(verb)) throw usageFault(usage, `show, set or off, not ${verb}`)
  const { to, type, silent = [] } = values
  const spans = silent.map(readSilence)
  if (verb === 'set' ? !to && !type && silent.length === 0 : to || type || silent.length > 0)
    throw usageFault(
      usage,
      verb === 'set' ? 'What? --to, --type or --silent' : `${verb} takes none of set's options`,
    )
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  const current = await api.ask(call => getNotifications(slug, call))
  if (verb === 'show') {
    if (values.json) terminal.print(JSON.stringify(current))
    else for (const line of describe(current)) terminal.print(line)
    return exitCode.ok
  }
  const wanted =
    verb === 'off' ? { ...settingsOf(current), destinationId: null } : changed(current, { to, type, spans })
  const written = await api.ask(call =>
    putNotifications(slug, wanted, dryRunQuery(values), { 'If-Match': `"${current.etag}"` }, call),
  )
  printWritten(written as DryRun | { readonly dryRun?: never }, saidOf(written), values, terminal)
  return exitCode.ok
}

/** `stripe=2h`, in seconds. */
function readSilence(text: string): [source: string, seconds: number] {
  const equals = text.indexOf('=')
  if (equals < 1) throw usageFault(usage, `--silent takes SOURCE=SPAN, not ${text}`)
  return [text.slice(0, equals), readSpan(usage, 'silent', text.slice(equals + 1)) / 1_000]
}

/** Types are checked by the API, which names those that there are. */
const settingsOf = ({ destinationId, types, silentAfterSeconds }: Notifications): NotificationSettings =>
  ({
    destinationId,
    silentAfterSeconds,
    ...(types.length > 0 && { types }),
  }) as NotificationSettings

function changed(
  current: Notifications,
  asked: {
    readonly to: string | undefined
    readonly type: readonly string[] | undefined
    readonly spans: readonly (readonly [string, number])[]
  },
): NotificationSettings {
  const silent = { ...current.silentAfterSeconds, ...Object.fromEntries(asked.spans) }
  return {
    ...settingsOf(current),
    ...(asked.to !== undefined && { destinationId: asked.to }),
    ...(asked.type && { types: asked.type }),
    silentAfterSeconds: Object.fromEntries(Object.entries(silent).filter(([, seconds]) => seconds > 0)),
  } as NotificationSettings
}

const saidOf = (written: Notifications | DryRun): string =>
  'destination' in written && written.destination
    ? `Told to ${printable(written.destination)}`
    : 'Nothing is told'

function describe({ destination, types, silentAfterSeconds }: Notifications): string[] {
  if (destination === null) return ['Nothing is told. Say where: fairlead notifications set --to DESTINATION']
  return [
    `to      ${printable(destination)}`,
    ...types.map((type, i) => `${i === 0 ? 'types ' : '      '}  ${printable(type)}`),
    ...Object.entries(silentAfterSeconds).map(
      ([source, seconds]) => `silent  ${printable(source)} after ${seconds} s`,
    ),
  ]
}
