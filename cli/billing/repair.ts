import { setTimeout as wait } from 'node:timers/promises'
import {
  getBillingRates,
  getLedgerRebuild,
  type LedgerRebuild,
  listBillingQuarantine,
  putBillingRates,
  type QuarantinedEvent,
  RetryBillingQuarantineBodyReason,
  rebuildLedger,
  retryBillingQuarantine,
} from '@fairlead/client/gen/client'
import type { ApiClient } from '../api-client.ts'
import { CommandError, exitCode } from '../command-error.ts'
import { readDocument } from '../request-arguments.ts'
import { shortTime } from '../show-time.ts'
import { type Column, printTable } from '../table.ts'
import { moreNote } from '../take-pages.ts'
import { printable, type Terminal } from '../terminal.ts'

/** Events that could not be read, the ledger computed anew, and the table of exchange rates. */

interface Asked {
  readonly slug: string
  readonly json: boolean
}

export async function showQuarantine(
  api: ApiClient,
  { slug, json, limit }: Asked & { readonly limit: number },
  terminal: Terminal,
): Promise<number> {
  const { items, next } = await api.ask(call => listBillingQuarantine(slug, { limit }, call))
  if (json) for (const event of items) terminal.print(JSON.stringify(event))
  else if (items.length > 0) printTable(quarantineColumns(new Date()), items, terminal)
  else terminal.note('Nothing is in quarantine: the ledger could read every event.')
  if (next !== null && !json) terminal.note(moreNote)
  return exitCode.ok
}

const quarantineColumns = (now: Date): Column<QuarantinedEvent>[] => [
  { title: 'SEEN', text: event => shortTime(event.seenAt, now) },
  { title: 'EVENT', text: event => event.eventId },
  { title: 'TYPE', text: event => event.type || '–', least: 12 },
  { title: 'REASON', text: event => event.reason, colour: () => 'red' },
  { title: 'SOURCE', text: event => event.source, optional: true },
]

export const quarantineReasons = Object.values(RetryBillingQuarantineBodyReason)
export type QuarantineReason = (typeof quarantineReasons)[number]

/** Asks until all that was there at the beginning has been handed over. */
export async function retryQuarantine(
  api: ApiClient,
  { slug, json, reason }: Asked & { readonly reason: QuarantineReason | undefined },
  terminal: Terminal,
): Promise<number> {
  const before = new Date().toISOString()
  const body = { before, ...(reason !== undefined && { reason }) }
  let [retried, skipped, left] = [0, 0, 0]
  for (let isOver = false; !isOver; ) {
    const answer = await api.ask(call => retryBillingQuarantine(slug, body, {}, call))
    retried += answer.retried
    skipped = answer.skipped
    left = answer.left
    isOver = answer.retried === 0 || left === 0
  }
  if (json) terminal.print(JSON.stringify({ retried, skipped, left }))
  else {
    terminal.print(`${retried} events are read again; those that still can't be read come back.`)
    if (skipped > 0)
      terminal.note(`${skipped} stay: their bodies are no longer kept, or they are being read.`)
    if (left > 0)
      terminal.note(`${left} older ones were not looked at, because nothing newer could be read again.`)
  }
  return exitCode.ok
}

/** How often a rebuild is looked at, ms. */
const lookMs = 1_000

export async function rebuild(api: ApiClient, { slug, json }: Asked, terminal: Terminal): Promise<number> {
  let found: LedgerRebuild = await api.ask(call => rebuildLedger(slug, {}, call))
  if (!json) terminal.note(`${found.id}: it goes on if you leave.`)
  while (found.endedAt === null) {
    await wait(lookMs)
    const { id } = found
    found = await api.ask(call => getLedgerRebuild(slug, id, call))
    if (terminal.isTty && !json) terminal.note(`${found.objects} of about ${found.of} objects`)
  }
  if (json) terminal.print(JSON.stringify(found))
  else if (found.state === 'completed') terminal.print(`${found.objects} objects were computed anew.`)
  if (found.state === 'completed') return exitCode.ok
  throw new CommandError(`The rebuild failed: ${found.fault ?? 'the store says why in its log'}`)
}

/** Shows the table of rates, or replaces it by a file's. */
export async function rates(
  api: ApiClient,
  { slug, json, file }: Asked & { readonly file: string | undefined },
  terminal: Terminal,
): Promise<number> {
  const current = await api.ask(call => getBillingRates(slug, call))
  const shown = file === undefined ? current : await put(api, slug, file, current.etag)
  if (json) {
    terminal.print(JSON.stringify(shown))
    return exitCode.ok
  }
  const rows = Object.entries(shown.rates).flatMap(([from, list]) => list.map(rate => ({ from, ...rate })))
  if (rows.length === 0) terminal.note('There are no rates: figures stay in their own currencies.')
  else {
    printTable(
      [
        { title: 'FROM', text: row => row.from },
        { title: 'TO', text: row => row.currency },
        { title: 'SINCE', text: row => row.day },
        { title: 'RATE', text: row => row.rate, alignRight: true },
      ],
      rows,
      terminal,
    )
  }
  return exitCode.ok
}

async function put(api: ApiClient, slug: string, file: string, etag: string) {
  const document = readDocument(file)
  if (typeof document !== 'object' || document === null || !('rates' in document))
    throw new CommandError(`${printable(file)} holds no table: rates: { USD: [{ currency, day, rate }] }`)
  const body = { rates: document.rates } as Parameters<typeof putBillingRates>[1]
  const written = await api.ask(call => putBillingRates(slug, body, {}, { 'If-Match': `"${etag}"` }, call))
  if ('rates' in written) return written
  throw new CommandError('The API answered without the table')
}
