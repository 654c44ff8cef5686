import type { IncomingMessage } from 'node:http'
import type { EventId } from '@fairlead/webhook/id'
import type { Identity, Verdict, WebhookRequest } from '@fairlead/webhook/scheme'
import type { Source } from './directory.ts'

/** A request that verified, and the event that it is. */
export interface Verified {
  readonly request: IncomingMessage
  readonly source: Source
  readonly body: Uint8Array
  readonly received: WebhookRequest
  readonly receivedAt: number
  readonly verdict: Extract<Verdict, { kind: 'valid' }>
  readonly identity: Identity
  readonly id: EventId
  /** Of the event: the 128 bits of its id. */
  readonly traceId: string
}

export interface Stored {
  /** In EVENTS; undefined where Redis knew the event, so that JetStream was not asked. */
  readonly seq: number | undefined
  /** The server that knew the event's id from an earlier request; undefined for a new event. */
  readonly knownBy: 'jetstream' | 'redis' | undefined
  /** A repeat whose body differs from the body of the event that was stored. */
  readonly differs: boolean
  /** Where JetStream was asked. */
  readonly publish?: Publish
}

/** From the publisher's queue to the acknowledgement, in `performance.now()`. */
interface Publish {
  readonly startedMs: number
  readonly endedMs: number
  /** Messages that went in one atomic batch with it, and itself. */
  readonly batch: number
}
