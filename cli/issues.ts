import type { Page } from './answer-shapes.ts'
import { type ApiClient, apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { type Colour, openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead issues [ISSUE [acknowledge|resolve|reopen|ignore]] [--state S]

Lists what fails, or is refused, for one reason; with an issue's id shows that
one, and with a verb changes it.

  --state STATE          only open, acknowledged, resolved or ignored ones
  --destination NAME     only those of this destination
  --until T              with ignore: until then
  --failures N           with ignore: for so many failures more
  -n, --limit N          how many, 1 to 200; default 50
  --json                 the API's own JSON
${apiUsage}`

const options = {
  ...apiOptions,
  state: { type: 'string' },
  destination: { type: 'string' },
  until: { type: 'string' },
  failures: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
} as const

const verbs = ['acknowledge', 'resolve', 'reopen', 'ignore']

interface Issue {
  readonly id: string
  readonly kind: 'delivery' | 'refusal'
  readonly destination: string | null
  readonly source: string | null
  readonly cause: string
  readonly status: number | null
  readonly explanation: string | null
  readonly state: 'open' | 'acknowledged' | 'resolved' | 'ignored'
  readonly regressed: boolean
  readonly firstSeenAt: string
  readonly lastSeenAt: string
  readonly failures: number
  readonly events: number
  readonly failing: { readonly count: number; readonly orMore: boolean }
  readonly sample: { readonly attempt: string | null; readonly rejection: string | null }
}

interface IssueDetail extends Issue {
  readonly changes: readonly { readonly at: string; readonly action: string; readonly actor: string }[]
}

export async function issues(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [id, verb] = positionals
  if (verb && !verbs.includes(verb)) throw usageFault(usage, `${verb} is none of ${verbs.join(', ')}`)
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 200, otherwise: 50 })
  const api = openApi(values)
  const terminal = openTerminal()
  const path = `${await api.organizationPath()}/issues`
  if (id) return await one(api, `${path}/${encodeURIComponent(id)}`, verb, values, terminal)
  const query = new URLSearchParams({ limit: String(limit) })
  if (values.state) query.set('state', values.state)
  if (values.destination) query.set('destination', values.destination)
  const { items } = await api.call<Page<Issue>>('GET', `${path}?${query}`)
  if (values.json) for (const issue of items) terminal.print(JSON.stringify(issue))
  else if (items.length > 0) printTable(columns(new Date()), items, terminal)
  else terminal.note('There is no such issue: all is well.')
  return exitCode.ok
}

async function one(
  api: ApiClient,
  path: string,
  verb: string | undefined,
  values: { readonly until?: string; readonly failures?: string; readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  if (verb) {
    const body = {
      ...(values.until && { until: values.until }),
      ...(values.failures && { failures: Number(values.failures) }),
    }
    await api.call('POST', `${path}/${verb}`, verb === 'ignore' ? body : undefined)
  }
  const issue = await api.call<IssueDetail>('GET', path)
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
