import { create } from '@bufbuild/protobuf'
import { fromUuid } from '@fairlead/webhook/id'
import { type AttemptRecord, decodeLogRecords } from '@fairlead/wire/attempt'
import { readExchange } from '@fairlead/wire/exchange'
import { type Exchange, ExchangeSchema } from '@fairlead/wire/store/attempt'
import { streamName } from '@fairlead/wire/streams'
import { JetStreamApiError, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { StoreError } from '../store-error.ts'
import type { LoggedAttemptRow } from './attempts.ts'

/**
 * What an attempt sent and was answered, from the message of ATTEMPTS that its row names. Undefined once that has expired. A
 * stream that was made anew counts from 1, so the record has to be of this attempt. Throws a StoreError `nats_unavailable`.
 */
export async function findExchange(
  nats: NatsConnection,
  attempt: LoggedAttemptRow,
): Promise<Exchange | undefined> {
  if (!attempt.exchange_seq) return undefined
  const message = await readMessage(nats, Number(attempt.exchange_seq))
  const [event, destination] = [fromUuid('evt', attempt.event_id), fromUuid('dst', attempt.destination_id)]
  const record = recordsOf(message).find(
    record =>
      record.event === event && record.destination === destination && record.number === attempt.number,
  )
  return exchangeMessage(record?.exchange)
}

/** What a worker told of an exchange; undefined: it is none. */
export function exchangeMessage(told: unknown): Exchange | undefined {
  const exchange = readExchange(told)
  if (!exchange) return undefined
  const request = headOf(exchange.request)
  const response = headOf(exchange.response ?? '')
  const { address = '', reused = false, cut = false, dnsMs, connectMs, tlsMs, waitMs, downloadMs } = exchange
  return create(ExchangeSchema, {
    address,
    reused,
    cut,
    ...(dnsMs !== undefined && { dnsMs }),
    ...(connectMs !== undefined && { connectMs }),
    ...(tlsMs !== undefined && { tlsMs }),
    ...(waitMs !== undefined && { waitMs }),
    ...(downloadMs !== undefined && { downloadMs }),
    requestLine: request.first,
    requestHeaders: request.headers,
    statusLine: response.first,
    responseHeaders: response.headers,
    ...(exchange.body !== undefined && { body: exchange.body }),
  })
}

async function readMessage(nats: NatsConnection, seq: number): Promise<StoredMsg | undefined> {
  try {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    return (await manager.streams.getMessage(streamName.attempts, { seq })) ?? undefined
  } catch (cause) {
    // 10037: no message of this sequence. 10059: no stream.
    if (cause instanceof JetStreamApiError && (cause.code === 10037 || cause.code === 10059)) return undefined
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

function recordsOf(message: StoredMsg | undefined): AttemptRecord[] {
  if (!message) return []
  try {
    return decodeLogRecords(message.data).filter(record => record.kind === 'attempted')
  } catch {
    return []
  }
}

/** A head's first line, and its headers; a line that goes on with the one before is added to that one's value. Pure. */
export function headOf(text: string): { first: string; headers: { name: string; value: string }[] } {
  const [first = '', ...lines] = text.split('\n')
  const headers: { name: string; value: string }[] = []
  for (const line of lines) {
    const colon = line.indexOf(':')
    const last = headers.at(-1)
    if (/^[ \t]/.test(line) && last) last.value = `${last.value} ${line.trim()}`
    else if (colon > 0)
      headers.push({ name: line.slice(0, colon).trim(), value: line.slice(colon + 1).trim() })
  }
  return { first, headers }
}
