/** The parts of the API's answers that commands show; `/openapi.json` has all of them. */

export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

export interface EventItem {
  readonly id: string
  readonly source: string
  readonly provider: string
  readonly type: string
  /** All of them, `type` first. */
  readonly types: readonly string[]
  readonly status: 'pending' | 'processing' | 'success' | 'failed' | 'unrouted'
  /** Requests that were taken for this event again and not delivered. */
  readonly repeats: { readonly count: number; readonly differing: number; readonly lastAt: string | null }
  readonly traceId: string
  readonly receivedAt: string
  readonly deliveries: { readonly total: number; readonly delivered: number; readonly dead: number }
}

export interface AttemptAnswer {
  readonly number: number
  readonly at: string
  readonly durationMs: number
  readonly outcome: string
  readonly status: number | null
  readonly reason: string | null
  readonly trigger: 'route' | 'manual' | 'replay'
  readonly traceId: string
}

interface DeliveryFacts {
  readonly id: string
  readonly destination: string
  readonly state: 'waiting' | 'delivered' | 'dead' | 'discarded'
  readonly nextAttemptAt: string | null
  readonly discardReason: string | null
}

export interface DeliveryAnswer extends DeliveryFacts {
  readonly attempts: readonly AttemptAnswer[]
}

export interface DeliverySummary extends DeliveryFacts {
  readonly attemptCount: number
}

/** A request as it was received. */
export interface Content {
  readonly method: string
  readonly url: string
  readonly sizeBytes: number
  readonly headers: Readonly<Record<string, string>>
  /** Null: not kept. */
  readonly body: string | null
  readonly bodyEncoding: 'utf-8' | 'base64'
}

export interface EventDetail extends Omit<EventItem, 'deliveries'>, Content {
  readonly secret: string | null
  readonly bodyExpired: boolean
  readonly deliveries: readonly DeliveryAnswer[]
}

export interface DeadLetter extends DeliverySummary {
  readonly eventId: string
  readonly source: string
  readonly type: string
  readonly diedAt: string
  readonly reason: string
}

export interface Rejection extends Content {
  readonly id: string
  readonly source: string
  readonly provider: string
  readonly receivedAt: string
  readonly reason: string
  readonly detail: string | null
  /** The provider handed over a secret in it. */
  readonly offersSecret: boolean
  /** The event that it was taken for again; null with any other reason than `repeat_differs`. */
  readonly repeatsEvent: string | null
  readonly canBeTakenIn: boolean
}

export interface ExplainedRejection extends Rejection {
  readonly explanation: {
    readonly stillRefused: boolean
    readonly causes: readonly { readonly sentence: string }[]
  } | null
}

export interface TakenIn {
  readonly source: string
  readonly event: string
}

export interface OfferedSecret {
  readonly source: string
  readonly secret: string
}

/** A delivery that has not ended. */
export interface WaitingDelivery extends DeliverySummary {
  readonly eventId: string
  readonly source: string
  readonly type: string
}

export interface Destination {
  readonly name: string
  readonly kind: 'http' | 'nats' | 'processor'
  readonly state: 'healthy' | 'failing' | 'paused'
  /** Null: not paused. */
  readonly pauseReason: 'declared' | 'gone' | 'failing' | 'asked' | null
  /** Deliveries that have not ended. */
  readonly waiting: number
  readonly dead: number
  /** HTTP status or outcome of the last failed attempt. */
  readonly lastError: string | null
}

export interface Replay {
  /** Null: a dry run. */
  readonly id: string | null
  readonly state: 'pending' | 'running' | 'paused' | 'completed' | 'cancelled' | 'failed'
  readonly selector: { readonly before: string }
  readonly destinations: readonly string[]
  readonly ratePerSecond: number
  readonly matchedEvents: number
  readonly matched: number
  readonly expired: number
  readonly published: number
  readonly skipped: number
  readonly delivered: number
  readonly failed: number
  readonly createdBy: string
  readonly createdAt: string
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly fault: string | null
}

export interface Source {
  readonly name: string
  readonly provider: string
  readonly path: string
  readonly lastEventAt: string | null
  readonly lastHour: {
    readonly accepted: number
    readonly repeated: number
    readonly differing: number
    readonly swallowing: boolean
  }
  readonly secrets: readonly {
    readonly id: string
    readonly matched: number
    readonly lastMatchedAt: string | null
  }[]
}

export interface AuditEntry {
  readonly at: string
  readonly actor: { readonly id: string; readonly name: string | null }
  readonly via: string | null
  readonly address: string | null
  readonly action: string
  readonly subjectId: string | null
}

export interface VerifiedAuditLog {
  readonly intact: boolean
  readonly entries: number
  readonly end: string
  readonly faults: readonly { readonly kind: string; readonly place: number; readonly id: string | null }[]
}
