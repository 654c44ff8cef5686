import type { Log } from '@fairlead/daemon/log'
import { decodeLogRecords } from '@fairlead/wire/attempt'
import { deadHeader, decodeDeadMeta } from '@fairlead/wire/dead'
import { decodeEventMeta, type EventMeta, eventHeader } from '@fairlead/wire/event'
import { openTrouble } from '@fairlead/wire/trouble'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { DeadRecord, LoggedRecord } from './fold.ts'
import { type Positions, type ProjectedStream, projected, resume, type StoredPosition } from './position.ts'
import { readStream, type StreamReader } from './read-stream.ts'
import type { Standing } from './standing.ts'

/** A message that was read; what can't be decoded is an error in its place, so that the position moves over it. */
export type Read<Value> = { readonly seq: number } & (
  | { readonly value: Value; readonly error?: never }
  | { readonly value?: never; readonly error: unknown }
)

/** The three streams, read from where the log stands. */
export interface Inputs extends AsyncDisposable {
  readonly events: StreamReader<Read<EventMeta>>
  readonly attempts: StreamReader<Read<LoggedRecord[]>>
  readonly dead: StreamReader<Read<DeadRecord>>
  /** How far the log has been written; the loop moves it after each commit. */
  positions: Positions
  /** When each stream was made, in Unix milliseconds. */
  readonly created: Readonly<Record<ProjectedStream, number>>
  /** Brings in what the streams hold. Events come last, so that those that records name are there. */
  gather(): Promise<void>
  /** Rejects if EVENTS was made anew since: sequences that records name are then not those that were read. */
  verifyEvents(): Promise<void>
}

/** Messages held of each stream: a batch's worth. One of ATTEMPTS has many records in it. */
export const capacity = { events: 1_000, attempts: 100, dead: 200 } as const

const dayMs = 86_400_000

/** Opens the streams behind the stored positions; `wake` is called when a message came. */
export async function openInputs(
  nats: NatsConnection,
  manager: JetStreamManager,
  stored: ReadonlyMap<string, StoredPosition>,
  wake: () => void,
  log: Log,
  standing: Pick<Standing, 'reads'>,
): Promise<Inputs> {
  const positions = {} as Positions
  const created = {} as Record<ProjectedStream, number>
  const createdText = {} as Record<ProjectedStream, string>
  for (const stream of projected) {
    const info = await manager.streams.info(stream)
    const resumption = resume(stored.get(stream), info)
    if (resumption.kind !== 'resume') log.warn({ stream, ...resumption }, `projection.${resumption.kind}`)
    positions[stream] = resumption.after
    createdText[stream] = String(info.created)
    created[stream] = Date.parse(createdText[stream])
  }
  const open = <Value>(
    stream: ProjectedStream,
    room: number,
    headersOnly: boolean,
    decode: (message: Msg, seq: number) => Value,
  ): StreamReader<Read<Value>> => {
    const trouble = openTrouble(err => log.warn({ stream, err }, 'projection.not_reading'))
    standing.reads(stream, trouble)
    return readStream(nats, manager, createdText[stream], {
      stream,
      after: positions[stream],
      headersOnly,
      capacity: room,
      wake,
      trouble,
      decode: (message, seq) => {
        try {
          return { seq, value: decode(message, seq) }
        } catch (error) {
          return { seq, error }
        }
      },
    })
  }
  const events = open('EVENTS', capacity.events, true, message =>
    plausible(decodeEventMeta(message.headers?.get(eventHeader))),
  )
  const attempts = open('ATTEMPTS', capacity.attempts, false, (message, seq) =>
    withoutExchanges(decodeLogRecords(message.data), seq),
  )
  const dead = open('DEAD', capacity.dead, true, message => ({
    event: plausible(decodeEventMeta(message.headers?.get(eventHeader))),
    dead: decodeDeadMeta(message.headers?.get(deadHeader)),
  }))
  return {
    events,
    attempts,
    dead,
    positions,
    created,
    async gather() {
      await Promise.all([attempts.gather(), dead.gather()])
      await events.gather()
    },
    async verifyEvents() {
      const info = await manager.streams.info('EVENTS')
      if (String(info.created) !== createdText.EVENTS) throw new Error('the stream EVENTS was made anew')
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([events, attempts, dead].map(reader => reader[Symbol.asyncDispose]()))
    },
  }
}

/** Exchanges are read where they are when someone asks for one. */
function withoutExchanges(records: LoggedRecord[], seq: number): LoggedRecord[] {
  for (const record of records) {
    if (record.kind !== 'attempted' || !record.exchange) continue
    Object.assign(record, { exchangeSeq: seq, exchange: undefined } satisfies Partial<LoggedRecord>)
  }
  return records
}

/** A day is three tables: a broken clock must not make them for any day there is. Ten years is the longest retention. */
function plausible(meta: EventMeta): EventMeta {
  const ageDays = (Date.now() - meta.receivedAt) / dayMs
  if (ageDays < -1 || ageDays > 3_660) throw new RangeError(`received at ${meta.receivedAt}, which can't be`)
  return meta
}
