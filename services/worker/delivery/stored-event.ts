import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'

/** An event with its body, and where JetStream keeps it. */
export interface StoredEvent {
  readonly meta: EventMeta
  readonly body: Uint8Array
  readonly stored: DeliveryReference['stored']
}
