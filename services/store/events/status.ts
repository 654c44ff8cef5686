/** How many deliveries of an event stand where. */
export interface DeliveryCounts {
  /** How many there are to be; undefined until the event is matched. */
  readonly of: number | undefined
  readonly delivered: number
  /** Dead or discarded. */
  readonly bad: number
}

export type EventStatusWord = 'pending' | 'processing' | 'success' | 'failed'

/**
 * Where an event stands:
 *
 *   pending ──matched──▶ processing ──all deliveries ended──▶ success | failed (one or more dead)
 *
 * An event that no route wanted is a success with no deliveries. `event_status_of` in SQL says the same, for events
 * that are in the log already; a test holds the two together.
 */
export function eventStatus({ of, delivered, bad }: DeliveryCounts): EventStatusWord {
  if (of === undefined) return 'pending'
  if (delivered + bad < of) return 'processing'
  return bad > 0 ? 'failed' : 'success'
}
