import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'

/** An event with its body, and where JetStream keeps it. */
export interface StoredEvent {
  readonly meta: EventMeta
  readonly body: Uint8Array
  readonly stored: DeliveryReference['stored']
}

/** An event that is kept in memory, and what the worker counts for it. */
export interface KeptEvent {
  readonly event: StoredEvent
  readonly bytes: number
}
