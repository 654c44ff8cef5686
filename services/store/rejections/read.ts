import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { decodeRejectionMeta, type RejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { rejectionsSubject, repeatsSubject } from '@fairlead/wire/subjects'
import {
  AckPolicy,
  DeliverPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type JsMsg,
  jetstream,
  jetstreamManager,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'

/** Rejections are in JetStream only: a flood of bad requests must not reach Postgres. */
export interface StoredRejection {
  readonly seq: number
  readonly meta: RejectionMeta
  /** Empty where bodies were not asked for. */
  readonly body: Uint8Array
}

/** Of its source, when it was received. */
export const modeOfRejection = ({ mode = 'live' }: RejectionMeta): Mode => mode

/** One, with its body; undefined where there is none, or it is another organization's, or of another mode than `mode` if given. Throws a StoreError `nats_unavailable`. */
export async function readRejection(
  nats: NatsConnection,
  organization: OrganizationId,
  seq: number,
  mode?: Mode,
): Promise<StoredRejection | undefined> {
  if (seq < 1) return undefined
  const message = await asking(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.getMessage(streamName.rejections, { seq })) ?? undefined
  }).catch(error => {
    // 10037: no message of this sequence.
    if (error.cause instanceof JetStreamApiError && error.cause.code === 10037) return undefined
    throw error
  })
  const meta = message && metaOf(message.header.get(rejectionHeader))
  if (!message || !meta || (mode && modeOfRejection(meta) !== mode)) return undefined
  // The sequence is of the whole stream: it may name another organization's.
  const own = meta.repeats
    ? repeatsSubject(organization, meta.source)
    : rejectionsSubject(organization, meta.source)
  return message.subject === own ? { seq, meta, body: message.data } : undefined
}

export interface Wanted {
  readonly subjects: string[]
  /** Only those before this sequence; undefined: from the newest on. */
  readonly below?: number | undefined
  readonly limit: number
  /** Unix milliseconds: older ones need not be read. */
  readonly sinceMs?: number | undefined
  readonly fits: (meta: RejectionMeta) => boolean
}

/** Sequences that the first look goes over. Other organizations' are among them. */
const firstSpan = 1_024

/**
 * The newest that fit, newest first, without bodies. JetStream reads forwards only: so it is read in spans of sequences from the
 * end on, each span wider where the one before held little. Throws a StoreError `nats_unavailable`.
 */
export function readBack(nats: NatsConnection, wanted: Wanted): Promise<StoredRejection[]> {
  return asking(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    const { state } = await manager.streams.info(streamName.rejections)
    const found: StoredRejection[] = []
    let upper = Math.min(wanted.below ?? Number.POSITIVE_INFINITY, state.last_seq + 1)
    for (let span = firstSpan; upper > state.first_seq && found.length < wanted.limit; ) {
      const lower = Math.max(state.first_seq, upper - span)
      const messages = await readSpan(manager, nats, wanted.subjects, { lower, upper })
      for (const message of messages.toReversed()) {
        const meta = metaOf(message.headers?.get(rejectionHeader))
        if (meta && wanted.fits(meta)) found.push({ seq: message.seq, meta, body: new Uint8Array() })
      }
      // A request is received before it is stored.
      const [oldest] = messages
      if (oldest && oldest.time.getTime() < (wanted.sinceMs ?? 0)) break
      if (messages.length < span / 4) span *= 4
      upper = lower
    }
    return found.slice(0, wanted.limit)
  })
}

export interface Span {
  readonly lower: number
  readonly upper: number
  /** Messages at most. Default: as many as there may be. */
  readonly most?: number
}

/** Messages of some subjects with sequences from `lower` on and below `upper`, oldest first, without bodies. */
export async function readSpan(
  manager: JetStreamManager,
  nats: NatsConnection,
  subjects: string[],
  { lower, upper, most = upper - lower }: Span,
): Promise<JsMsg[]> {
  const { name, num_pending } = await manager.consumers.add(streamName.rejections, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(lower, 1),
    filter_subjects: subjects,
    headers_only: true,
    mem_storage: true,
    inactive_threshold: 10 * 1e9,
  })
  const messages: JsMsg[] = []
  const count = Math.min(num_pending, most)
  if (count > 0) {
    const consumer = await jetstream(nats).consumers.get(streamName.rejections, name)
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
      if (message.seq >= upper) break
      messages.push(message)
      if (messages.length === count) break
    }
  }
  await manager.consumers.delete(streamName.rejections, name)
  return messages
}

/** Answers false where it is gone already. Throws a StoreError `nats_unavailable`. */
export async function eraseRejection(nats: NatsConnection, seq: number): Promise<boolean> {
  return await asking(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    // Overwritten on the disk, not only marked as deleted.
    return await manager.streams.deleteMessage(streamName.rejections, seq, true)
  }).catch(error => {
    if (error.cause instanceof JetStreamApiError && error.cause.code === noSuchMessage) return false
    throw error
  })
}

/** JetStream's err_code 10057, "no message found", which a second deletion answers too. */
const noSuchMessage = 10_057

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

/** Undefined for a message that can't be read, which is left out. */
export function metaOf(header: string | undefined): RejectionMeta | undefined {
  try {
    return decodeRejectionMeta(header)
  } catch {
    return undefined
  }
}
