import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { newInbox } from './connect.ts'
import { encodeFields, openHeaderCarrier } from './encode-headers.ts'

/**
 * Publishes to one stream and tells when a message is safe.
 *
 *   publish ─▶ waiting ─┬─ few unacknowledged ─────────▶ one message each ────────────┐
 *                       └─ the last flight has landed,                                │
 *                          or enough wait ─────────────▶ one atomic batch ─ refused ──┴─▶ acknowledgement ─▶ promise
 *
 * No message waits for a timer (unless it may linger): the next batch grows while a flight is in the air, so the busier
 * the stream, the larger its batches. All acknowledgements come to one inbox, so a publish costs a third of
 * `js.publish`. A file stream that syncs each message takes about 5,000 a second singly; an atomic batch (nats-server 2.12)
 * costs about 2.4 ms and three syncs, however many messages it has.
 */

export interface PublisherOptions {
  /** How long to wait for an acknowledgement. Default 5,000. */
  timeoutMs?: number
  /** Messages that may wait to be sent before `publish` refuses. Default 10,000. */
  maxWaiting?: number
  /** Whether the stream takes atomic batches (`allow_atomic`); all subjects are of this one stream then. Default false. */
  atomic?: boolean
  /**
   * How long a message lingers for others to share its batch, ms: one sync to disk then stores many. For messages whose
   * acknowledgement delays no answer, such as parks and schedules. Only with `atomic`. Default 0.
   */
  lingerMs?: number
  /** Told of each flight that JetStream acknowledged: its messages, and how long the first of them waited for that, ms. */
  landed?: (messages: number, tookMs: number) => void
}

export interface Acknowledgement {
  readonly seq: number
  /** The stream held a message with this `Nats-Msg-Id` already. */
  readonly duplicate: boolean
  /** Messages of the atomic batch that it was stored with; 1: by itself. */
  readonly batch: number
}

export type PublishErrorCode =
  /** No acknowledgement came in time: the message may or may not be stored. */
  | 'no_acknowledgement'
  /** The server refused it: the stream is full, absent, or the message too large. */
  | 'refused'
  /** Too many messages wait already; this one was not sent. */
  | 'overloaded'
  | 'closed'

export class PublishError extends Error {
  readonly code: PublishErrorCode
  /** JetStream's own error code, where it gave one (10077: maximum bytes exceeded). */
  readonly serverCode: number | undefined

  constructor(code: PublishErrorCode, message: string, serverCode?: number) {
    super(message)
    this.name = 'PublishError'
    this.code = code
    this.serverCode = serverCode
  }
}

export interface Publisher extends AsyncDisposable {
  /** Rejects with a PublishError. */
  publish(
    subject: string,
    payload: Uint8Array | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Acknowledgement>
  /** Messages that are sent or wait to be. */
  readonly unacknowledged: number
}

interface Outgoing {
  subject: string
  payload: Uint8Array
  /** Its headers, encoded. */
  fields: string
  bytes: number
  /** `performance.now()` at which its publish times out, sent or not. */
  deadlineMs: number
  resolve(acknowledgement: Acknowledgement): void
  reject(error: PublishError): void
}

interface Flight {
  messages: Outgoing[]
}

/** Up to this many unacknowledged messages are sent singly: more would cost more syncs than a batch. */
const singlesInFlight = 8
/** The same with a linger: no answer waits for such messages, so they go with the fewest syncs. */
const lingeringSingles = 3
/** This many waiting messages go as a batch although another flight is in the air. */
const enoughMessages = 100
/** The server's own limit for a batch is 1,000 messages. */
const batchMessages = 500
const batchBytes = 2 * 1024 * 1024
/** Room for the header's first line, and for the fields that a batch adds. */
const batchFieldBytes = 256
const sweepMs = 250

export function openPublisher(nats: NatsConnection, options: PublisherOptions = {}): Publisher {
  const { timeoutMs = 5_000, maxWaiting = 10_000, atomic = false, lingerMs = 0, landed } = options
  const mostSingles = lingerMs > 0 ? lingeringSingles : singlesInFlight
  const inbox = newInbox(nats)
  const flights = new Map<number, Flight>()
  let waiting: Outgoing[] = []
  let inFlight = 0
  let nextFlight = 0
  let scheduled = false
  let closed = false

  const subscription = nats.subscribe(`${inbox}.*`, {
    callback: (_error, message) => land(message),
  })
  const carrier = openHeaderCarrier()
  let sweeper: NodeJS.Timeout | undefined

  function drain(): void {
    scheduled = false
    while (waiting.length > 0) {
      if (!atomic || inFlight + waiting.length <= mostSingles) {
        for (const outgoing of waiting) sendSingle(outgoing)
        waiting = []
      } else if (inFlight > 0 && waiting.length < enoughMessages) {
        return // the next landing comes back here, with more to batch
      } else {
        sendBatch(takeBatch())
      }
    }
  }

  function takeBatch(): Outgoing[] {
    let count = 0
    let bytes = 0
    while (count < waiting.length && count < batchMessages && (count === 0 || bytes < batchBytes)) {
      bytes += waiting[count++]!.bytes
    }
    return waiting.splice(0, count)
  }

  function board(messages: Outgoing[]): string {
    const flight = nextFlight++
    inFlight += messages.length
    flights.set(flight, { messages })
    return `${inbox}.${flight}`
  }

  function sendSingle(outgoing: Outgoing): void {
    send(outgoing, board([outgoing]))
  }

  function sendBatch(messages: Outgoing[]): void {
    if (messages.length === 1) {
      sendSingle(messages[0]!)
      return
    }
    const reply = board(messages)
    const batch = reply.replaceAll('.', '-').slice(-60)
    for (const [index, outgoing] of messages.entries()) {
      const place = `Nats-Batch-Id: ${batch}\r\nNats-Batch-Sequence: ${index + 1}\r\n`
      if (index < messages.length - 1) send(outgoing, undefined, place)
      else send(outgoing, reply, `${place}Nats-Batch-Commit: 1\r\n`)
    }
  }

  function send({ subject, payload, fields, reject }: Outgoing, reply: string | undefined, place = ''): void {
    carrier.load(fields + place)
    try {
      nats.publish(subject, payload, { headers: carrier.headers, ...(reply && { reply }) })
    } catch (cause) {
      // The connection is closed: the flight is not acknowledged, and times out.
      reject(new PublishError('refused', cause instanceof Error ? cause.message : 'not sent'))
    }
  }

  /** @throws PublishError where no server would take it: found before it shares a batch with others */
  function pack(
    subject: string,
    payload: Uint8Array | string,
    headers: Readonly<Record<string, string>> | undefined,
  ): Pick<Outgoing, 'subject' | 'payload' | 'fields' | 'bytes'> {
    const packed = typeof payload === 'string' ? Buffer.from(payload) : payload
    const fields = headers ? encodeFields(headers) : ''
    const bytes = packed.length + Buffer.byteLength(fields)
    const most = nats.info?.max_payload ?? Number.POSITIVE_INFINITY
    if (bytes + batchFieldBytes > most)
      throw new PublishError('refused', `the message has ${bytes} bytes, and the server takes ${most}`)
    return { subject, payload: packed, fields, bytes }
  }

  function land(message: Msg): void {
    const number = Number(message.subject.slice(inbox.length + 1))
    const flight = flights.get(number)
    if (!flight) return
    flights.delete(number)
    inFlight -= flight.messages.length
    const reply = readReply(message)
    if (landed && !('error' in reply)) {
      landed(flight.messages.length, performance.now() - flight.messages[0]!.deadlineMs + timeoutMs)
    }
    answer(flight.messages, reply)
    schedule()
  }

  function answer(messages: Outgoing[], reply: Reply): void {
    const [only] = messages
    if ('error' in reply) {
      // A batch is refused whole if one of its messages is a duplicate, among others: then each goes by itself.
      if (messages.length === 1) only!.reject(reply.error)
      else for (const outgoing of messages) sendSingle(outgoing)
      return
    }
    const first = reply.seq - messages.length + 1
    for (const [index, outgoing] of messages.entries()) {
      outgoing.resolve({ seq: first + index, duplicate: reply.duplicate, batch: messages.length })
    }
  }

  /** Looks for messages whose time is over; there is no timer while none is unacknowledged. */
  function sweep(): void {
    sweeper = undefined
    const now = performance.now()
    for (const [number, flight] of flights) {
      // The first of a batch has waited longest.
      if (flight.messages[0]!.deadlineMs > now) continue
      flights.delete(number)
      inFlight -= flight.messages.length
      for (const outgoing of flight.messages) rejectLate(outgoing)
      schedule()
    }
    // Messages that wait for a flight time out too: else they would wait for twice the time-out.
    while (waiting.length > 0 && waiting[0]!.deadlineMs <= now) rejectLate(waiting.shift()!)
    if (flights.size > 0 || waiting.length > 0) watch()
  }

  function watch(): void {
    sweeper ??= setTimeout(sweep, sweepMs).unref()
  }

  function rejectLate(outgoing: Outgoing): void {
    outgoing.reject(
      new PublishError('no_acknowledgement', `JetStream did not acknowledge within ${timeoutMs} ms`),
    )
  }

  function schedule(): void {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    if (lingerMs > 0) setTimeout(drain, lingerMs)
    else setImmediate(drain)
  }

  return {
    publish(subject, payload, fields) {
      if (closed) return Promise.reject(new PublishError('closed', 'the publisher is closed'))
      if (waiting.length >= maxWaiting) {
        return Promise.reject(
          new PublishError('overloaded', `${waiting.length} messages wait to be published`),
        )
      }
      return new Promise((resolve, reject) => {
        const packed = pack(subject, payload, fields)
        waiting.push({ ...packed, deadlineMs: performance.now() + timeoutMs, resolve, reject })
        schedule()
        watch()
      })
    },
    get unacknowledged() {
      return inFlight + waiting.length
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(sweeper)
      subscription.unsubscribe()
      const error = new PublishError('closed', 'the publisher was closed before JetStream acknowledged')
      for (const flight of flights.values()) for (const outgoing of flight.messages) outgoing.reject(error)
      for (const outgoing of waiting) outgoing.reject(error)
      flights.clear()
      waiting = []
    },
  }
}

type Reply = { seq: number; duplicate: boolean } | { error: PublishError }

function readReply(message: Msg): Reply {
  if (message.headers?.code === 503)
    return { error: new PublishError('refused', 'no stream takes this subject') }
  const reply = message.json<{
    seq?: number
    duplicate?: boolean
    error?: { err_code?: number; description?: string }
  }>()
  if (reply.error || reply.seq === undefined) {
    return {
      error: new PublishError('refused', reply.error?.description ?? 'no sequence', reply.error?.err_code),
    }
  }
  return { seq: reply.seq, duplicate: reply.duplicate === true }
}
