import {
  acknowledgeIssue,
  getIssue,
  type Issue,
  ignoreIssue,
  type ListIssuesParams,
  listIssues,
  reopenIssue,
  resolveIssue,
  retryIssue,
} from '@fairlead/client/gen/client'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { startPlanned } from './retries.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { moreNote } from './take-pages.ts'
import { type Colour, openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead issues [ISSUE [acknowledge|resolve|reopen|ignore|retry]] [--state S]

Lists what fails, or is refused, for one reason; with an issue's id shows that
one, and with a verb changes it. retry tries its dead letters again: it says how
many, asks, and starts just those.

  --state STATE          only open, acknowledged, resolved or ignored ones
  --destination NAME     only those of this destination
  --until T              with ignore: until then
  --failures N           with ignore: for so many failures more
  --rate N               with retry: deliveries a second; default 50
  --dry-run              with retry: only plan it
  -y, --yes              with retry: don't ask
  -n, --limit N          how many, 1 to 200; default 50
  --json                 the API's own JSON
${apiUsage}`

const options = {
  ...apiOptions,
  state: { type: 'string' },
  destination: { type: 'string' },
  until: { type: 'string' },
  failures: { type: 'string' },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  limit: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
} as const

const verbs = ['acknowledge', 'resolve', 'reopen', 'ignore', 'retry'] as const
type Verb = (typeof verbs)[number]

function readVerb(text: string): Verb {
  const verb = verbs.find(one => one === text)
  if (!verb) throw usageFault(usage, `${text} is none of ${verbs.join(', ')}`)
  return verb
}

export async function issues(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [id, given] = positionals
  const verb = given === undefined ? undefined : readVerb(given)
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 200, otherwise: 50 })
  const ratePerSecond = readNumber(usage, 'rate', values.rate, { least: 1, most: 1_000, otherwise: 50 })
  const api = openApi(values)
  const terminal = openTerminal()
  const slug = await api.organization()
  if (id !== undefined) {
    if (verb !== 'retry') return await one(api, slug, id, verb, values, terminal)
    const planned = await api.ask(call => retryIssue(slug, id, { ratePerSecond, dryRun: true }, {}, call))
    const how = { json: values.json ?? false, dryRun: values['dry-run'] ?? false, yes: values.yes ?? false }
    return await startPlanned(api, slug, planned, how)
  }
  const query = {
    limit,
    ...(values.state && { state: values.state }),
    ...(values.destination && { destination: values.destination }),
  } as ListIssuesParams
  const { items, next } = await api.ask(options => listIssues(slug, query, options))
  if (values.json) for (const issue of items) terminal.print(JSON.stringify(issue))
  else if (items.length > 0) printTable(columns(new Date()), items, terminal)
  else terminal.note('There is no such issue: all is well.')
  if (next !== null && !values.json) terminal.note(moreNote)
  return exitCode.ok
}

async function one(
  api: ApiClient,
  slug: string,
  id: string,
  verb: Exclude<Verb, 'retry'> | undefined,
  values: { readonly until?: string; readonly failures?: string; readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  if (verb) {
    const body = {
      ...(values.until && { until: values.until }),
      ...(values.failures && { failures: Number(values.failures) }),
    }
    await api.ask(async options => {
      if (verb === 'ignore') return ignoreIssue(slug, id, body, {}, options)
      const change = { acknowledge: acknowledgeIssue, resolve: resolveIssue, reopen: reopenIssue }[verb]
      return change(slug, id, {}, options)
    })
  }
  const issue = await api.ask(options => getIssue(slug, id, options))
  if (values.json) {
    terminal.print(JSON.stringify(issue))
    return exitCode.ok
  }
  printTable(columns(new Date()), [issue], terminal)
  if (issue.explanation) terminal.print(`\n${printable(issue.explanation)}`)
  terminal.print(`${issue.failures} failures of ${issue.events} events since ${issue.firstSeenAt}`)
  if (issue.sample.attempt) terminal.print(`newest: ${issue.sample.attempt}`)
  if (issue.sample.rejection) terminal.print(`newest: fairlead rejections ${issue.sample.rejection}`)
  for (const { at, action, actor } of issue.changes) {
    terminal.print(`changed before: ${at} ${action} by ${printable(actor)}`)
  }
  return exitCode.ok
}

const colourOf: Readonly<Record<Issue['state'], Colour>> = {
  open: 'red',
  acknowledged: 'yellow',
  resolved: 'green',
  ignored: 'dim',
}

function columns(now: Date): Column<Issue>[] {
  return [
    { title: 'LAST SEEN', text: issue => shortTime(issue.lastSeenAt, now), optional: true },
    { title: 'ISSUE', text: issue => issue.id },
    { title: 'OF', text: issue => issue.destination ?? issue.source ?? '–', least: 6 },
    { title: 'CAUSE', text: issue => [issue.cause, issue.status].filter(Boolean).join(' '), least: 16 },
    {
      title: 'STATE',
      text: issue => (issue.regressed && issue.state === 'open' ? 'regressed' : issue.state),
      colour: issue => colourOf[issue.state],
    },
    { title: 'EVENTS', text: issue => String(issue.events), alignRight: true },
    {
      title: 'FAILING',
      text: issue => `${issue.failing.count}${issue.failing.orMore ? '+' : ''}`,
      alignRight: true,
      optional: true,
    },
  ]
}
