/** How many deliveries of an event are in which state. */
export interface DeliveryCounts {
  /** How many there are to be; undefined until the event is matched. */
  readonly of: number | undefined
  readonly delivered: number
  /** Dead or discarded. */
  readonly bad: number
}

export type EventStatusWord = 'pending' | 'processing' | 'success' | 'failed' | 'unrouted'

/**
 * The status of an event:
 *
 *   pending ──matched──▶ processing ──all deliveries ended──▶ success | failed (one or more dead)
 *       └────no route wanted it────▶ unrouted
 *
 * `event_status_of` in SQL decides the same for events that are in the log already; a test compares the two.
 */
export function eventStatus({ of, delivered, bad }: DeliveryCounts): EventStatusWord {
  if (of === undefined) return 'pending'
  if (of === 0) return 'unrouted'
  if (delivered + bad < of) return 'processing'
  return bad > 0 ? 'failed' : 'success'
}

/**
 * The status of a row's event. Rows of store versions without `unrouted` say `success` with no deliveries instead.
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
