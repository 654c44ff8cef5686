import { streamName } from '@fairlead/wire/streams'
import type { StreamInfo } from '@nats-io/jetstream'
import type { Db } from '../scope.ts'

/** The streams that are projected, in the order in which a batch applies them. */
export const projected = [streamName.events, streamName.attempts, streamName.dead] as const
export type ProjectedStream = (typeof projected)[number]

/** How far the log has been written: the last sequence of each stream that is in it. */
export type Positions = Record<ProjectedStream, number>

export interface StoredPosition {
  seq: number
  /** When the stream was made, in Unix milliseconds. */
  createdMs: number
}

export async function readPositions(db: Db): Promise<Map<string, StoredPosition>> {
  const { rows } = await db.query<{ stream: string; seq: string; stream_created_at: Date }>(
    'select stream, seq, stream_created_at from projection_positions',
  )
  return new Map(
    rows.map(row => [row.stream, { seq: Number(row.seq), createdMs: row.stream_created_at.getTime() }]),
  )
}

/** How far the log has been written, for readers that write nothing. */
export async function storedPositions(db: Db): Promise<Partial<Positions>> {
  const stored = await readPositions(db)
  return Object.fromEntries([...stored].map(([stream, { seq }]) => [stream, seq]))
}

export async function writePositions(
  db: Db,
  positions: Partial<Positions>,
  created: Readonly<Record<ProjectedStream, number>>,
): Promise<void> {
  const streams = Object.keys(positions) as ProjectedStream[]
  await db.query(
    `insert into projection_positions (stream, seq, stream_created_at)
     select * from unnest($1::text[], $2::bigint[], $3::timestamptz[])
     on conflict (stream) do update set seq = excluded.seq, stream_created_at = excluded.stream_created_at`,
    [streams, streams.map(stream => positions[stream]), streams.map(stream => new Date(created[stream]))],
  )
}

/** Where to read a stream from, given a stored position, and why the position isn't used as it is. */
export type Resumption =
  | { kind: 'resume'; after: number }
  /** The stream was made anew: its sequences start from 1 again. */
  | { kind: 'replaced'; after: 0 }
  /** The stream is older than the position (restored from a snapshot): its next message is an unknown one. */
  | { kind: 'rewound'; after: number; rewoundFrom: number }
  /** Messages were deleted (by age, size or purge) before they were written to the log. */
  | { kind: 'missed'; after: number; missed: number }

/** Decides where to read on. */
export function resume(
  stored: StoredPosition | undefined,
  stream: Pick<StreamInfo, 'created' | 'state'>,
): Resumption {
  const { first_seq, last_seq } = stream.state
  if (!stored) return { kind: 'resume', after: 0 }
  if (stored.createdMs !== Date.parse(String(stream.created))) return { kind: 'replaced', after: 0 }
  if (stored.seq > last_seq) return { kind: 'rewound', after: last_seq, rewoundFrom: stored.seq }
  if (first_seq > stored.seq + 1)
    return { kind: 'missed', after: first_seq - 1, missed: first_seq - 1 - stored.seq }
  return { kind: 'resume', after: stored.seq }
}
