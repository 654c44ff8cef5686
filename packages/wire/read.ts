import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'

/**
 * Reads single messages of a stream, without a consumer. A direct get is answered by any replica, and one that lags
 * behind knows nothing yet of what was just stored: "there is none" is certain from the stream's leader alone.
 */

type Reader = Pick<JetStreamManager, 'direct' | 'streams'>

export interface ReadOptions {
  /** A subject, or a pattern of subjects. */
  readonly subject: string
  /** From this sequence on. Default 1. */
  readonly seq?: number
  /** Messages at most, from 1. */
  readonly count: number
}

/**
 * The next messages that have this subject, by sequence, as some replica knows them. None where there is none: the
 * library (@nats-io/jetstream 3.4) throws the server's 404 then.
 */
export async function* readNext(
  manager: Pick<Reader, 'direct'>,
  stream: string,
  { subject, seq = 1, count }: ReadOptions,
): AsyncGenerator<StoredMsg> {
  try {
    yield* await manager.direct.getBatch(stream, { seq, next_by_subj: subject, batch: count })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 404)) throw error
  }
}

/** The next message that has this subject, from this sequence on, as the leader knows it. */
export async function readNextOfLeader(
  manager: Pick<Reader, 'streams'>,
  stream: string,
  { subject, seq = 1 }: Omit<ReadOptions, 'count'>,
): Promise<StoredMsg | undefined> {
  // The server's API has it, the library's type has not.
  const query = { seq, next_by_subj: subject }
  return (await manager.streams.getMessage(stream, query)) ?? undefined
}

/** What `read` makes of the message at a sequence; the leader is asked where a replica has none, or `read` refuses it. */
export async function readAt<T>(
  manager: Reader,
  stream: string,
  seq: number,
  read: (message: StoredMsg) => T | undefined,
): Promise<T | undefined> {
  const near = await manager.direct.getMessage(stream, { seq })
  const known = near ? read(near) : undefined
  if (known !== undefined) return known
  const certain = await manager.streams.getMessage(stream, { seq })
  return certain ? read(certain) : undefined
}
