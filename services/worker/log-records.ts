import { encodeLogRecords, type LogRecord } from '@fairlead/wire/attempt'
import type { Publisher } from '@fairlead/wire/publish'
import { untilStored } from './until-stored.ts'

/** What the worker did, for the event log: written many to a message. */
export interface LogRecords {
  /** Resolves when the record is stored, rejects when the signal aborts first. */
  add(record: LogRecord): Promise<void>
}

/** How long a record waits for others, ms. What is delivered but not yet recorded is repeated after a crash. */
const lingerMs = 10
/** Records of one message: about 100 KiB. */
const mostRecords = 250

/** One message is under way at a time; what comes meanwhile goes into the next. */
export function openLogRecords(publisher: Publisher, subject: string, signal: AbortSignal): LogRecords {
  const batches: { records: LogRecord[]; stored: PromiseWithResolvers<void> }[] = []
  let writing = false
  let timer: NodeJS.Timeout | undefined

  async function write(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (writing) return
    writing = true
    for (let batch = batches.shift(); batch; batch = batches.shift()) {
      const { records, stored } = batch
      await untilStored(publisher, subject, encodeLogRecords(records), undefined, signal).then(
        stored.resolve,
        stored.reject,
      )
    }
    writing = false
  }

  return {
    add(record) {
      let batch = batches.at(-1)
      if (!batch || batch.records.length >= mostRecords) {
        batch = { records: [], stored: Promise.withResolvers() }
        batches.push(batch)
      }
      batch.records.push(record)
      if (batch.records.length >= mostRecords) void write()
      else timer ??= setTimeout(write, lingerMs)
      return batch.stored.promise
    },
  }
}
