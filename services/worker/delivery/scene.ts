import type { Engine } from '../engine.ts'
import type { Lanes } from '../lanes/lanes.ts'
import type { Order } from './order.ts'

/** The partition that a delivery happens in. */
export interface Scene {
  readonly engine: Engine
  readonly lanes: Lanes
  readonly order: Order
  /** Aborts when the partition is given up at once. */
  readonly signal: AbortSignal
}
