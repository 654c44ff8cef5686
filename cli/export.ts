import { type ExportEventsParams, getExportEventsUrl } from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { readTime } from './read-time.ts'

const usage = `fairlead export [--format ndjson|csv] [--source S] [--status S] [--type GLOB]

Writes all events that fit to standard output, newest first. The last line of
NDJSON is a trailer: without it the file is not whole.

  --format F             ndjson (default), or csv
  --source NAME          only this source's
  --status STATUS        only pending, processing, success, failed or unrouted
  --type GLOB            only those with a type like this: invoice.*
  --after T, --before T  only those received then: 2026-03-01, -2h
  --cursor CURSOR        go on after another file: the trailer's next
  --json                 as --format ndjson
${apiUsage}`

const options = {
  ...apiOptions,
  format: { type: 'string' },
  source: { type: 'string' },
  status: { type: 'string' },
  type: { type: 'string' },
  after: { type: 'string' },
  before: { type: 'string' },
  cursor: { type: 'string' },
  json: { type: 'boolean' },
} as const

export async function exportEvents(args: readonly string[]): Promise<number> {
  const { values } = readArguments(usage, args, options)
  const api = openApi(values)
  const query: Record<string, string> = {}
  for (const name of ['format', 'source', 'status', 'type', 'cursor'] as const) {
    if (values[name]) query[name] = values[name]
  }
  for (const name of ['after', 'before'] as const) {
    const time = readTime(usage, name, values[name], new Date())
    if (time) query[name] = time
  }
  const body = await api.stream(getExportEventsUrl(await api.organization(), query as ExportEventsParams))
  let end = ''
  for await (const chunk of body) {
    const text = Buffer.from(chunk)
    end = (end + text.toString('latin1')).slice(-2_000)
    if (!process.stdout.write(text)) await new Promise(resolve => process.stdout.once('drain', resolve))
  }
  if (/"trailer":|^#(next|end)/m.test(end)) return exitCode.ok
  throw new CommandError('The file is not whole: the connection broke. Ask again.')
}
