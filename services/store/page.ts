import { StoreError } from './store-error.ts'

/** A page's size: the size asked for, or the default for 0. Throws a StoreError `invalid_field` past the limit. */
export function pageSize(asked: number, preset: number, limit: number): number {
  if (asked <= limit) return asked || preset
  throw new StoreError('invalid_field', `limit: must be at most ${limit}`, { field: 'limit' })
}

/** A cursor: where the page before ended. Callers return it unchanged. */
export function encodeCursor(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** The forms of a cursor's parts. Any other value would reach Postgres, which refuses it. */
const isPart = {
  time: (text: string) => /^(19[7-9]|[2-9]\d\d)\d-.{18}Z$/.test(text) && isTime(text),
  uuid: (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text),
  number: (text: string) => /^[0-9]{1,9}$/.test(text),
  sequence: (text: string) => /^[0-9]{1,15}$/.test(text),
  slug: (text: string) => /^[a-z0-9-]{1,63}$/.test(text),
  /** A provider's id, or none. */
  foreign: (text: string) => text.length <= 512 && text.isWellFormed() && !text.includes('\0'),
}

/** Days that don't exist (2026-02-30) are other days to Date, and faults to Postgres. */
function isTime(text: string): boolean {
  const time = new Date(text)
  return !Number.isNaN(time.getTime()) && time.toISOString() === text
}

/** The parts of a cursor, none for an empty one. Throws a StoreError `invalid_field` on anything that is no cursor. */
export function decodeCursor(cursor: string, ...shapes: (keyof typeof isPart)[]): string[] {
  if (!cursor) return []
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (
      Array.isArray(parts) &&
      parts.length === shapes.length &&
      parts.every((part, i) => typeof part === 'string' && isPart[shapes[i]!](part))
    )
      return parts
  } catch {
    // Falls through to the error below.
  }
  throw new StoreError('invalid_field', 'cursor: is not one of ours', { field: 'cursor' })
}

export interface Page<Row> {
  rows: Row[]
  /** Cursor of the next page; empty on the last. */
  next: string
}

/** Cuts rows that were read with a limit of one more; `position` is what the cursor names of the last row. */
export function page<Row>(rows: Row[], limit: number, position: (row: Row) => [Date, string]): Page<Row> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  if (rows.length <= limit || !last) return { rows: shown, next: '' }
  const [time, id] = position(last)
  return { rows: shown, next: encodeCursor(time.toISOString(), id) }
}
