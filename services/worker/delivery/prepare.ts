import { type SigningKey, signDelivery } from '@fairlead/webhook/sign'
import type { DeliveryReference } from '@fairlead/wire/delivery'
import type { EventMeta } from '@fairlead/wire/event'

/** Headers that belong to one connection, not to the message (RFC 9110, 7.6.1), or that the sender makes itself. */
const dropped = new Set([
  'connection',
  'content-length',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export interface PrepareOptions {
  /** The organization's slug. */
  readonly organization: string
  readonly keys: readonly SigningKey[]
  /** Extra headers of the destination, names and values in turn. They win over the provider's own. */
  readonly extraHeaders: readonly string[]
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
  delivery: Pick<DeliveryReference, 'delivery' | 'attempt' | 'trigger' | 'replay'>,
  options: PrepareOptions,
): string[] {
  const { keys, extraHeaders, nowMs } = options
  const headers = forwardedHeaders(meta.headers, new Set(namesOf(extraHeaders)))
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
  if (delivery.replay) headers.push('fairlead-replay-id', delivery.replay)
  if (meta.type && isToken(meta.type)) headers.push('fairlead-event-type', meta.type)
  return headers
}

/** What goes on of the provider's headers: not those of the connection, not what pretends to be ours. */
function forwardedHeaders(received: readonly string[], replaced: ReadonlySet<string>): string[] {
  const named = connectionNames(received)
  const headers: string[] = []
  for (let i = 0; i + 1 < received.length; i += 2) {
    const name = received[i]!.toLowerCase()
    if (dropped.has(name) || named?.has(name) || replaced.has(name)) continue
    if (name.startsWith('fairlead-') || name.startsWith('x-forwarded-')) continue
    headers.push(name.startsWith('webhook-') ? `fairlead-original-${name}` : received[i]!, received[i + 1]!)
  }
  return headers
}

/** Headers that `Connection` names are the connection's too. */
function connectionNames(received: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined
  for (let i = 0; i + 1 < received.length; i += 2) {
    if (received[i]!.toLowerCase() !== 'connection') continue
    names ??= new Set()
    for (const name of received[i + 1]!.split(',')) names.add(name.trim().toLowerCase())
  }
  return names
}

function* namesOf(headers: readonly string[]): Generator<string> {
  for (let i = 0; i < headers.length; i += 2) yield headers[i]!.toLowerCase()
}

/** Visible ASCII: an event type comes from a body and goes into a header. */
const isToken = (text: string): boolean => /^[\x21-\x7e]+$/.test(text)
