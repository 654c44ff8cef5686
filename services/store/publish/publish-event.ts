import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { jetstream } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'

/**
 * Publishes an event that the store makes itself, of a notice or of a rejection. JetStream takes an id once in 5 minutes. Throws a
 * StoreError `nats_unavailable`.
 */
export async function publishEvent(
  nats: NatsConnection,
  subject: string,
  meta: Parameters<typeof encodeEventMeta>[0],
  body: Uint8Array,
): Promise<void> {
  const fields = headers()
  fields.set(eventHeader, encodeEventMeta(meta))
  try {
    await jetstream(nats).publish(subject, body, { msgID: meta.id, headers: fields })
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'the event could not be stored', { cause })
  }
}
