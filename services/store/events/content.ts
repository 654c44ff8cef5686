import { decodeEventMeta, type EventMeta, eventHeader } from '@fairlead/wire/event'
import { streamName } from '@fairlead/wire/streams'
import { JetStreamApiError, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'
import type { DeliveryRow, EventRow } from './rows.ts'

/** Where JetStream keeps an event's headers and body. */
export interface Stored {
  readonly stream: 'EVENTS' | 'DEAD'
  readonly seq: number
}

export interface Content {
  readonly stored: Stored
  readonly meta: EventMeta
  readonly body: Uint8Array
}

/**
 * Finds an event's content: in EVENTS, or with one of its dead letters in DEAD, which keeps it longer. Undefined if it
 * has expired. A sequence may be another event's by now (a stream that was made anew counts from 1), so the message
 * has to name this event. Throws a StoreError `nats_unavailable`.
 */
export async function findContent(
  nats: NatsConnection,
  eventId: string,
  event: Pick<EventRow, 'stream_seq'>,
  deliveries: readonly Pick<DeliveryRow, 'dead_seq'>[],
): Promise<Content | undefined> {
  const places: Stored[] = []
  if (event.stream_seq) places.push({ stream: streamName.events, seq: Number(event.stream_seq) })
  for (const { dead_seq } of deliveries) {
    if (dead_seq) places.push({ stream: streamName.dead, seq: Number(dead_seq) })
  }
  for (const stored of places) {
    const message = await readMessage(nats, stored)
    const meta = message && readMeta(message)
    if (meta?.id === eventId) return { stored, meta, body: message!.data }
  }
  return undefined
}

async function readMessage(nats: NatsConnection, { stream, seq }: Stored): Promise<StoredMsg | undefined> {
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.getMessage(stream, { seq })) ?? undefined
  } catch (cause) {
    // 10037: no message of this sequence. 10059: no stream.
    if (cause instanceof JetStreamApiError && (cause.code === 10037 || cause.code === 10059)) return undefined
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

function readMeta(message: StoredMsg): EventMeta | undefined {
  try {
    return decodeEventMeta(message.header.get(eventHeader))
  } catch {
    return undefined
  }
}
