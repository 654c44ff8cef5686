import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'

const retryMs = 500

/** Repeats `work` every 500 ms until it resolves: JetStream's API may be away for a while. Rejects only when the signal aborts. */
export async function untilDone<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) throw error
    }
    await delay(retryMs, undefined, { signal })
  }
}

/** Deletes a message. The server has several errors for a message that is gone already, so the message itself is looked up. */
export async function removeMessage(
  { streams }: JetStreamManager,
  stream: string,
  seq: number,
): Promise<void> {
  try {
    await streams.deleteMessage(stream, seq, false)
  } catch (error) {
    if (await streams.getMessage(stream, { seq })) throw error
  }
}
