import { retryEvent } from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { openTerminal, printable } from './terminal.ts'

const usage = `fairlead retry EVENT [--destination NAME]

Delivers an event again: to the destination named; without one to those where
it died; if it died nowhere, to all it was delivered to.

  -d, --destination NAME only to this destination
  --json                 the API's own JSON
${apiUsage}`

export async function retry(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(
    usage,
    args,
    { ...apiOptions, destination: { type: 'string', short: 'd' }, json: { type: 'boolean' } },
    { most: 1 },
  )
  const [event] = positionals
  if (!event) throw usageFault(usage, 'Which event? fairlead events lists them')
  const api = openApi(values)
  const slug = await api.organization()
  const body = values.destination === undefined ? {} : { destination: values.destination }
  const answer = await api.ask(options => retryEvent(slug, event, body, {}, options))
  const terminal = openTerminal()
  if (values.json) terminal.print(JSON.stringify(answer))
  else {
    for (const { destination, id } of answer.deliveries) {
      terminal.print(`is delivered again to ${printable(destination)}  ${terminal.paint('dim', id)}`)
    }
    terminal.note(`What becomes of it: fairlead events ${printable(event)}`)
  }
  return exitCode.ok
}
