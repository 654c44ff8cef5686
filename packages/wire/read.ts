import type { JetStreamManager, StoredMsg } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { newInbox } from './connect.ts'

/**
 * Reads single messages of a stream, without a consumer. A direct get is answered by any replica, and one that lags
 * behind knows nothing yet of what was just stored: "there is none" is certain from the stream's leader alone.
 */

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
  manager: Pick<JetStreamManager, 'direct'>,
  stream: string,
  { subject, seq = 1, count }: ReadOptions,
): AsyncGenerator<StoredMsg> {
  yield* unlessNone(manager.direct.getBatch(stream, { seq, next_by_subj: subject, batch: count }))
}

/**
 * The last message of each of these subjects (1,024 at most), as some replica knows them. The server bounds the bytes of an answer:
 * a subject that is left out may have a message all the same.
 */
export async function* readLast(
  manager: Pick<JetStreamManager, 'direct'>,
  stream: string,
  subjects: readonly string[],
): AsyncGenerator<StoredMsg> {
  yield* unlessNone(manager.direct.getLastMessagesFor(stream, { multi_last: [...subjects] }))
}

async function* unlessNone(found: Promise<AsyncIterable<StoredMsg>>): AsyncGenerator<StoredMsg> {
  try {
    yield* await found
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 404)) throw error
  }
}

/** The next message that has this subject, from this sequence on, as the leader knows it. */
export async function readNextOfLeader(
  manager: Pick<JetStreamManager, 'streams'>,
  stream: string,
  { subject, seq = 1 }: Omit<ReadOptions, 'count'>,
): Promise<StoredMsg | undefined> {
  // The server's API has it, the library's type has not.
  const query = { seq, next_by_subj: subject }
  return (await manager.streams.getMessage(stream, query)) ?? undefined
}

/** A message as a reader found it. */
export interface ReadMessage {
  readonly seq: number
  readonly subject: string
  readonly data: Uint8Array
  header(name: string): string | undefined
}

export class ReadError extends Error {
  readonly code = 'read_failed'
}

/**
 * Direct gets of any replica, many at a time, all answered to one inbox: `nats.request` makes two Error objects for each
 * call, and the library's batches a subscription.
 */
export interface Reader extends Disposable {
  /** The message with this sequence; undefined where the replica has none. Rejects with a ReadError. */
  at(stream: string, seq: number): Promise<ReadMessage | undefined>
  /** The next messages that have this subject, by sequence, at most `count` and about `maxBytes` of them. Rejects with a ReadError. */
  next(stream: string, options: ReadOptions & { readonly maxBytes?: number }): Promise<ReadMessage[]>
}

const timeoutMs = 5_000
const sweepMs = 1_000

interface Reading {
  readonly many: boolean
  readonly found: ReadMessage[]
  readonly deadlineMs: number
  resolve(found: ReadMessage[]): void
  reject(error: ReadError): void
}

export function openReader(nats: NatsConnection): Reader {
  const inbox = newInbox(nats)
  const readings = new Map<string, Reading>()
  let count = 0
  let sweeper: NodeJS.Timeout | undefined
  const subscription = nats.subscribe(`${inbox}.*`, { callback: (_error, message) => take(message) })

  function take(message: Msg): void {
    const id = message.subject.slice(inbox.length + 1)
    const reading = readings.get(id)
    if (!reading) return
    const code = message.headers?.code ?? 0
    if (code === 0) {
      reading.found.push(readMessage(message))
      if (reading.many) return
    }
    readings.delete(id)
    // 204: the end of a batch. 404: there is none.
    if (code === 0 || code === 204 || code === 404) reading.resolve(reading.found)
    else reading.reject(new ReadError(`the server answered ${code} ${message.headers?.description ?? ''}`))
  }

  function sweep(): void {
    const now = performance.now()
    for (const [id, reading] of readings) {
      if (reading.deadlineMs > now) break
      readings.delete(id)
      reading.reject(new ReadError(`no answer within ${timeoutMs} ms`))
    }
    if (readings.size > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function ask(stream: string, query: object, many: boolean): Promise<ReadMessage[]> {
    return new Promise((resolve, reject) => {
      const id = `${count++}`
      const deadlineMs = performance.now() + timeoutMs
      readings.set(id, { many, found: [], deadlineMs, resolve, reject })
      sweeper ??= setInterval(sweep, sweepMs).unref()
      try {
        nats.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(query), { reply: `${inbox}.${id}` })
      } catch (cause) {
        readings.delete(id)
        reject(new ReadError('the connection to NATS is closed', { cause }))
      }
    })
  }

  return {
    async at(stream, seq) {
      return (await ask(stream, { seq }, false))[0]
    },
    next: (stream, { subject, seq = 1, count, maxBytes }) =>
      ask(
        stream,
        { seq, next_by_subj: subject, batch: count, ...(maxBytes && { max_bytes: maxBytes }) },
        true,
      ),
    [Symbol.dispose]() {
      subscription.unsubscribe()
      clearInterval(sweeper)
      for (const { reject } of readings.values()) reject(new ReadError('the reader was closed'))
      readings.clear()
    },
  }
}

const readMessage = ({ headers, data }: Msg): ReadMessage => ({
  seq: Number(headers!.get('Nats-Sequence')),
  subject: headers!.get('Nats-Subject'),
  data,
  header: name => headers!.get(name) || undefined,
})
