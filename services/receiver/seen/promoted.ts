import { setTimeout as delay } from 'node:timers/promises'
import { parseId } from '@fairlead/webhook/id'
import { streamName } from '@fairlead/wire/streams'
import { promotedOfAll } from '@fairlead/wire/subjects'
import { AckPolicy, type JsMsg, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Stored } from './catch-up.ts'

/** One consumer for all receivers, so that each event is read by one of them. */
const consumerName = 'seen-promoted'
/** After NATS could not be read, or Redis not written, ms. */
const retryMs = 1_000

/**
 * Reads ids of events that no receiver published: rejections that a member promoted. A provider that sends such a delivery once
 * more must find it known, longer than JetStream itself knows it. Acknowledged when written: a receiver that ends on the way
 * leaves it to the next.
 *
 * @param keep writes an id to Redis; a rejected one comes again
 */
export async function followPromoted(
  nats: NatsConnection,
  keep: (stored: Stored) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await readPromoted(nats, keep, signal).catch(() => {})
    await delay(retryMs, undefined, { signal }).catch(() => {})
  }
}

async function readPromoted(
  nats: NatsConnection,
  keep: (stored: Stored) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  await manager.consumers.add(streamName.events, {
    durable_name: consumerName,
    filter_subject: promotedOfAll,
    ack_policy: AckPolicy.Explicit,
    headers_only: true,
  })
  const consumer = await jetstream(nats).consumers.get(streamName.events, consumerName)
  if (signal.aborted) return
  const messages = await consumer.consume({ max_messages: 100 })
  const stop = () => messages.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const message of messages) await keepOne(message, keep)
  } finally {
    signal.removeEventListener('abort', stop)
    await messages.close()
  }
}

async function keepOne(message: JsMsg, keep: (stored: Stored) => Promise<void>): Promise<void> {
  const id = parseId('evt', message.headers?.get('Nats-Msg-Id') ?? '')
  try {
    if (id) await keep({ id, storedAtMs: message.time.getTime() })
    message.ack()
  } catch {
    // Redis is away, or not connected yet. JetStream itself knows the event for 5 minutes.
    message.nak(retryMs)
  }
}
