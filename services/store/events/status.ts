/** How many deliveries of an event stand where. */
export interface DeliveryCounts {
  /** How many there are to be; undefined until the event is matched. */
  readonly of: number | undefined
  readonly delivered: number
  /** Dead or discarded. */
  readonly bad: number
}

export type EventStatusWord = 'pending' | 'processing' | 'success' | 'failed' | 'unrouted'

/**
 * Where an event stands:
 *
 *   pending ──matched──▶ processing ──all deliveries ended──▶ success | failed (one or more dead)
 *       └────no route wanted it────▶ unrouted
 *
 * `event_status_of` in SQL says the same, for events that are in the log already; a test holds the two together.
 */
export function eventStatus({ of, delivered, bad }: DeliveryCounts): EventStatusWord {
  if (of === undefined) return 'pending'
  if (of === 0) return 'unrouted'
  if (delivered + bad < of) return 'processing'
  return bad > 0 ? 'failed' : 'success'
}

/**
 * Where a row's event stands. Rows that were written before there was `unrouted`, or by a store of that version during a
 * rollout, say `success` with no deliveries.
 */
export function statusOf(row: { status: EventStatusWord; delivery_count: number | null }): EventStatusWord {
  return row.status === 'success' && row.delivery_count === 0 ? 'unrouted' : row.status
}

/** The same as a condition on the rows of `table`. Words are our own, never a caller's. */
export function hasStatus(word: EventStatusWord, table = 'events'): string {
  const is = `${table}.status = '${word}'`
  if (word === 'success') return `${is} and ${table}.delivery_count <> 0`
  if (word === 'unrouted') return `(${is} or (${table}.status = 'success' and ${table}.delivery_count = 0))`
  return is
}
