import type { Rejection } from './answer-shapes.ts'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { openTerminal } from './terminal.ts'

const usage = `fairlead rejections [--source S]

Lists requests that failed verification, newest first: the last 100 of each
source, for a day.

  --source NAME          only this source's
  -n, --limit N          how many, 1 to 500; default 20
  --json                 the API's own JSON, one a line
${apiUsage}`

export async function rejections(args: readonly string[]): Promise<number> {
  const { values } = readArguments(usage, args, {
    ...apiOptions,
    source: { type: 'string' },
    limit: { type: 'string', short: 'n' },
    json: { type: 'boolean' },
  })
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  const filters = new URLSearchParams({ limit: String(limit) })
  if (values.source) filters.set('source', values.source)
  const api = openApi(values)
  const path = `${await api.organizationPath()}/rejections?${filters}`
  const { items } = await api.call<{ items: readonly Rejection[] }>('GET', path)
  const terminal = openTerminal()
  if (values.json) for (const rejection of items) terminal.print(JSON.stringify(rejection))
  else if (items.length === 0) terminal.note('No request was refused in the last 24 hours.')
  else printTable(columns(new Date()), items, terminal)
  return exitCode.ok
}

function columns(now: Date): Column<Rejection>[] {
  return [
    { title: 'RECEIVED', text: rejection => shortTime(rejection.receivedAt, now), optional: true },
    { title: 'SOURCE', text: rejection => rejection.source, least: 6 },
    { title: 'REASON', text: rejection => rejection.reason, least: 18 },
    { title: 'DETAIL', text: rejection => rejection.detail ?? '', least: 10, optional: true },
  ]
}
