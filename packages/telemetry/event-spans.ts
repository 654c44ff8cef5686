import type { EventId } from '@fairlead/webhook/id'
import type { Span } from './span.ts'
import { type SpanContext, spanOfEventTrace } from './trace-ids.ts'

/**
 * The spans of an event's receipt. The receiver makes them; a worker makes them again, with the same ids, for an event whose
 * trace is kept only since its delivery failed.
 */
export interface ReceivedEvent {
  readonly event: EventId
  /** `eventTraceId` of it, which whoever makes several spans makes once. */
  readonly traceId: string
  /** The organization's slug. */
  readonly organization: string
  readonly source: string
  readonly provider: string
  /** Empty where it can't be told. */
  readonly type: string
  readonly bytes: number
  readonly method: string
  /** The sender's trace, where the source trusts it. */
  readonly linked?: SpanContext | undefined
  /** Made again by a worker. */
  readonly rebuilt?: boolean
}

export const receiverRoute = '/webhooks/{organization}/{source}'
/** A provider's word: more characters than this are left out. */
const mostTypeCharacters = 64

/** Which event a span is about. */
export const eventAttributes = ({ event, organization, source, provider, type }: ReceivedEvent) => ({
  'fairlead.organization': organization,
  'fairlead.source': source,
  'fairlead.provider': provider,
  'fairlead.event.id': event,
  'fairlead.event.type': type === '' ? undefined : type.slice(0, mostTypeCharacters),
})

/** @param received.context of a repeat, which has no derived ids */
export function receivedSpan(
  received: ReceivedEvent & {
    readonly status?: number
    readonly duplicate: boolean
    readonly context?: SpanContext | undefined
  },
  startMs: number,
  endMs: number,
): Span {
  return {
    name: `POST ${receiverRoute}`,
    kind: 'server',
    context: received.context ?? spanOfEventTrace(received.traceId, 'receive'),
    links: received.linked && [received.linked],
    startMs,
    endMs,
    attributes: {
      ...eventAttributes(received),
      'fairlead.duplicate': received.duplicate,
      'fairlead.rebuilt': received.rebuilt,
      'http.request.method': received.method,
      'http.route': receiverRoute,
      'http.response.status_code': received.status,
      'http.request.body.size': received.bytes,
    },
  }
}

/** From the queue of the publisher to JetStream's acknowledgement. */
export function sentSpan(
  sent: ReceivedEvent & {
    /** Messages of the atomic batch that it went in; 1: by itself. */
    readonly batch?: number
    readonly context?: SpanContext | undefined
    readonly parent?: SpanContext | undefined
  },
  startMs: number,
  endMs: number,
): Span {
  const { batch = 1 } = sent
  return {
    name: 'send EVENTS',
    kind: 'producer',
    context: sent.context ?? spanOfEventTrace(sent.traceId, 'send'),
    parent: (sent.parent ?? spanOfEventTrace(sent.traceId, 'receive')).spanId,
    startMs,
    endMs,
    attributes: {
      ...eventAttributes(sent),
      ...messaging('send', 'EVENTS'),
      'messaging.message.id': sent.event,
      'messaging.message.body.size': sent.bytes,
      // Not of a batch of one (semantic conventions).
      'messaging.batch.message_count': batch > 1 ? batch : undefined,
      'fairlead.rebuilt': sent.rebuilt,
    },
  }
}

/** From matching to the acknowledgement of the event's message: all that follows from it is stored then. */
export function processedSpan(
  processed: ReceivedEvent & { readonly seq?: number | undefined },
  startMs: number,
  endMs: number,
): Span {
  const send = spanOfEventTrace(processed.traceId, 'send')
  return {
    name: 'process EVENTS',
    kind: 'consumer',
    context: spanOfEventTrace(processed.traceId, 'process'),
    // A single message: the conventions let its creation be the parent.
    parent: send.spanId,
    links: [send],
    startMs,
    endMs,
    attributes: {
      ...eventAttributes(processed),
      ...messaging('process', 'EVENTS'),
      'messaging.message.id': processed.event,
      'messaging.message.body.size': processed.bytes,
      'fairlead.stream.sequence': processed.seq,
      'fairlead.rebuilt': processed.rebuilt,
    },
  }
}

/** Of the semantic conventions for messaging; the destination is a stream, because a subject names an organization. */
export const messaging = (operation: 'send' | 'process', stream: string) => ({
  'messaging.system': 'nats',
  'messaging.operation.name': operation,
  'messaging.operation.type': operation,
  'messaging.destination.name': stream,
})
