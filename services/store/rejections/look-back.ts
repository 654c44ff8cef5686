import { type RejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'
import { asking, metaOf, type StoredRejection } from './read.ts'

/** Messages that one reading holds at most, and bytes of their headers. */
export const mostHeld = 1_024
const mostHeldBytes = 4 * 1024 ** 2
/** Messages of an organization that one page goes over, about. */
const mostLooked = 10_000
/** How long one reading may take, ms. */
const readMs = 5_000
/** Sequences that the first look goes over. Other organizations' are among them. No more than may be held. */
const firstSpan = mostHeld

export interface Wanted {
  readonly subjects: string[]
  /** Only those before this sequence; undefined: from the newest on. */
  readonly below?: number | undefined
  /** Unix milliseconds: older ones need not be read. */
  readonly sinceMs?: number | undefined
  readonly fits: (meta: RejectionMeta) => boolean
}

export interface Look {
  /** Those that fit, newest first, without bodies. */
  readonly rejections: StoredRejection[]
  /** Messages that were looked at. */
  readonly looked: number
  /** Sequences from here on were looked at, by this look or one before. */
  readonly lower: number
  /** There is nothing older. */
  readonly isEnd: boolean
}

/**
 * Looks at rejections, newest first. JetStream reads forwards only: so it is read in spans of sequences from the end on, each span
 * wider where the one before held little, and narrower where it holds more than may be in memory. Throws a StoreError
 * `nats_unavailable`.
 */
export async function* lookBack(
  nats: NatsConnection,
  { subjects, below = Number.POSITIVE_INFINITY, sinceMs = 0, fits }: Wanted,
): AsyncGenerator<Look> {
  const manager = await asking(() => jetstreamManager(nats, { checkAPI: false }))
  const { state } = await asking(() => manager.streams.info(streamName.rejections))
  let upper = Math.min(below, state.last_seq + 1)
  for (let span = firstSpan; upper > state.first_seq; ) {
    const lower = Math.max(state.first_seq, upper - span)
    const range = { lower, upper }
    const { messages, isCut } = await asking(() => readSpan(manager, nats, subjects, range))
    if (isCut && upper - lower > 1) {
      span = Math.ceil((upper - lower) / 4)
      continue
    }
    const rejections: StoredRejection[] = []
    for (const message of messages.toReversed()) {
      const meta = metaOf(message.headers?.get(rejectionHeader))
      if (meta && fits(meta)) rejections.push({ seq: message.seq, meta, body: new Uint8Array() })
    }
    // A request is received before it is stored.
    const [oldest] = messages
    const isEnd = lower <= state.first_seq || (oldest !== undefined && oldest.time.getTime() < sinceMs)
    yield { rejections, looked: messages.length, lower, isEnd }
    if (isEnd) return
    if (messages.length < span / 4) span *= 4
    upper = lower
  }
}

export interface PageWanted extends Wanted {
  readonly limit: number
  /** Ends the reading. */
  readonly signal?: AbortSignal | undefined
}

export interface Page {
  /** Newest first, without bodies. */
  readonly rejections: StoredRejection[]
  /** The next page has those before this sequence; undefined: there is none. */
  readonly below: number | undefined
}

/**
 * A page of the newest that fit. It may hold fewer than `limit`, even none, and not be the last: one page goes over some 10,000
 * messages, and holds some MiB of headers. Throws a StoreError `nats_unavailable`.
 */
export async function readBack(
  nats: NatsConnection,
  { limit, signal, ...wanted }: PageWanted,
): Promise<Page> {
  const rejections: StoredRejection[] = []
  let bytes = 0
  let looked = 0
  for await (const look of lookBack(nats, wanted)) {
    signal?.throwIfAborted()
    for (const rejection of look.rejections) {
      if (rejections.length === limit || bytes >= mostHeldBytes) {
        return { rejections, below: rejections.at(-1)!.seq }
      }
      rejections.push(rejection)
      bytes += charactersOf(rejection.meta)
    }
    looked += look.looked
    if (look.isEnd) break
    if (looked >= mostLooked) return { rejections, below: look.lower }
  }
  return { rejections, below: undefined }
}

const charactersOf = ({ url, headers }: RejectionMeta): number =>
  headers.reduce((sum, { length }) => sum + length, url.length)

export interface Span {
  readonly lower: number
  readonly upper: number
}

export interface SpanRead {
  /** Oldest first, without bodies. */
  readonly messages: JsMsg[]
  /** There may be more before `upper`: no more are held at a time. */
  readonly isCut: boolean
}

/**
 * Messages of some subjects with sequences from `lower` on and below `upper`: 1,024 at most, and about 4 MiB of headers. Throws a
 * StoreError `nats_unavailable` where messages got lost on their way, or did not come in time.
 */
export async function readSpan(
  manager: JetStreamManager,
  nats: NatsConnection,
  subjects: string[],
  { lower, upper }: Span,
): Promise<SpanRead> {
  const { name, num_pending } = await manager.consumers.add(streamName.rejections, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(lower, 1),
    filter_subjects: subjects,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 10 * 1e9,
  })
  try {
    if (num_pending === 0) return { messages: [], isCut: false }
    const consumer = await jetstream(nats).consumers.get(streamName.rejections, name)
    return await readPending(consumer, num_pending, upper)
  } finally {
    // The server forgets it by itself, later.
    await manager.consumers.delete(streamName.rejections, name).catch(() => {})
  }
}

/** Of JetStream's consumer. */
interface Pending {
  fetch(options: { max_messages: number; expires: number }): Promise<AsyncIterable<JsMsg>>
  info(): Promise<Pick<ConsumerInfo, 'num_pending' | 'delivered'>>
}

/** Messages that wait for a consumer, of which `pending` were there when it was made. */
export async function readPending(consumer: Pending, pending: number, upper: number): Promise<SpanRead> {
  const messages: JsMsg[] = []
  const count = Math.min(pending, mostHeld)
  let bytes = 0
  let received = 0
  for await (const message of await consumer.fetch({ max_messages: count, expires: readMs })) {
    received += 1
    if (message.info.deliverySequence !== received) throw partial()
    if (message.seq >= upper) return { messages, isCut: false }
    messages.push(message)
    bytes += message.headers?.get(rejectionHeader).length ?? 0
    if (message.info.pending === 0 || message.seq === upper - 1) return { messages, isCut: false }
    if (bytes >= mostHeldBytes) return { messages, isCut: true }
    if (received === count) return { messages, isCut: count < pending }
  }
  // Others may have been removed meanwhile.
  const { num_pending, delivered } = await consumer.info()
  if (num_pending > 0 || delivered.consumer_seq !== received) throw partial()
  return { messages, isCut: false }
}

const partial = () => new StoreError('nats_unavailable', 'the rejections could be read in part only')
