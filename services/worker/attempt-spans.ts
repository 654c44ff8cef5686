import { messaging } from '@fairlead/telemetry/event-spans'
import type { Span } from '@fairlead/telemetry/span'
import { attemptBefore, attemptSpan, eventSpan, isOfEventTrace } from '@fairlead/telemetry/trace-ids'
import type { EndedAttempt } from './delivery/ended-attempt.ts'

export function spanOfAttempt(attempt: EndedAttempt): Span {
  const { reference } = attempt.delivery
  const isFirst = isOfEventTrace(reference)
  const { outcome } = attempt
  return {
    ...callOf(attempt),
    context: attempt.span,
    parent: isFirst ? eventSpan(reference.event, 'process').spanId : undefined,
    links: isFirst ? undefined : linksOf(attempt),
    startMs: attempt.at,
    endMs: attempt.at + attempt.durationMs,
    error: outcome.kind === 'delivered' ? undefined : outcome.kind,
  }
}

/** To the attempt before it, and to the event, so that a trace of days is none. */
function linksOf({ delivery: { reference } }: EndedAttempt) {
  const before = attemptBefore(reference)
  const send = eventSpan(reference.event, 'send')
  return before ? [before, send] : [send]
}

/** The call by which a destination of its kind is reached. */
function callOf(attempt: EndedAttempt): Pick<Span, 'name' | 'kind' | 'attributes'> {
  const { destination, outcome, delivery } = attempt
  const attributes = attributesOf(attempt)
  if (!destination) return { name: 'POST', kind: 'client', attributes }
  const { config } = destination
  switch (config.kind) {
    case 'http':
      return {
        name: 'POST',
        kind: 'client',
        attributes: {
          ...attributes,
          ...addressOf(config.url),
          'http.request.method': 'POST',
          'http.response.status_code': outcome.status,
          'http.request.resend_count':
            delivery.reference.attempt > 1 ? delivery.reference.attempt - 1 : undefined,
        },
      }
    case 'nats':
      return {
        name: 'send OUTBOUND',
        kind: 'producer',
        attributes: { ...attributes, ...messaging('send', 'OUTBOUND') },
      }
    case 'processor':
      return { name: `process ${config.processor}`, kind: 'internal', attributes }
    default:
      throw new TypeError(`unknown kind ${config.kind satisfies never}`)
  }
}

function attributesOf({ delivery, destination, outcome, settlement }: EndedAttempt): Span['attributes'] {
  const { reference, event } = delivery
  return {
    'fairlead.organization': destination?.organization.slug,
    'fairlead.source': reference.source,
    'fairlead.event.id': reference.event,
    'fairlead.event.type': event?.meta.type.slice(0, 64) || undefined,
    'fairlead.delivery.id': reference.delivery,
    'fairlead.destination': destination?.config.name,
    'fairlead.attempt': reference.attempt,
    'fairlead.trigger': reference.trigger,
    'fairlead.replay': reference.replay,
    'fairlead.outcome': outcome.kind,
    'fairlead.settlement': settlement.kind,
  }
}

/** Path and query of a destination may hold a secret: they are left out. */
function addressOf(text: string): Span['attributes'] {
  const url = URL.parse(text)
  if (!url) return {}
  const scheme = url.protocol.slice(0, -1)
  return {
    'url.full': `${url.origin}/REDACTED`,
    'url.scheme': scheme,
    'server.address': url.hostname,
    'server.port': url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port),
  }
}

/**
 * The message by which a delivery goes on, or ends: a child of the attempt that it follows from. Undefined: none follows, or
 * none could be stored.
 */
export function spanOfSettlement(attempt: EndedAttempt, startMs: number, endMs: number): Span | undefined {
  const { settlement, span, delivery } = attempt
  const { reference, event } = delivery
  const same = { kind: 'producer', parent: span.spanId, startMs, endMs } as const
  switch (settlement.kind) {
    case 'delivered':
      return undefined
    case 'retry':
      return {
        ...same,
        name: 'send DELIVERIES',
        context: attemptSpan(reference, 'schedule'),
        attributes: {
          ...attributesOf(attempt),
          ...messaging('send', 'DELIVERIES'),
          'fairlead.due_at': new Date(settlement.atMs).toISOString(),
        },
      }
    case 'dead':
      return (
        event && {
          ...same,
          name: 'send DEAD',
          context: attemptSpan(reference, 'dead'),
          links: [eventSpan(reference.event, 'send')],
          attributes: {
            ...attributesOf(attempt),
            ...messaging('send', 'DEAD'),
            'fairlead.dead.reason': settlement.reason,
          },
        }
      )
    default:
      return settlement satisfies never
  }
}
