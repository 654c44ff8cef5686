import { keptOfSource, maxKeptBytes, type RejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { metaOf, readSpan } from './read.ts'

/**
 * JetStream itself bounds the number, the age and the bytes of all together; the bytes of one source are bounded here, of refused
 * requests and of swallowed repeats each. Where no record is larger than this, a source's number of records keeps it within its bytes.
 */
const smallBytes = Math.floor(keptOfSource.bytes / keptOfSource.messages)

/** Bytes of a record that are its body's. Pure. */
const bodyBytes = ({ size, offered }: RejectionMeta): number =>
  size > maxKeptBytes || offered !== undefined ? 0 : size

/** Whether a source has to be measured because this came. Pure. */
export const isLarge = (meta: RejectionMeta): boolean => bodyBytes(meta) > smallBytes

/**
 * The sequence of the oldest record that stays, given those of a subject, oldest first; undefined: all stay. Pure.
 */
export function oldestKept(
  records: readonly { readonly seq: number; readonly bytes: number }[],
  maxBytes: number = keptOfSource.bytes,
): number | undefined {
  let sum = 0
  for (const [place, { bytes }] of records.toReversed().entries()) {
    sum += bytes
    if (sum > maxBytes) return records[records.length - place]?.seq ?? Number.POSITIVE_INFINITY
  }
  return undefined
}

/** Removes the oldest records of a subject until its bodies are within the bytes of a source. */
export async function boundSubject(nats: NatsConnection, subject: string): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const { state } = await manager.streams.info(streamName.rejections)
  const span = { lower: state.first_seq, upper: state.last_seq + 1 }
  const messages = await readSpan(manager, nats, [subject], span)
  const records = messages.map(message => {
    const meta = metaOf(message.headers?.get(rejectionHeader))
    return { seq: message.seq, bytes: meta ? bodyBytes(meta) : 0 }
  })
  const kept = oldestKept(records)
  if (kept === undefined) return
  const seq = Math.min(kept, span.upper)
  await manager.streams.purge(streamName.rejections, { filter: subject, seq })
}
