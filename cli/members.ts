import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal } from './terminal.ts'

const usage = `fairlead members [invite ADDRESS | role ADDRESS ROLE | remove ADDRESS]

Who belongs to an organization, and who was invited. Roles: owner, admin,
developer, viewer.

  --role ROLE            with invite; default viewer
  --json                 the API's own JSON, one a line
${apiUsage}`

interface Member {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly lastLoginAt: string | null
  readonly managedBy: string
}

interface Invitation {
  readonly id: string
  readonly email: string
  readonly role: string
  readonly expiresAt: string
}

export async function members(args: readonly string[]): Promise<number> {
  const options = { ...apiOptions, json: { type: 'boolean' }, role: { type: 'string' } } as const
  const { values, positionals } = readArguments(usage, args, options, { most: 3 })
  const api = openApi(values)
  const path = await api.organizationPath()
  const [verb, email, role] = positionals
  const memberPath = async () => `${path}/members/${(await find(api, path, email ?? '')).id}`
  switch (verb) {
    case undefined:
      await list(api, path, Boolean(values.json))
      return exitCode.ok
    case 'invite':
      await api.call('POST', `${path}/invitations`, { email, ...(values.role && { role: values.role }) })
      break
    case 'role':
      await api.call('PATCH', await memberPath(), { role })
      break
    case 'remove':
      await api.call('DELETE', await memberPath())
      break
    default:
      throw new CommandError(
        'Say invite, role or remove; without one of them members are listed.',
        exitCode.usage,
      )
  }
  return exitCode.ok
}

type Api = ReturnType<typeof openApi>

async function find(api: Api, path: string, email: string): Promise<Member> {
  const { items } = await api.call<{ items: readonly Member[] }>('GET', `${path}/members`)
  const member = items.find(one => one.email === email.toLowerCase())
  if (!member) throw new CommandError(`Nobody with the address ${email} is a member.`)
  return member
}

async function list(api: Api, path: string, isJson: boolean): Promise<void> {
  const { items } = await api.call<{ items: readonly Member[] }>('GET', `${path}/members`)
  const invited = await api.call<{ items: readonly Invitation[] }>('GET', `${path}/invitations`)
  const terminal = openTerminal()
  if (isJson) {
    for (const one of [...items, ...invited.items]) terminal.print(JSON.stringify(one))
    return
  }
  const now = new Date()
  const columns: Column<Member | Invitation>[] = [
    { title: 'ADDRESS', text: ({ email }) => email },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'LAST SIGN-IN', text: one => stateOf(one, now) },
  ]
  printTable(columns, [...items, ...invited.items], terminal)
}

function stateOf(one: Member | Invitation, now: Date): string {
  if ('expiresAt' in one) return 'invited'
  return one.lastLoginAt ? relativeTime(one.lastLoginAt, now) : 'never'
}
