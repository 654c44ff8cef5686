import { encodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import type { Publisher } from '@fairlead/wire/publish'
import { untilStored } from './until-stored.ts'

/** Records of attempts for the event log, written many to a message. */
export interface LogRecords {
  /** Calls `waiter` when the record is stored, or when the signal aborts before that. */
  add(record: LogRecord, waiter: RecordWaiter): void
  /**
   * Nothing was stored for a while: JetStream is away. What is attempted now is repeated if this worker ends before it
   * is back, or loses its partitions.
   */
  readonly late: boolean
}

/** Not a promise: each delivery waits for a record, and hundreds of them are told at once. */
export interface RecordWaiter {
  done(): void
  failed(error: unknown): void
}

/** How long a record waits for others, ms. A delivery whose record is not stored is repeated after a crash. */
const lingerMs = 10
const lateMs = 1_000
/** Records of one message. */
const mostRecords = 250
/**
 * Characters of the exchanges in one message. With each of them escaped as JSON writes control characters, and the records
 * themselves, that stays below the megabyte that nats-server takes as one message.
 */
const mostCharacters = 128 * 1024

interface Batch {
  readonly records: LogRecord[]
  readonly waiters: RecordWaiter[]
  characters: number
}

const isFull = (batch: Batch | undefined): boolean =>
  batch !== undefined && (batch.records.length >= mostRecords || batch.characters >= mostCharacters)

function charactersOf(record: LogRecord): number {
  if (record.kind !== 'attempted' || !record.exchange) return 0
  const { request, response = '', body = '' } = record.exchange
  return request.length + response.length + body.length
}

/** One message is under way at a time. Records that come meanwhile go into the next message, which lingers as long. */
export function openLogRecords(publisher: Publisher, subject: string, signal: AbortSignal): LogRecords {
  const batches: Batch[] = []
  let writing = false
  let writingSinceMs = 0
  let timer: NodeJS.Timeout | undefined

  async function write(): Promise<void> {
    if (writing) return
    clearTimeout(timer)
    timer = undefined
    writing = true
    do {
      const { records, waiters } = batches.shift()!
      writingSinceMs = performance.now()
      try {
        await untilStored(publisher, subject, encodeLogRecords(records), undefined, signal)
        for (const waiter of waiters) waiter.done()
      } catch (error) {
        for (const waiter of waiters) waiter.failed(error)
      }
    } while (isFull(batches[0]))
    writing = false
    if (batches.length > 0) timer ??= setTimeout(write, lingerMs)
  }

  return {
    get late() {
      return writing && performance.now() - writingSinceMs > lateMs
    },
    add(record, waiter) {
      let batch = batches.at(-1)
      if (!batch || isFull(batch)) {
        batch = { records: [], waiters: [], characters: 0 }
        batches.push(batch)
      }
      batch.records.push(record)
      batch.characters += charactersOf(record)
      batch.waiters.push(waiter)
      if (isFull(batch)) void write()
      else if (!writing) timer ??= setTimeout(write, lingerMs)
    },
  }
}
