import { setTimeout as delay } from 'node:timers/promises'
import { type Acknowledgement, PublishError, type Publisher } from '@fairlead/wire/publish'

/**
 * Publishes until the stream has it: JetStream may be away for a while, and what is not stored is not safe. Repeats
 * are harmless where the headers carry a `Nats-Msg-Id`. Rejects only when the signal aborts.
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
