import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '@fairlead/daemon/log'
import { streamName } from '@fairlead/wire/streams'
import { outboundSubject } from '@fairlead/wire/subjects'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'

const consumerName = 'probes'
const retryMs = 1_000

export interface MessagesOptions {
  readonly nats: NatsConnection
  readonly log: Log
  /** Of the prober's organizations. */
  readonly slugs: readonly string[]
  /** Resolves once it is kept. */
  arrived(body: string): Promise<void>
}

/**
 * Reads the probes that are delivered as messages of OUTBOUND, and deletes each: they would else be kept for days beside those
 * that tenants take. What was not read before a restart is read after it.
 */
export async function followMessages(options: MessagesOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await readMessages(options, signal).catch((err: unknown) => {
      if (!signal.aborted) options.log.debug({ err }, 'messages.unread')
    })
    await delay(retryMs, undefined, { signal }).catch(() => {})
  }
}

async function readMessages({ nats, slugs, arrived }: MessagesOptions, signal: AbortSignal): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  // Made anew: the organizations may be others than before. Messages that were read are gone.
  await manager.consumers.delete(streamName.outbound, consumerName).catch(() => {})
  await manager.consumers.add(streamName.outbound, {
    durable_name: consumerName,
    filter_subjects: slugs.map(slug => outboundSubject(slug, 'messages')),
    ack_policy: AckPolicy.Explicit,
  })
  const consumer = await jetstream(nats).consumers.get(streamName.outbound, consumerName)
  const messages = await consumer.consume({ max_messages: 100 })
  const stop = () => messages.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for await (const message of messages) {
      await arrived(message.string())
      await manager.streams.deleteMessage(streamName.outbound, message.seq, false)
      message.ack()
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await messages.close()
  }
}
