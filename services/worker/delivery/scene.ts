import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'
import type { Engine } from '../engine.ts'
import type { Lanes } from '../lanes/lanes.ts'
import type { Order } from './order.ts'

/** An event with its body, and where JetStream keeps it. */
export interface StoredEvent {
  readonly meta: EventMeta
  readonly body: Uint8Array
  readonly stored: DeliveryReference['stored']
}

/** The partition that a delivery happens in. */
export interface Scene {
  readonly engine: Engine
  readonly lanes: Lanes
  readonly order: Order
  /** Aborts when the partition is given up at once. */
  readonly signal: AbortSignal
}
