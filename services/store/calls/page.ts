import { StoreError } from '../store-error.ts'

/** A page's size: what was asked for, or the default for 0. Throws a StoreError `invalid_field` past the limit. */
export function pageSize(asked: number, preset: number, limit: number): number {
  if (asked <= limit) return asked || preset
  throw new StoreError('invalid_field', `limit: must be at most ${limit}`, { field: 'limit' })
}

/** A cursor: where the page before ended. Callers hand it back as it is. */
export function encodeCursor(...parts: string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** The parts of a cursor, none for an empty one. Throws a StoreError `invalid_field` on anything that is no cursor. */
export function decodeCursor(cursor: string, count: number): string[] {
  if (!cursor) return []
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(parts) && parts.length === count && parts.every(part => typeof part === 'string'))
      return parts
  } catch {
    // Falls through to the one answer for all that is no cursor.
  }
  throw new StoreError('invalid_field', 'cursor: is not one of ours', { field: 'cursor' })
}
