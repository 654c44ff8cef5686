import type { EventFacts } from './judge.ts'

/** A promotion as it is written down. */
export interface PromotionRow {
  readonly organization_id: string
  readonly rejection: string
  readonly received_at: Date
  readonly event_id: string
  /** Its name. */
  readonly source: string
  readonly facts: EventFacts
}
