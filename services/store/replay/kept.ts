import { streamName } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'

/** What a stream still holds: its first and last sequence, and when it was made. */
export interface Held {
  readonly first: number
  readonly last: number
  /** A sequence noted before this time was given by another stream of this name. */
  readonly created: Date
}

/** Where bodies may be. */
export interface Kept {
  readonly events: Held
  readonly dead: Held
}

/** How much the clocks of receivers and of nats-server may differ. */
const toleranceMs = 60_000

/** Asks JetStream what it still holds. Throws a StoreError `nats_unavailable`. */
export async function readKept(nats: NatsConnection): Promise<Kept> {
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    const read = async (stream: string): Promise<Held> => {
      const { state, created } = await manager.streams.info(stream)
      const createdMs = Date.parse(String(created)) - toleranceMs
      return { first: state.first_seq, last: state.last_seq, created: new Date(createdMs) }
    }
    return { events: await read(streamName.events), dead: await read(streamName.dead) }
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}
