import { getMe } from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { openTerminal, printable } from './terminal.ts'

const usage = `fairlead whoami

Who the API takes you for, and what you may do.

  --json                 the API's own JSON
${apiUsage}`

export async function whoami(args: readonly string[]): Promise<number> {
  const options = { ...apiOptions, json: { type: 'boolean' } } as const
  const { values } = readArguments(usage, args, options, { most: 0 })
  const me = await openApi(values).ask(getMe)
  const terminal = openTerminal()
  if (values.json) {
    terminal.print(JSON.stringify(me))
    return exitCode.ok
  }
  terminal.print(me.kind === 'person' ? printable(me.email ?? '') : `API key ${printable(me.name ?? '')}`)
  for (const { slug, role } of me.organizations) terminal.print(`  ${printable(slug)}: ${role}`)
  if (me.roleElsewhere)
    terminal.print(`  every ${me.organizations.length > 0 ? 'other ' : ''}organization: ${me.roleElsewhere}`)
  return exitCode.ok
}
