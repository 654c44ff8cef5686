import { openTurns, TurnError } from '@fairlead/daemon/turns'
import { openScan } from '@fairlead/webhook/verify/members'
import { namesOf } from '@fairlead/wire/search'
import { encodeCursor } from '../page.ts'
import { mostScanned, type ScannedPage } from '../scan.ts'
import { StoreError } from '../store-error.ts'
import type { Content } from './content.ts'
import type { SearchedValue, WantedValues } from './filter.ts'
import type { EventRow } from './rows.ts'

/*
 * Finds events by values that no source declares: their contents are read, the newest first. A page reads 10,000 of them, 64 MiB or
 * for 5 seconds at most, and says how far it came; the next page goes on from there.
 */

/** Events that are listed in one step. */
export const stepSize = 500
const mostBytes = 64 * 1024 ** 2
const mostMs = 5_000
/** Contents that are read side by side. */
const lanes = 16

/**
 * Turns of searches: one of an organization at a time, and four in all, since each may read as much as a log's hour. Taking one throws a
 * StoreError `busy` where the turn doesn't come within two seconds.
 */
export function openContentTurns(): (organization: string) => Promise<Disposable> {
  const turns = openTurns<string>({ places: 4, mostOfOne: () => 1, waitMs: 2_000, mostWaiting: 4 })
  return organization =>
    turns.take(organization).catch((cause: unknown) => {
      if (!(cause instanceof TurnError)) throw cause
      throw new StoreError('busy', 'other searches of contents are under way', { cause })
    })
}

/** Whether a content has all that is wanted. Opened once for a search. Pure. */
export function openMatch({
  pointers,
  headers,
}: WantedValues): (content: Pick<Content, 'body' | 'meta'>) => boolean {
  // Of two wishes for one pointer no content has both.
  const names = [...new Set(pointers.map(({ name }) => name))]
  const scan = openScan(names.map(namesOf))
  return ({ body, meta }) => {
    const hasHeader = ({ name, text }: SearchedValue) =>
      meta.headers.some(
        (value, i) => i % 2 === 1 && value === text && meta.headers[i - 1]!.toLowerCase() === name,
      )
    if (!headers.every(hasHeader)) return false
    if (pointers.length === 0) return true
    const found = scan(body).values
    return pointers.every(({ name, text }) => found[names.indexOf(name)] === text)
  }
}

export interface ContentSearch {
  /** Reads an event's content; undefined: it has expired. */
  readonly read: (row: EventRow) => Promise<Pick<Content, 'body' | 'meta'> | undefined>
  readonly wanted: WantedValues
  readonly limit: number
  /** Where to begin; empty: at the newest. */
  readonly cursor: string
  /** The next events that fit all other filters, at most `stepSize`. */
  readonly list: (cursor: string) => Promise<ScannedPage<EventRow>>
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Rejects as `read` and `list` do, and with the signal's reason when the caller has gone. */
export async function searchContent(search: ContentSearch): Promise<ScannedPage<EventRow>> {
  const { read, wanted, limit, list, now, signal } = search
  const fits = openMatch(wanted)
  const endMs = now() + mostMs
  const found: EventRow[] = []
  let cursor = search.cursor
  let count = 0
  let bytes = 0
  for (;;) {
    signal.throwIfAborted()
    const step = await list(cursor)
    const rows = affordable(step.rows, mostScanned - count, mostBytes - bytes)
    for (const row of await matching(rows, read, fits)) found.push(row)
    if (found.length > limit) {
      const shown = found.slice(0, limit)
      return { rows: shown, next: cursorOf(shown.at(-1)!) }
    }
    count += rows.length
    bytes += rows.reduce((sum, row) => sum + Number(row.size_bytes), 0)
    const isAll = rows.length === step.rows.length
    cursor = isAll ? step.next : cursorOf(rows.at(-1)!)
    if (cursor === '') return { rows: found, next: '' }
    const until = isAll && step.searched ? step.searched.until : rows.at(-1)?.received_at
    if (until && (!isAll || count >= mostScanned || bytes >= mostBytes || now() >= endMs)) {
      return { rows: found, next: cursor, searched: { count, until } }
    }
  }
}

/** Those that may still be read: the first one in any case, so that each page goes on. */
function affordable(rows: readonly EventRow[], most: number, mostBytes: number): readonly EventRow[] {
  let bytes = 0
  const end = rows.findIndex((row, i) => {
    bytes += Number(row.size_bytes)
    return i >= most || (i > 0 && bytes > mostBytes)
  })
  return end < 0 ? rows : rows.slice(0, end)
}

/** In their order. An event whose content has expired fits nothing. */
async function matching(
  rows: readonly EventRow[],
  read: ContentSearch['read'],
  fits: ReturnType<typeof openMatch>,
): Promise<EventRow[]> {
  const isFound = new Array<boolean>(rows.length).fill(false)
  const open = rows.entries()
  const lane = async () => {
    for (const [i, row] of open) {
      const content = await read(row)
      isFound[i] = content !== undefined && fits(content)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return rows.filter((_, i) => isFound[i])
}

const cursorOf = ({ received_at, id }: EventRow): string => encodeCursor(received_at.toISOString(), id)
