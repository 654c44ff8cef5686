import { keptOfSource, maxKeptBytes, type RejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { type JsMsg, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { readSpan, type SpanRead } from './look-back.ts'
import { metaOf } from './read.ts'

/**
 * JetStream itself bounds the number, the age and the bytes of all together; the bytes of one source are bounded here, of refused
 * requests and of swallowed repeats each. Where no record is larger than this, a source's number of records keeps it within its bytes.
 */
const smallBytes = Math.floor(keptOfSource.bytes / keptOfSource.messages)

/** Bytes of a record that are its body's. Pure. */
const bodyBytes = ({ size, offered }: RejectionMeta): number =>
  size > maxKeptBytes || offered !== undefined ? 0 : size

/**
 * Bytes of a subject that may come before it is measured again: a measurement reads a thousand headers. So much less than its bytes
 * is left of a source, so that it stays within them.
 */
const unmeasuredBytes = 4 * 1024 ** 2
/** Sources whose rejections one round measures, at most. */
const mostMeasured = 8
/** Subjects with bytes that were not measured. Those that are forgotten begin at 0. */
const mostKnown = 10_000

/**
 * The sequence of the oldest record that stays, given those of a subject, oldest first; undefined: all stay. Pure.
 */
export function oldestKept(
  records: readonly { readonly seq: number; readonly bytes: number }[],
  maxBytes: number = keptOfSource.bytes - unmeasuredBytes,
): number | undefined {
  let sum = 0
  for (const [place, { bytes }] of records.toReversed().entries()) {
    sum += bytes
    if (sum > maxBytes) return records[records.length - place]?.seq ?? Number.POSITIVE_INFINITY
  }
  return undefined
}

export interface Bounding {
  /** Notes a record that came. */
  note(message: Pick<JsMsg, 'subject' | 'headers'>): void
  /** Bounds the subjects of which too many bytes were not measured, the longest known first; the rest is for the next rounds. */
  round(): Promise<void>
}

/**
 * Keeps sources within their bytes. A subject that never has large records is not measured: see `smallBytes`.
 * @param bound is `boundSubject`, but in tests
 */
export function openBounding(bound: (subject: string) => Promise<void>): Bounding {
  const unmeasured = new Map<string, number>()
  return {
    note({ subject, headers }) {
      const meta = metaOf(headers?.get(rejectionHeader))
      const known = unmeasured.get(subject)
      if (!meta || (known === undefined && bodyBytes(meta) <= smallBytes)) return
      if (known === undefined && unmeasured.size >= mostKnown)
        unmeasured.delete(unmeasured.keys().next().value!)
      unmeasured.set(subject, (known ?? 0) + bodyBytes(meta))
    },
    async round() {
      const due = [...unmeasured].filter(([, bytes]) => bytes >= unmeasuredBytes).slice(0, mostMeasured)
      for (const [subject] of due) {
        await bound(subject)
        unmeasured.delete(subject)
      }
    },
  }
}

/** Removes the oldest records of a subject until its bodies are within the bytes of a source. */
export async function boundSubject(nats: NatsConnection, subject: string): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false })
  const { state } = await manager.streams.info(streamName.rejections)
  const upper = state.last_seq + 1
  const records: { seq: number; bytes: number }[] = []
  for (let lower: number | undefined = state.first_seq; lower !== undefined; ) {
    const { messages, isCut }: SpanRead = await readSpan(manager, nats, [subject], { lower, upper })
    for (const { seq, headers } of messages) {
      const meta = metaOf(headers?.get(rejectionHeader))
      records.push({ seq, bytes: meta ? bodyBytes(meta) : 0 })
    }
    lower = isCut ? messages.at(-1)!.seq + 1 : undefined
  }
  const kept = oldestKept(records)
  if (kept === undefined) return
  await manager.streams.purge(streamName.rejections, { filter: subject, seq: Math.min(kept, upper) })
}
