import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'

export interface ReadOptions {
  /** A subject, or a pattern of subjects. */
  readonly subject: string
  /** From this sequence on. Default 1. */
  readonly seq?: number
  /** Messages at most, from 1. */
  readonly count: number
}

/**
 * The next messages of a stream that have this subject, by sequence, without a consumer. None where there is none: the
 * library (@nats-io/jetstream 3.4) throws the server's 404 then.
 */
export async function* readNext(
  manager: Pick<JetStreamManager, 'direct'>,
  stream: string,
  { subject, seq = 1, count }: ReadOptions,
): AsyncGenerator<StoredMsg> {
  try {
    yield* await manager.direct.getBatch(stream, { seq, next_by_subj: subject, batch: count })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 404
