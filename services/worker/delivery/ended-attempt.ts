import type { SpanContext } from '@fairlead/telemetry/trace-ids'
import type { Outcome } from '@fairlead/webhook/outcome'
import type { Settlement } from '@fairlead/webhook/settle'
import type { Exchange } from '@fairlead/wire/exchange'
import type { Destination } from '../directory.ts'
import type { Concluded } from './delivery.ts'

/** How an attempt went, beside its outcome. */
export interface Attempted {
  /** Unix milliseconds when it began. */
  readonly at: number
  readonly durationMs: number
  /** What was sent and answered; absent: nothing was sent to an address. */
  readonly exchange?: Exchange | undefined
  /** Its destination, or the order of its route, let it wait. */
  readonly heldUp?: boolean | undefined
  readonly span: SpanContext
}

/** An attempt, how it ended, and what follows from it. */
export interface EndedAttempt extends Attempted {
  readonly delivery: Concluded
  /** Undefined: it was deleted. */
  readonly destination: Destination | undefined
  readonly outcome: Outcome
  readonly settlement: Settlement
}
