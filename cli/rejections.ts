import {
  type ExplainedRejection,
  getRejection,
  listRejections,
  type Rejection,
  takeInRejection,
  takeOfferedSecret,
} from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { printContent } from './content-page.ts'
import { promoteRejections, summarizeRejections } from './promote.ts'
import { relativeTime, shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { moreNote } from './take-pages.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead rejections [REJECTION] [--source S]
       fairlead rejections take-secret REJECTION
       fairlead rejections take-in REJECTION
       fairlead rejections summary [--source S]
       fairlead rejections promote REJECTION | --all

Lists requests that failed verification, newest first: the last 1,000 and 64 MiB
of each source, for 72 hours. With the number of one shows that one and its probable
cause: a clock, another secret, a body that was changed on its way.

take-secret prints the secret that a provider handed over (Asana, Notion), and
nothing else, once: put it into the Secret that the source names. Take only what
you have just set up, since anyone who knows the URL can offer one. It needs a
key of an admin.

take-in makes an event of a request that was swallowed as a repeat although its
body differs (repeat_differs), delivers it, and prints the event's id.

summary tells how many would pass with the secrets of now; promote makes events
of those. Each has a --help of its own.

  --source NAME          only this source's
  -n, --limit N          how many, 1 to 500; default 20
  --json                 the API's own JSON, one a line
${apiUsage}`

export async function rejections(args: readonly string[]): Promise<number> {
  if (args[0] === 'promote') return await promoteRejections(args.slice(1))
  if (args[0] === 'summary') return await summarizeRejections(args.slice(1))
  const options = {
    ...apiOptions,
    source: { type: 'string' },
    limit: { type: 'string', short: 'n' },
    json: { type: 'boolean' },
  } as const
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const taking = positionals[0] === 'take-secret' || positionals[0] === 'take-in' ? positionals[0] : undefined
  const [id, ...more] = taking ? positionals.slice(1) : positionals
  if (taking && id === undefined) throw usageFault(usage, 'Which rejection? Its number, as the list shows')
  if (more.length > 0) throw usageFault(usage, `one rejection, not also ${more[0]}`)
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  const filters = { limit, ...(values.source && { source: values.source }) }
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  if (taking === 'take-in') {
    const taken = await api.ask(call => takeInRejection(slug, id!, {}, call))
    terminal.print(values.json ? JSON.stringify(taken) : taken.event)
    return exitCode.ok
  }
  if (taking) {
    const taken = await api.ask(call => takeOfferedSecret(slug, id!, {}, call))
    terminal.print(values.json ? JSON.stringify(taken) : taken.secret)
    return exitCode.ok
  }
  if (id !== undefined) {
    const rejection = await api.ask(call => getRejection(slug, id, call))
    if (values.json) terminal.print(JSON.stringify(rejection))
    else printRejection(rejection, new Date(), terminal)
    return exitCode.ok
  }
  const { items, next } = await api.ask(call => listRejections(slug, filters, call))
  if (values.json) for (const rejection of items) terminal.print(JSON.stringify(rejection))
  else if (items.length === 0) terminal.note('No request was refused in the last 72 hours.')
  else printTable(columns(new Date()), items, terminal)
  if (next !== null && !values.json) terminal.note(moreNote)
  return exitCode.ok
}

function columns(now: Date): Column<Rejection>[] {
  return [
    { title: 'NUMBER', text: rejection => rejection.id, alignRight: true },
    { title: 'RECEIVED', text: rejection => shortTime(rejection.receivedAt, now), optional: true },
    { title: 'SOURCE', text: rejection => rejection.source, least: 6 },
    { title: 'REASON', text: rejection => rejection.reason, least: 18 },
    { title: 'DETAIL', text: rejection => rejection.detail ?? '', least: 10, optional: true },
  ]
}

function printRejection(rejection: ExplainedRejection, now: Date, terminal: Terminal): void {
  const { id, source, provider, receivedAt, reason, detail, method, url, sizeBytes, explanation } = rejection
  const { offersSecret } = rejection
  terminal.print(
    `${terminal.paint('bold', id)}  ${terminal.paint('red', printable(reason))}  ${printable(detail ?? '')}`.trimEnd(),
  )
  const facts: [string, string][] = [
    ['source', source === provider ? source : `${source} (${provider})`],
    ['received', `${receivedAt} (${relativeTime(receivedAt, now)})`],
    ['request', `${method} ${url}, ${sizeBytes} bytes`],
  ]
  for (const [name, text] of facts)
    terminal.print(`  ${terminal.paint('dim', name.padEnd(9))} ${printable(text)}`)
  terminal.print()
  if (offersSecret)
    terminal.print(`Just set up? Take the secret that it offers, once: fairlead rejections take-secret ${id}`)
  else if (rejection.repeatsEvent)
    terminal.print(
      rejection.canBeTakenIn
        ? `It has the id of ${rejection.repeatsEvent} and another body. A new event? fairlead rejections take-in ${id}`
        : `It has the id of ${rejection.repeatsEvent} and another body, which was too large to keep.`,
    )
  else if (rejection.explanationHint) terminal.print(printable(rejection.explanationHint))
  else if (!explanation)
    terminal.print(
      'Nothing can be said about its cause: its source is gone, or its body was too large to keep.',
    )
  else if (!explanation.stillRefused)
    terminal.print(
      `With what is configured now it would be accepted. Make it an event: fairlead rejections promote ${id}`,
    )
  for (const { sentence } of explanation?.causes ?? []) terminal.print(`- ${printable(sentence)}`)
  printContent(rejection, terminal)
}
