import { setTimeout as delay } from 'node:timers/promises'
import type { JetStreamManager } from '@nats-io/jetstream'

const retryMs = 500

/** Tries until it is done: JetStream's API may be away for a while. Rejects only when the signal aborts. */
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

/** The server has several words for a message that is gone already: whether it is there is what counts. */
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
