import type { DryRun } from '@fairlead/client/gen/client'
import { isScalar, parseDocument } from 'yaml'
import { usageFault } from './arguments.ts'
import { CommandError } from './command-error.ts'
import { confirm } from './confirm.ts'
import { readBytes, readDocument } from './request-arguments.ts'
import { printable, type Terminal } from './terminal.ts'

/*
 * What the commands about sources, destinations, routes and organizations have in common: settings come from a file and
 * from --set, secrets from files or standard input and never from arguments, where every process of the machine sees them.
 */

export const settingOptions = {
  file: { type: 'string', short: 'f' },
  set: { type: 'string', multiple: true },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  json: { type: 'boolean' },
} as const

export const settingUsage = `  -f, --file FILE        settings as YAML or JSON, as in an Organization; - is
                         standard input
  --set NAME=VALUE       one setting, such as rateLimit.perSecond=5; a value is
                         YAML. NAME=null takes it away. May be repeated
  --dry-run              say what would change, and change nothing
  -y, --yes              delete without asking
  --json                 the API's own JSON, one a line`

export interface SettingValues {
  readonly file?: string | undefined
  readonly set?: readonly string[] | undefined
  readonly 'dry-run'?: boolean | undefined
  readonly yes?: boolean | undefined
  readonly json?: boolean | undefined
}

type Settings = Record<string, unknown>

/** What a file and --set say together. Throws a CommandError. */
export function readSettings(usage: string, { file, set = [] }: SettingValues): Settings {
  const document = file === undefined ? {} : readDocument(file)
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new CommandError(`${file} holds no settings: it must be a map of fields`)
  const settings = structuredClone(document) as Settings
  for (const text of set) {
    const equals = text.indexOf('=')
    if (equals < 1) throw usageFault(usage, `--set takes NAME=VALUE, not ${text}`)
    put(settings, text.slice(0, equals).split('.'), readValue(usage, text.slice(equals + 1)))
  }
  return settings
}

function readValue(usage: string, text: string): unknown {
  const document = parseDocument(text)
  if (document.errors.length > 0)
    throw usageFault(usage, `--set: ${text} can't be read as YAML; put it in quotes`)
  // A text such as https://a.example/ or *.paid stays what it is.
  return isScalar(document.contents) || document.contents === null
    ? document.toJS()
    : document.toJS({ maxAliasCount: 0 })
}

function put(settings: Settings, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0)
    Object.defineProperty(settings, name, { value, enumerable: true, configurable: true, writable: true })
  else {
    const inner = Object.hasOwn(settings, name) ? settings[name] : undefined
    const next =
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Settings) : {}
    put(settings, [name], next)
    put(next, rest, value)
  }
}

/** A secret from a file, `-` from standard input, without the line end that editors and echo put there. */
export function readSecretFile(path: string): string {
  const text = readBytes(path)
    .toString()
    .replace(/\r?\n$/, '')
  if (text === '') throw new CommandError(`${path === '-' ? 'Standard input' : path} holds no secret`)
  return text
}

/** `NAME=FILE`. */
export function readNamedSecret(usage: string, option: string, text: string): [name: string, value: string] {
  const equals = text.indexOf('=')
  if (equals < 1)
    throw usageFault(usage, `--${option} takes NAME=FILE: the secret itself never stands in an argument`)
  return [text.slice(0, equals), readSecretFile(text.slice(equals + 1))]
}

/** The answer of a write: the thing, or what a dry run says. */
export type Written =
  | { readonly dryRun?: never; readonly id?: string; readonly path?: string }
  | DryRun
  // Of a deletion.
  | undefined

export function printWritten(written: Written, did: string, values: SettingValues, terminal: Terminal): void {
  if (values.json) {
    terminal.print(JSON.stringify(written ?? {}))
    return
  }
  if (!written?.dryRun) {
    terminal.print(`${did}.`)
    return
  }
  const { changes } = written
  terminal.note(changes.length === 0 ? 'Nothing would change.' : 'Nothing was changed. It would:')
  for (const { field, before, after } of changes) {
    const [was, is] = [before, after].map(value => (value === undefined ? '–' : JSON.stringify(value)))
    terminal.print(`  ${printable(field)}: ${printable(was!)} → ${printable(is!)}`)
  }
}

export const dryRunQuery = (values: SettingValues): { dryRun?: 'true' } =>
  values['dry-run'] ? { dryRun: 'true' } : {}

/** The operations of one setting, which its noun's commands bind to the generated client. */
export interface SettingCalls {
  get(): Promise<{ readonly etag: string; readonly settings: Settings }>
  update(patch: Settings, query: { dryRun?: 'true' }, headers: { 'If-Match': string }): Promise<Written>
  remove(query: { dryRun?: 'true' }, headers: { 'If-Match': string }): Promise<Written>
}

/** Changes what is read, as it was read: what someone else changes meanwhile is not overwritten. */
export async function updateSetting(
  calls: SettingCalls,
  values: SettingValues,
  patchOf: (current: { readonly settings: Settings }) => Settings,
): Promise<Written> {
  const current = await calls.get()
  return await calls.update(patchOf(current), dryRunQuery(values), { 'If-Match': `"${current.etag}"` })
}

/** Asks, then deletes. */
export async function deleteSetting(
  calls: SettingCalls,
  what: string,
  values: SettingValues,
): Promise<Written> {
  if (!values['dry-run']) await confirm(`Delete ${what}?`, values.yes ?? false)
  return await calls.remove(dryRunQuery(values), { 'If-Match': '*' })
}

/** Throws a CommandError for a verb that needs a name and has none. */
export function requireName(usage: string, noun: string, name: string | undefined): string {
  if (name === undefined) throw usageFault(usage, `Which ${noun}? Name it, as the list shows`)
  return name
}
