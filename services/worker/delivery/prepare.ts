import { type SigningKey, signDelivery } from '@fairlead/webhook/sign'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'
import type { ForwardPolicy } from './forward.ts'

/** Of a delivery what is sent with it. A test of a destination is no delivery, and says so. */
export type CarriedReference = Pick<DeliveryReference, 'delivery' | 'attempt' | 'replay'> & {
  readonly trigger: DeliveryReference['trigger'] | 'test'
}

export interface PrepareOptions {
  /** The organization's slug. */
  readonly organization: string
  readonly keys: readonly SigningKey[]
  /** Extra headers of the destination, names and values in turn. `forward` leaves out the provider's of these names. */
  readonly extraHeaders: readonly string[]
  /** Of the event's source and the destination. */
  readonly forward: ForwardPolicy
  /** Of the attempt; undefined: the destination gets none. */
  readonly traceparent?: string | undefined
  readonly nowMs: number
}

/**
 * The headers of an attempt, names and values in turn: the provider's own, so that a destination can verify with the
 * provider's SDK; a Standard Webhooks signature of the organization; and `fairlead-*`. A provider that uses
 * `webhook-*` itself is found under `fairlead-original-webhook-*`.
 */
export function prepareHeaders(
  meta: EventMeta,
  body: Uint8Array,
  delivery: CarriedReference,
  options: PrepareOptions,
): string[] {
  const { keys, extraHeaders, nowMs } = options
  const headers = forwardedHeaders(meta.headers, options.forward)
  headers.push(...extraHeaders)
  const timestamp = Math.floor(nowMs / 1000)
  headers.push('webhook-id', meta.id, 'webhook-timestamp', `${timestamp}`)
  if (keys.length > 0) headers.push('webhook-signature', signDelivery(meta.id, timestamp, body, keys))
  headers.push(
    'fairlead-event-id',
    meta.id,
    'fairlead-delivery-id',
    delivery.delivery,
    'fairlead-organization',
    options.organization,
    'fairlead-source',
    meta.source,
    'fairlead-provider',
    meta.provider,
    'fairlead-attempt',
    `${delivery.attempt}`,
    'fairlead-trigger',
    delivery.trigger,
    'fairlead-received-at',
    new Date(meta.receivedAt).toISOString(),
  )
  if (options.traceparent !== undefined) headers.push('traceparent', options.traceparent)
  if (delivery.replay) headers.push('fairlead-replay-id', delivery.replay)
  if (meta.mode === 'test') headers.push('fairlead-mode', 'test')
  if (meta.type && isToken(meta.type)) headers.push('fairlead-event-type', meta.type)
  return headers
}

/** The provider's headers that are forwarded, without those that `Connection` names (RFC 9110, 7.6.1). */
function forwardedHeaders(received: readonly string[], forward: ForwardPolicy): string[] {
  const headers: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i + 1 < received.length; i += 2) {
    const name = forward.nameFor(received[i]!)
    if (name !== undefined) headers.push(name, received[i + 1]!)
    else if (received[i]!.length === 10) named = namedByConnection(received[i]!, received[i + 1]!, named)
  }
  return named ? without(headers, named) : headers
}

/** Adds the names in a `Connection` header to those found before. `close` and `keep-alive` name no headers. */
function namedByConnection(
  name: string,
  value: string,
  before: Set<string> | undefined,
): Set<string> | undefined {
  if (name.toLowerCase() !== 'connection' || /^(close|keep-alive)$/i.test(value)) return before
  return new Set([
    ...(before ?? []),
    ...value
      .toLowerCase()
      .split(',')
      .map(option => option.trim()),
  ])
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, i) => !names.has(headers[i - (i % 2)]!.toLowerCase()))
}

/** Visible ASCII: an event type comes from a body and goes into a header. */
const isToken = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)
