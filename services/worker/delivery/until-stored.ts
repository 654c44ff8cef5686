import { setTimeout as delay } from 'node:timers/promises'
import { type Acknowledgement, PublishError, type Publisher } from '@fairlead/wire/publish'

/**
 * Publishes a message until its stream has acknowledged it, because JetStream may be away for a while. Waits 50 ms before the
 * second try and twice as long each time, 2 s at most. Repeats are harmless where the headers carry a `Nats-Msg-Id`.
 *
 * Rejects when the signal aborts, when the publisher is closed, and with any error that is no `PublishError`. A message that
 * the stream refuses is tried again: a full stream has room later.
 */
export async function untilStored(
  publisher: Publisher,
  subject: string,
  payload: Uint8Array | string,
  headers: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<Acknowledgement> {
  for (let waitMs = 50; ; waitMs = Math.min(2_000, waitMs * 2)) {
    try {
      return await publisher.publish(subject, payload, headers)
    } catch (error) {
      if (!(error instanceof PublishError) || error.code === 'closed' || signal.aborted) throw error
    }
    await delay(waitMs, undefined, { signal })
  }
}
