import {
  createOrganization,
  deleteOrganization,
  getOrganization,
  listOrganizations,
  type Organization,
  updateOrganization,
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
import { type Column, printTable } from './table.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const usage = `fairlead organizations [list|get|create|update|(de)activate|delete] [SLUG]

The tenants of the platform, with their quotas. Changing them takes a key of the
platform, or staff of it.

  create      makes an organization, which has neither sources nor destinations
  update      changes the settings that are given: --set webhookLimit=100000,
              --set rateLimit.perSecond=50, --set retentionDays=30
  deactivate  its webhooks are refused; what was accepted is still delivered
  delete      frees its slug; its log goes when its retention has passed

${settingUsage}
${apiUsage}`

const verbs = ['list', 'get', 'create', 'update', 'activate', 'deactivate', 'delete']

export async function organizations(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    usage,
    args,
    { ...apiOptions, ...settingOptions },
    { most: 2 },
  )
  const [verb = 'list', given] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  const api = openApi(values)
  const terminal = openTerminal()
  if (verb === 'list') {
    await list(api, values.json ?? false, terminal)
    return exitCode.ok
  }
  const slug = requireName(usage, 'organization', given)
  const one = callsOf(api, slug)
  const update = (settings: Record<string, unknown>) => updateSetting(one, values, () => settings)
  switch (verb) {
    case 'get':
      terminal.print(JSON.stringify(await one.get()))
      break
    case 'create': {
      const body = { slug, ...readSettings(usage, values) }
      const made = await api.ask(call => createOrganization(body, dryRunQuery(values), {}, call))
      printWritten(made, `Organization ${slug} is made`, values, terminal)
      break
    }
    case 'delete':
      printWritten(
        await deleteSetting(one, `organization ${slug}, with all that is configured for it`, values),
        `Organization ${slug} is deleted`,
        values,
        terminal,
      )
      break
    case 'update':
      printWritten(
        await update(readSettings(usage, values)),
        `Organization ${slug} is changed`,
        values,
        terminal,
      )
      break
    default:
      printWritten(
        await update({ active: verb === 'activate' }),
        `Organization ${slug} is ${verb}d`,
        values,
        terminal,
      )
  }
  return exitCode.ok
}

function callsOf(api: ApiClient, slug: string): SettingCalls {
  return {
    get: () => api.ask(call => getOrganization(slug, call)),
    update: (patch, query, headers) => api.ask(call => updateOrganization(slug, patch, query, headers, call)),
    remove: (query, headers) => api.ask(call => deleteOrganization(slug, query, headers, call)),
  }
}

async function list(api: ApiClient, json: boolean, terminal: Terminal): Promise<void> {
  const found: Organization[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { cursor?: string } = cursor === '' ? {} : { cursor }
    const { items, next } = await api.ask(call => listOrganizations({ limit: 500, ...page }, call))
    found.push(...items)
    cursor = next
  }
  if (json) for (const organization of found) terminal.print(JSON.stringify(organization))
  else if (found.length === 0) terminal.note('There is no organization yet.')
  else printTable(columns, found, terminal)
}

const columns: readonly Column<Organization>[] = [
  { title: 'SLUG', text: ({ slug }) => slug, least: 8 },
  { title: 'NAME', text: ({ displayName }) => displayName, least: 8, optional: true },
  { title: 'PLAN', text: ({ plan }) => plan, optional: true },
  {
    title: 'STATE',
    text: ({ active }) => (active ? 'active' : 'inactive'),
    colour: ({ active }) => (active ? 'green' : 'yellow'),
  },
  {
    title: 'THIS MONTH',
    text: ({ acceptedThisMonth, webhookLimit }) =>
      webhookLimit === null ? String(acceptedThisMonth) : `${acceptedThisMonth} of ${webhookLimit}`,
    alignRight: true,
  },
  { title: 'DECLARED BY', text: ({ owner }) => owner.kind, optional: true },
]
