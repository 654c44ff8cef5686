import {
  type CreateReplayBody,
  cancelReplay,
  createReplay,
  getReplay,
  listReplays,
  pauseReplay,
  type Replay,
  resumeReplay,
} from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { confirm } from './confirm.ts'
import { readTime } from './read-time.ts'
import { describeReplay, replayColumns, startedLine } from './replay-page.ts'
import { printTable } from './table.ts'
import { moreNote } from './take-pages.ts'
import { openTerminal, type Terminal } from './terminal.ts'

const usage = `fairlead replay [--type GLOB]… [--to NAME]… [--dry-run]
fairlead replay list
fairlead replay show|pause|resume|cancel REPLAY

Delivers events again: says how many, asks, and starts. Conditions hold
together; of one that is given several times any will do.

  --source NAME          only this source's
  --type GLOB            only these types: invoice.*
  --after T, --before T  only those received then: 2026-03-01, or
                         2026-03-01T12:00:00Z
  --status STATUS        only pending, processing, success or failed events
  --state STATE          only deliveries that are delivered, dead or discarded
  --reason WORD          only deliveries that died of it: attempts_exhausted
  -d, --to NAME          to this destination, also if an event was never
                         delivered there; default: where each event went
  --rate N               deliveries a second, 1 to 1000; default 50
  --dry-run              only say how many
  -y, --yes              don't ask
list
  -n, --limit N          how many, 1 to 500; default 20
all
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  source: { type: 'string', multiple: true },
  type: { type: 'string', multiple: true },
  after: { type: 'string' },
  before: { type: 'string' },
  status: { type: 'string' },
  state: { type: 'string', multiple: true },
  reason: { type: 'string', multiple: true },
  to: { type: 'string', short: 'd', multiple: true },
  rate: { type: 'string' },
  'dry-run': { type: 'boolean' },
  yes: { type: 'boolean', short: 'y' },
  limit: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
} as const

const verbs = ['start', 'list', 'show', 'pause', 'resume', 'cancel'] as const
type Verb = (typeof verbs)[number]

export async function replay(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 2 })
  const [verb = 'start', id] = positionals as [Verb?, string?]
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  const ratePerSecond = readNumber(usage, 'rate', values.rate, { least: 1, most: 1_000, otherwise: 50 })
  if (!verbs.includes(verb)) throw usageFault(usage, `list, show, pause, resume or cancel, not ${verb}`)
  const needsId = verb !== 'start' && verb !== 'list'
  if (needsId && !id) throw usageFault(usage, 'Which Replay? rpl_…, as fairlead replay list shows')
  if (!needsId && id) throw usageFault(usage, `There is one argument too many: ${id}`)
  const api = openApi(values)
  const slug = await api.organization()
  const terminal = openTerminal()
  const json = values.json === true

  if (verb === 'list') {
    const { items, next } = await api.ask(call => listReplays(slug, { limit }, call))
    if (json) for (const item of items) terminal.print(JSON.stringify(item))
    else if (items.length === 0) terminal.note('There is no Replay yet.')
    else printTable(replayColumns(new Date()), items, terminal)
    if (next !== null && !json) terminal.note(moreNote)
    return exitCode.ok
  }
  if (verb !== 'start') {
    const found = await api.ask(async call => {
      if (verb === 'show') return getReplay(slug, id!, call)
      const change = { pause: pauseReplay, resume: resumeReplay, cancel: cancelReplay }[verb]
      return change(slug, id!, {}, call)
    })
    print(found, json, terminal)
    return exitCode.ok
  }

  const asked = {
    ...(values.source && { sources: values.source }),
    ...(values.type && { types: values.type }),
    ...(values.after && { after: readTime(usage, 'after', values.after, new Date()) }),
    ...(values.before && { before: readTime(usage, 'before', values.before, new Date()) }),
    ...(values.status && { status: values.status }),
    ...(values.state && { states: values.state }),
    ...(values.reason && { reasons: values.reason }),
    ...(values.to && { destinations: values.to }),
    ratePerSecond,
  } as CreateReplayBody
  const counted = await api.ask(call => createReplay(slug, { ...asked, dryRun: true }, {}, call))
  if (values['dry-run'] || counted.matched === 0) {
    print(counted, json, terminal)
    return exitCode.ok
  }
  terminal.note(startedLine(counted))
  await confirm('Deliver them again?', values.yes === true)
  // Events that come in while the question is answered were not counted.
  const { before } = counted.selector
  const started = await api.ask(call => createReplay(slug, { ...asked, before }, {}, call))
  if (json) terminal.print(JSON.stringify(started))
  else {
    terminal.print(started.id ?? '')
    terminal.note(`How far it is: fairlead replay show ${started.id}`)
  }
  return exitCode.ok
}

function print(replay: Replay, json: boolean, terminal: Terminal): void {
  if (json) terminal.print(JSON.stringify(replay))
  else for (const line of describeReplay(replay, new Date())) terminal.print(line)
}
