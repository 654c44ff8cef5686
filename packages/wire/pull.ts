import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumerConfig, JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { newInbox } from './connect.ts'
import type { Trouble } from './trouble.ts'

/**
 * Pulls messages of a durable consumer, for as long as the signal allows and whatever happens to the server. The
 * library's own `consume` bounds messages or bytes; events are between 0 and 8 MiB, and need both bounds.
 *
 * A pull asks for `batch` messages. Before they are used up the next one is on its way, so that a full stream never
 * waits for a round trip. A pull that ends early (408, 409), a server that goes silent and a reconnection all lead to
 * the same steps: forget what was asked for, make sure that the consumer exists, ask again.
 */

export interface PullOptions {
  readonly stream: string
  readonly consumer: Partial<ConsumerConfig> & { readonly durable_name: string }
  /** Messages that may be on their way at one time. */
  readonly batch: number
  /** Bytes of messages that were taken and not yet handed over; above that the pull asks for no more. */
  readonly maxHeldBytes: number
  /** Bytes of one pull; at least the largest message. */
  readonly maxBytes: number
  /** Told why the consumer can't be made, which is tried again every 250 ms, and when it was made. */
  readonly trouble: Pick<Trouble, 'failed' | 'over'>
}

export interface PulledMessage {
  readonly subject: string
  readonly data: Uint8Array
  readonly seq: number
  /** When it was stored, nanoseconds since 1970. With the sequence it names a message also if the stream was made anew. */
  readonly storedAt: string
  /** How often the server has handed it out, from 1. */
  readonly deliveries: number
  /** The consumer counts what it hands out, from 1: a gap means that a message went elsewhere. */
  readonly handOut: number
  /** Messages behind it that the consumer has not handed out. */
  readonly pending: number
  header(name: string): string | undefined
  /** Frees data and headers, which are empty from then on, where a message waits for its acknowledgement. */
  forget(): void
  /** This and the following never throw: where the connection is closed, the server hands the message out again. */
  ack(): void
  /** Starts `ack_wait` again. */
  working(): void
  /** Gives it back: to be handed out again at once, or after a short delay. */
  nak(delayMs?: number): void
  /** Gives it up for good: it can't be read. Needs nats-server 2.11 for the reason. */
  term(reason: string): void
}

const expiresMs = 60_000
const heartbeatMs = 5_000
const retryMs = 250
/** The server gets so long to tell that it sends nothing more. */
const drainMs = 500

/**
 * Resolves when the signal has aborted and nothing more will be handed to `take`. What was on its way is given back.
 *
 * @param take takes a message. Until the promise resolves, the message counts against `batch` and `maxHeldBytes`: it resolves
 *   when the message is handed over (queued, under way, or stored elsewhere), not when its deliveries are done. The promise
 *   must not reject. Undefined: the message was handed over at once.
 */
export async function pull(
  nats: NatsConnection,
  manager: JetStreamManager,
  options: PullOptions,
  take: (message: PulledMessage) => Promise<void> | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { stream, consumer, batch, maxBytes, maxHeldBytes, trouble } = options
  const inbox = newInbox(nats)
  const next = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.durable_name}`
  /** Messages asked for that have not come yet, and those that came and are not handed over yet. */
  let asked = 0
  let held = 0
  let heldBytes = 0
  let heardMs = performance.now()
  let restarting = false

  const subscription = nats.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      heardMs = performance.now()
      if (message.subject.startsWith(inbox)) {
        status(message)
        return
      }
      asked = Math.max(0, asked - 1)
      const opened = new OpenMessage(nats, message)
      if (signal.aborted) {
        opened.nak()
        return
      }
      const handedOver = take(opened)
      if (handedOver) {
        const bytes = opened.data.length
        held++
        heldBytes += bytes
        void handedOver.finally(() => {
          held--
          heldBytes -= bytes
          ask()
        })
      }
      ask()
    },
  })
  const watchdog = setInterval(() => {
    if (performance.now() - heardMs > 2 * heartbeatMs) void restart()
  }, heartbeatMs)

  function ask(): void {
    if (signal.aborted || restarting || nats.isClosed() || heldBytes > maxHeldBytes) return
    const want = batch - held - asked
    // Few large pulls rather than many small ones, and one pull always open.
    if (want < batch / 2 && (asked > 0 || want < 1)) return
    asked += want
    const request = {
      batch: want,
      max_bytes: maxBytes,
      expires: expiresMs * 1e6,
      idle_heartbeat: heartbeatMs * 1e6,
    }
    try {
      nats.publish(next, JSON.stringify(request), { reply: `${inbox}.${want}` })
    } catch (error) {
      trouble.failed(error) // the connection drains or is closed: nothing more will come
    }
  }

  /** 100 idle heartbeat; 408 expired; 409 many reasons; 503 nobody there. */
  function status(message: Msg): void {
    const { code = 0, description = '' } = message.headers ?? {}
    if (code === 100) return
    const left = message.headers?.get('Nats-Pending-Messages')
    if (code === 408 || (code === 409 && left && /exceeds maxbytes/i.test(description))) {
      asked = Math.max(0, asked - Number(left ?? asked))
      ask()
      return
    }
    void restart()
  }

  async function restart(): Promise<void> {
    if (restarting) return
    restarting = true
    while (!signal.aborted && !nats.isClosed()) {
      try {
        await manager.consumers.add(stream, consumer)
        trouble.over()
        break
      } catch (error) {
        // NATS is away, the stream is not there yet, or the consumer is refused.
        trouble.failed(error)
        await new Promise(resolve => setTimeout(resolve, retryMs))
      }
    }
    restarting = false
    heardMs = performance.now()
    asked = 0
    ask()
  }

  const reconnections = nats.status()
  void (async () => {
    for await (const { type } of reconnections) if (type === 'reconnect') void restart()
  })().catch(trouble.failed)

  await restart()
  await aborted(signal)
  clearInterval(watchdog)
  // Messages that are on their way are given back, or they would come again only after `ack_wait`.
  await Promise.race([subscription.drain().catch(() => {}), delay(drainMs, undefined, { ref: false })])
  subscription.unsubscribe()
  // The iterator has a stop() that its type leaves out.
  if ('stop' in reconnections && typeof reconnections.stop === 'function') reconnections.stop()
}

/**
 * A class, because each event is one. The subject of replies is
 * `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<time>.<pending>[.<random>]`.
 */
class OpenMessage implements PulledMessage {
  readonly subject: string
  readonly seq: number
  readonly storedAt: string
  readonly deliveries: number
  readonly handOut: number
  readonly pending: number
  readonly #nats: NatsConnection
  readonly #reply: string
  #message: Msg | undefined

  constructor(nats: NatsConnection, message: Msg) {
    this.#nats = nats
    this.#message = message
    this.subject = message.subject
    this.#reply = message.reply!
    const tokens = this.#reply.split('.')
    const at = tokens.length === 9 ? 4 : 6
    this.deliveries = Number(tokens[at])
    this.seq = Number(tokens[at + 1])
    this.handOut = Number(tokens[at + 2])
    this.storedAt = tokens[at + 3] ?? ''
    this.pending = Number(tokens[at + 4])
  }

  get data(): Uint8Array {
    return this.#message?.data ?? nothing
  }

  header(name: string): string | undefined {
    return this.#message?.headers?.get(name) || undefined
  }

  forget(): void {
    this.#message = undefined
  }

  ack(): void {
    this.#answer('+ACK')
  }

  working(): void {
    this.#answer('+WPI')
  }

  nak(delayMs?: number): void {
    this.#answer(delayMs ? `-NAK {"delay":${Math.round(delayMs * 1e6)}}` : '-NAK')
  }

  term(reason: string): void {
    this.#answer(`+TERM ${reason}`)
  }

  #answer(text: string): void {
    try {
      this.#nats.publish(this.#reply, text)
    } catch {
      // The connection drains or is closed. The server hands the message out again after `ack_wait`.
    }
  }
}

const nothing = new Uint8Array(0)

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
