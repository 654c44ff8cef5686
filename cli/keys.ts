import {
  type ApiKey,
  type CreateApiKeyBody,
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { confirm } from './confirm.ts'
import { readSpan, readTime } from './read-time.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead keys [list]
       fairlead keys create NAME [--role R] [--scope S]… [--expires T]
       fairlead keys rotate KEY [--overlap T]
       fairlead keys revoke KEY [--yes]

API keys of an organization. create and rotate print the key's text, this once
and nothing else: > FILE keeps it. KEY is a name, or an id as the list's JSON
has it.

  rotate  gives a key a new text; the one before stays good for a while
  revoke  makes a key useless at once

  --role ROLE            owner, admin, developer or viewer; default developer
  --scope SCOPE          what of its role it may do, such as events:read; may
                         be repeated. Default: all
  --expires T            2027-03-01, an ISO time, or 30d from now; default never
  --overlap T            how long the text before stays good: 30m, 12h, 7d, 0s;
                         default 1d
  -y, --yes              revoke without asking
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  role: { type: 'string' },
  scope: { type: 'string', multiple: true },
  expires: { type: 'string' },
  overlap: { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
  json: { type: 'boolean' },
} as const

const verbs = ['list', 'create', 'rotate', 'revoke']

export async function keys(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'list', given] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  if (verb === 'list' && given !== undefined) throw usageFault(usage, `list shows all: it takes no ${given}`)
  if (verb !== 'list' && given === undefined) throw usageFault(usage, 'Which key? KEY, as the list shows')
  const body = verb === 'create' ? readNewKey(given!, values) : undefined
  const overlapSeconds = readSpan(usage, 'overlap', values.overlap ?? '1d') / 1_000
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  const show = ({ key, ...rest }: ApiKey & { readonly key: string }) => {
    terminal.print(values.json ? JSON.stringify({ ...rest, key }) : key)
    terminal.note(`This is the text of ${printable(rest.name)}. It is not shown again.`)
  }
  switch (verb) {
    case 'list':
      await list(api, slug, values.json ?? false, terminal)
      break
    case 'create':
      show(await api.ask(call => createApiKey(slug, body!, {}, call)))
      break
    case 'rotate': {
      const { id } = await find(api, slug, given!)
      show(await api.ask(call => rotateApiKey(slug, id, { overlapSeconds }, {}, call)))
      break
    }
    default: {
      const { id, name } = await find(api, slug, given!)
      await confirm(`Revoke ${name}? Whatever uses it stops at once.`, values.yes ?? false)
      await api.ask(call => revokeApiKey(slug, id, {}, call))
      terminal.print(
        values.json ? JSON.stringify({ id, revoked: true }) : `${printable(name)} is useless now.`,
      )
    }
  }
  return exitCode.ok
}

interface NewKeyValues {
  readonly role?: string | undefined
  readonly scope?: readonly string[] | undefined
  readonly expires?: string | undefined
}

/** Roles and scopes are checked by the API, which names those that there are. */
function readNewKey(name: string, { role, scope, expires }: NewKeyValues): CreateApiKeyBody {
  const now = new Date()
  const isSpan = expires !== undefined && /^\d+[smhd]$/.test(expires)
  const expiresAt = isSpan
    ? new Date(now.getTime() + readSpan(usage, 'expires', expires)).toISOString()
    : readTime(usage, 'expires', expires, now)
  return {
    name,
    ...(role !== undefined && { role }),
    ...(scope !== undefined && { scopes: scope }),
    ...(expiresAt !== undefined && { expiresAt }),
  } as CreateApiKeyBody
}

async function find(api: ApiClient, slug: string, given: string): Promise<ApiKey> {
  const { items } = await api.ask(call => listApiKeys(slug, call))
  const key = items.find(({ id, name }) => id === given || name === given)
  if (!key) throw new CommandError(`There is no key ${printable(given)}: fairlead keys lists them`)
  return key
}

async function list(api: ApiClient, slug: string, json: boolean, terminal: Terminal): Promise<void> {
  const { items } = await api.ask(call => listApiKeys(slug, call))
  if (json) for (const key of items) terminal.print(JSON.stringify(key))
  else if (items.length === 0) terminal.note('There is no key yet. Make one: fairlead keys create NAME')
  else printTable(columns(new Date()), items, terminal)
}

function columns(now: Date): Column<ApiKey>[] {
  const since = (time: string | null) => (time ? relativeTime(time, now) : 'never')
  return [
    { title: 'NAME', text: ({ name }) => name, least: 8 },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'LAST USED', text: key => since(key.lastUsedAt) },
    { title: 'EXPIRES', text: key => since(key.expiresAt), optional: true },
    { title: 'SCOPES', text: ({ scopes }) => scopes?.join(', ') ?? 'all', least: 10, optional: true },
    { title: 'BEGINS', text: ({ prefix }) => `${prefix}…`, optional: true },
    { title: 'FROM', text: ({ lastUsedFrom }) => lastUsedFrom ?? '–', least: 8, optional: true },
  ]
}
