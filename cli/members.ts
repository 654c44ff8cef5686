import {
  type ChangeMemberRoleBodyRole,
  changeMemberRole,
  createInvitation,
  type Invitation,
  listInvitations,
  listMembers,
  type Member,
  removeMember,
  revokeInvitation,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { relativeTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead members [list]
       fairlead members invite ADDRESS [--role ROLE]
       fairlead members role ADDRESS ROLE
       fairlead members remove|uninvite ADDRESS

Who belongs to an organization, and who was invited. Roles: owner, admin,
developer, viewer; nobody gives more than the role of their own.

  invite    sends a mail with a link, good for this address alone
  uninvite  makes that link useless
  remove    ends a membership: page, stream and token are lost within 15 s

  --role ROLE            with invite; default viewer
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = { ...apiOptions, json: { type: 'boolean' }, role: { type: 'string' } } as const
const verbs = ['list', 'invite', 'role', 'remove', 'uninvite']

/** Roles are checked by the API, which names those that there are. */
type Role = ChangeMemberRoleBodyRole

export async function members(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 3 })
  const [verb = 'list', address, role] = positionals
  if (!verbs.includes(verb)) throw usageFault(usage, `${verbs.join(', ')}, not ${verb}`)
  if (verb === 'list' && address !== undefined)
    throw usageFault(usage, `list shows all: it takes no ${address}`)
  if (verb !== 'list' && address === undefined) throw usageFault(usage, 'Whom? ADDRESS, as the list shows')
  if (verb === 'role' && role === undefined) throw usageFault(usage, 'Which role? After the address')
  if (verb !== 'role' && role !== undefined)
    throw usageFault(usage, `There is one argument too many: ${role}`)
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (address === undefined) {
    await list(api, slug, values.json ?? false, terminal)
    return exitCode.ok
  }
  const asked = { address: address.toLowerCase(), role: role ?? values.role }
  const { answer, did } = await change(api, slug, verb, asked)
  terminal.print(values.json ? JSON.stringify(answer ?? {}) : did)
  return exitCode.ok
}

interface Asked {
  readonly address: string
  readonly role: string | undefined
}

async function change(
  api: ApiClient,
  slug: string,
  verb: string,
  { address, role }: Asked,
): Promise<{ readonly answer: unknown; readonly did: string }> {
  const who = printable(address)
  switch (verb) {
    case 'invite': {
      const body = { email: address, ...(role !== undefined && { role: role as Role }) }
      const made = await api.ask(call => createInvitation(slug, body, {}, call))
      return { answer: made, did: `${who} is invited as ${made.role}, until ${made.expiresAt}.` }
    }
    case 'uninvite': {
      const { items } = await api.ask(call => listInvitations(slug, call))
      const { id } = withAddress(items, address, 'was invited')
      return {
        answer: await api.ask(call => revokeInvitation(slug, id, {}, call)),
        did: `${who} is invited no longer.`,
      }
    }
    case 'role': {
      const { id } = await member(api, slug, address)
      const answer = await api.ask(call => changeMemberRole(slug, id, { role: role as Role }, {}, call))
      return { answer, did: `${who} is ${role} now.` }
    }
    default: {
      const { id } = await member(api, slug, address)
      return {
        answer: await api.ask(call => removeMember(slug, id, {}, call)),
        did: `${who} is no member any longer.`,
      }
    }
  }
}

async function member(api: ApiClient, slug: string, address: string): Promise<Member> {
  const { items } = await api.ask(call => listMembers(slug, call))
  return withAddress(items, address, 'is a member')
}

function withAddress<One extends { readonly email: string }>(
  all: readonly One[],
  address: string,
  is: string,
): One {
  const one = all.find(({ email }) => email === address)
  if (!one) throw new CommandError(`Nobody with the address ${printable(address)} ${is}.`)
  return one
}

async function list(api: ApiClient, slug: string, isJson: boolean, terminal: Terminal): Promise<void> {
  const { items } = await api.ask(call => listMembers(slug, call))
  const invited = await api.ask(call => listInvitations(slug, call))
  const all = [...items, ...invited.items]
  if (isJson) {
    for (const one of all) terminal.print(JSON.stringify(one))
    return
  }
  const now = new Date()
  const columns: Column<Member | Invitation>[] = [
    { title: 'ADDRESS', text: ({ email }) => email, least: 12 },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'LAST SIGN-IN', text: one => stateOf(one, now), optional: true },
  ]
  if (all.length === 0) terminal.note('Nobody is a member yet.')
  else printTable(columns, all, terminal)
}

function stateOf(one: Member | Invitation, now: Date): string {
  if ('expiresAt' in one) return 'invited'
  return one.lastLoginAt ? relativeTime(one.lastLoginAt, now) : 'never'
}
