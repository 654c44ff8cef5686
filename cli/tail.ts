import { setTimeout as wait } from 'node:timers/promises'
import { type Event, getStreamEventsUrl, type StreamEventsParams } from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { eventColumns, widestEvent } from './event-columns.ts'
import { readMessages } from './read-messages.ts'
import { headerLine, layOut, rowLine } from './table.ts'
import { openTerminal } from './terminal.ts'

const usage = `fairlead tail [--source S] [--status S] [--type GLOB] [--json]

Shows events as they come and as their status changes, until Ctrl-C. After a
break it goes on where it was: nothing is missing, and nothing comes twice.

  --source NAME          only this source's
  --status STATUS        only pending, processing, success, failed or unrouted
                         ones
  --type GLOB            only those with a type like this: invoice.*
  -q, --search TEXT      only those with this text in their type or URL
  --from POSITION        from this position on (the list's JSON has it)
  -n, --limit N          end after so many lines
  --json                 the API's own JSON, one event a line
${apiUsage}`

const options = {
  ...apiOptions,
  source: { type: 'string' },
  status: { type: 'string' },
  type: { type: 'string' },
  search: { type: 'string', short: 'q' },
  from: { type: 'string' },
  limit: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
} as const

/** Waits before it connects again, ms: they double. */
const leastWaitMs = 500
const mostWaitMs = 15_000

export async function tail(args: readonly string[]): Promise<number> {
  const { values } = readArguments(usage, args, options)
  const limit = readNumber(usage, 'limit', values.limit, {
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
    otherwise: Number.POSITIVE_INFINITY,
  })
  const api = openApi(values)
  const terminal = openTerminal()
  const query: Record<string, string> = {}
  for (const name of ['source', 'status', 'type'] as const) if (values[name]) query[name] = values[name]
  if (values.search) query.q = values.search
  if (values.from) query.position = values.from
  const path = getStreamEventsUrl(await api.organization(), query as StreamEventsParams)
  const layout = layOut(eventColumns(new Date()), [widestEvent], terminal)
  if (!values.json) terminal.print(headerLine(layout, terminal))
  let shown = 0
  let position: string | undefined
  for (let waitMs = leastWaitMs; ; waitMs = Math.min(2 * waitMs, mostWaitMs)) {
    try {
      for await (const message of readMessages(await api.stream(path, position))) {
        waitMs = leastWaitMs
        position = message.id ?? position
        if (message.event === 'reset') terminal.note('Too many events went by to show them all: from now on.')
        if (message.event === 'end') throw new CommandError('The key lost its rights: the stream has ended.')
        if (message.event !== 'event') continue
        const event = JSON.parse(message.data) as Event
        terminal.print(values.json ? message.data : rowLine(layout, event, terminal))
        if (++shown >= limit) return exitCode.ok
      }
    } catch (error) {
      // A refusal is final; a connection that broke is not.
      if (error instanceof CommandError && error.cause === undefined) throw error
      if (position === undefined) throw error
    }
    terminal.note(`The connection broke; connecting again in ${waitMs / 1_000} s.`)
    await wait(waitMs)
  }
}
