import { eventIdAndHex, newId, toHex } from '@fairlead/webhook/id'
import type { Identity } from '@fairlead/webhook/scheme'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import type { Receiver } from './context.ts'
import type { Source } from './directory.ts'
import { bodyDigest } from './seen/body-digest.ts'
import type { Stored, Verified } from './verified.ts'

/**
 * Publishes the event unless an earlier request with its id was stored.
 * @throws PublishError
 */
export async function storeEvent(event: Verified, receiver: Receiver): Promise<Stored> {
  const { source, body, id, identity } = event
  const { seen, publisher, throttle, now, isBodyOf, traces } = receiver
  // An id that is made from the body is compared only within JetStream's window: Redis isn't asked.
  const lasting = source.config.deduplicate && identity.deliveryId !== undefined
  const digest = lasting ? bodyDigest(body) : 0
  const known = lasting ? await seen.check(id, digest) : 'new'
  if (known === 'accepted' || known === 'differs') {
    return { seq: undefined, knownBy: 'redis', differs: known === 'differs' }
  }
  const startedMs = performance.now()
  const traceparent = traces?.traceparent(event)
  const { duplicate, seq, batch } = await publisher.publish(source.eventSubject, body, {
    'Nats-Msg-Id': id,
    [eventHeader]: metaOf(event),
    ...(traceparent !== undefined && { traceparent }),
  })
  const publish = { startedMs, endedMs: performance.now(), batch }
  // Two requests that share an id made from the body share the body.
  const differs = duplicate && lasting && !(await isBodyOf(seq, body))
  // Redis keeps the digest of the first request's body, which this one's isn't where they differ.
  if (lasting) seen.keep(id, now(), differs ? 0 : digest)
  if (!duplicate) throttle.stored()
  return { seq, knownBy: duplicate ? 'jetstream' : undefined, differs, publish }
}

/** Records a repeat, which is not delivered: in the log, and whole where its body differs, for a member to take it in. */
export function recordRepeat(event: Verified, differs: boolean, { repeats, rejections }: Receiver): void {
  const { request, source, body, id, receivedAt, identity, verdict } = event
  const { organization, config } = source
  repeats.note({ organization: organization.id, sourceId: config.id, event: id, differs, atMs: receivedAt })
  if (!differs) return
  rejections.addRepeat(source, request, body, {
    event: id,
    sourceId: config.id,
    revision: organization.revision,
    type: identity.eventType ?? '',
    types: identity.eventTypes && [...identity.eventTypes],
    secret: secretId(source, verdict),
  })
}

/**
 * The event's id and trace. A new id where the source doesn't deduplicate, or where the provider sends nothing that tells a
 * repeat from a new event.
 */
export function idOf(
  { organization, config }: Source,
  identity: Identity,
  body: Uint8Array,
  nowMs: number,
): Pick<Verified, 'id' | 'traceId'> {
  if (!config.deduplicate || identity.repeats === 'none') {
    const id = newId('evt', nowMs)
    return { id, traceId: toHex(id) }
  }
  const { deliveryId } = identity
  const told = deliveryId === undefined ? { body } : { id: deliveryId }
  const { id, hex: traceId } = eventIdAndHex(organization.id, config.name, told)
  return { id, traceId }
}

function metaOf({ request, source, body, received, receivedAt, verdict, identity, id }: Verified): string {
  return encodeEventMeta({
    id,
    organization: source.organization.id,
    source: source.config.name,
    sourceId: source.config.id,
    provider: source.config.provider,
    revision: source.organization.revision,
    type: identity.eventType ?? '',
    types: identity.eventTypes,
    receivedAt,
    method: received.method,
    url: request.url ?? '',
    headers: request.rawHeaders,
    size: body.length,
    secret: secretId(source, verdict),
    mode: source.config.mode,
    account: source.config.account,
    search: source.extract?.(body, request.rawHeaders),
  })
}

const secretId = ({ config }: Source, { secret }: Verified['verdict']) =>
  secret === undefined ? undefined : config.secrets[secret]?.id
