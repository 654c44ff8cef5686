import type { OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { decodeRejectionMeta, type RejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { rejectionsSubject, repeatsSubject } from '@fairlead/wire/subjects'
import { JetStreamApiError, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
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
  const message = await readMessage(nats, { seq })
  const stored = message && storedOf(message, organization)
  return stored && mode && modeOfRejection(stored.meta) !== mode ? undefined : stored
}

/** A message of REJECTIONS; undefined where there is none. Throws a StoreError `nats_unavailable`. */
export async function readMessage(
  nats: NatsConnection,
  query: { readonly seq: number } | { readonly last_by_subj: string },
): Promise<StoredMsg | undefined> {
  return await asking(async () => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.getMessage(streamName.rejections, query)) ?? undefined
  }).catch(error => {
    // 10037: no message of this sequence or subject.
    if (error.cause instanceof JetStreamApiError && error.cause.code === 10037) return undefined
    throw error
  })
}

/**
 * Undefined where it can't be read, or is another organization's: the sequence is of the whole stream.
 * @param subject which it must have; default: that of its organization and source
 */
export function storedOf(
  message: StoredMsg,
  organization: OrganizationId,
  subject?: string,
): StoredRejection | undefined {
  const meta = metaOf(message.header.get(rejectionHeader))
  if (!meta) return undefined
  const own = meta.repeats
    ? repeatsSubject(organization, meta.source)
    : rejectionsSubject(organization, meta.source)
  return message.subject === (subject ?? own) ? { seq: message.seq, meta, body: message.data } : undefined
}

/** Answers false where it is gone already. Throws a StoreError `nats_unavailable`. */
export async function eraseRejection(nats: NatsConnection, seq: number): Promise<boolean> {
  try {
    return await asking(async () => {
      const manager = await jetstreamManager(nats, { checkAPI: false })
      // Overwritten on the disk, not only marked as deleted.
      return await manager.streams.deleteMessage(streamName.rejections, seq, true)
    })
  } catch (error) {
    // The server has several errors for a message that is gone already, by where in the stream it was: it is looked up.
    const isRefused = error instanceof StoreError && error.cause instanceof JetStreamApiError
    if (isRefused && !(await readMessage(nats, { seq }))) return false
    throw error
  }
}

/** Asks NATS. Throws a StoreError `nats_unavailable`. */
export async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
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
