import {
  type AuditLogEntry,
  listAuditLog,
  listPlatformAuditLog,
  type VerifiedAuditLog,
  verifyAuditLog,
  verifyPlatformAuditLog,
} from '@fairlead/client/gen/client'
import { apiOptions, apiUsage, openApi } from './api-client.ts'
import { readArguments, readNumber, usageFault } from './arguments.ts'
import { exitCode } from './command-error.ts'
import { shortTime } from './show-time.ts'
import { type Column, printTable } from './table.ts'
import { moreNote } from './take-pages.ts'
import { openTerminal, printable, type Terminal } from './terminal.ts'

const usage = `fairlead audit [--action A] [--platform]
       fairlead audit verify [--noted END] [--platform]

Who changed what, newest first; entries are never changed or removed.

verify reads the whole log and names the entries that were edited, deleted,
inserted, reordered, or cut off the end: then it exits with 1. It prints the
log's end, such as 12:9f86…: note that elsewhere, and give it with --noted
another time. Only that tells of a log that was made anew as a whole.

  --action ACTION        only this action, such as api_key.created
  --noted END            what verify printed before
  --platform             the log of the platform itself
  -n, --limit N          how many, 1 to 500; default 20
  --json                 the API's own JSON, one a line
${apiUsage}`

const options = {
  ...apiOptions,
  action: { type: 'string' },
  noted: { type: 'string' },
  platform: { type: 'boolean' },
  limit: { type: 'string', short: 'n' },
  json: { type: 'boolean' },
} as const

export async function audit(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(usage, args, options, { most: 1 })
  const [verb = 'list'] = positionals
  if (verb !== 'list' && verb !== 'verify') throw usageFault(usage, `list or verify, not ${verb}`)
  const limit = readNumber(usage, 'limit', values.limit, { least: 1, most: 500, otherwise: 20 })
  const api = openApi(values)
  const slug = values.platform ? undefined : await api.organization()
  const terminal = openTerminal()
  if (verb === 'verify') {
    const noted = values.noted === undefined ? {} : { noted: values.noted }
    const found = await api.ask(async options =>
      slug === undefined ? verifyPlatformAuditLog(noted, options) : verifyAuditLog(slug, noted, options),
    )
    if (values.json) terminal.print(JSON.stringify(found))
    else printVerified(found, terminal)
    return found.intact ? exitCode.ok : exitCode.failed
  }
  const filters = { limit, ...(values.action !== undefined && { action: values.action }) }
  const { items, next } = await api.ask(async options =>
    slug === undefined ? listPlatformAuditLog(filters, options) : listAuditLog(slug, filters, options),
  )
  if (values.json) for (const entry of items) terminal.print(JSON.stringify(entry))
  else if (items.length === 0) terminal.note('No entry.')
  else printTable(columns(new Date()), items, terminal)
  if (next !== null && !values.json) terminal.note(moreNote)
  return exitCode.ok
}

function printVerified({ intact, entries, end, faults }: VerifiedAuditLog, terminal: Terminal): void {
  const many = entries === 1 ? '1 entry' : `${entries} entries`
  if (intact) terminal.print(`${terminal.paint('green', 'intact')}: ${many}, as they were written`)
  else terminal.print(`${terminal.paint('red', 'not what was written')}: ${many}`)
  for (const { kind, place, id } of faults) {
    const from = kind === 'truncated' ? `from entry ${place} on` : `entry ${place}`
    terminal.print(`  ${kind.padEnd(9)}  ${from}${id === null ? '' : `  ${printable(id)}`}`)
  }
  terminal.print(`end: ${printable(end)}`)
}

function columns(now: Date): Column<AuditLogEntry>[] {
  return [
    { title: 'AT', text: entry => shortTime(entry.at, now) },
    { title: 'ACTION', text: entry => entry.action, least: 18 },
    { title: 'WHO', text: ({ actor }) => actor.name ?? actor.id, least: 8 },
    { title: 'SUBJECT', text: entry => entry.subjectId ?? '', least: 10, optional: true },
    { title: 'FROM', text: ({ address, via }) => address ?? via ?? '', least: 8, optional: true },
  ]
}
