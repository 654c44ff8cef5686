import { type EventId, eventId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { decodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { streamName } from '@fairlead/wire/streams'
import { eventSubject, repeatsSubject } from '@fairlead/wire/subjects'
import { JetStreamApiError, jetstream, jetstreamManager, type StoredMsg } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { Calls } from './calls.ts'

export const notThere = () =>
  new StoreError('not_found', 'there is no such rejection, or it is none that could be taken in')

/**
 * Publishes a request that was swallowed as a repeat as an event with an id of its own: a digest of the record, so that
 * the same record taken in again is the same event. Later than JetStream knows repeats (5 minutes) the log tells that the
 * event is there. Throws a StoreError `not_found` or `nats_unavailable`.
 */
export async function takeIn(
  calls: Calls,
  db: Db,
  organization: OrganizationId,
  seq: bigint,
): Promise<{ eventId: EventId; source: string; from: EventId }> {
  const message = await readMessage(calls, Number(seq))
  const meta = message && readRejection(message)
  // The sequence is of the whole stream: it may name another organization's.
  if (!meta?.repeats || message?.subject !== repeatsSubject(organization, meta.source)) throw notThere()
  if (message.data.length !== meta.size) throw notThere()
  const { event: from, ...known } = meta.repeats
  const id = eventId(organization, meta.source, { id: `rejection ${seq} of ${meta.receivedAt}` })
  if (await isLogged(db, organization, id)) return { eventId: id, source: meta.source, from }
  const fields = headers()
  const { source, provider, method, url, size } = meta
  const taken = { id, organization, source, provider, method, url, size, headers: meta.headers }
  fields.set(eventHeader, encodeEventMeta({ ...known, ...taken, receivedAt: calls.now() }))
  try {
    await jetstream(calls.nats).publish(eventSubject(organization, source), message.data, {
      msgID: id,
      headers: fields,
    })
  } catch (cause) {
    throw new StoreError('nats_unavailable', 'the event could not be stored', { cause })
  }
  return { eventId: id, source, from }
}

async function isLogged(db: Db, organization: OrganizationId, event: EventId): Promise<boolean> {
  const values = [toUuid(organization), toUuid(event)]
  const { rowCount } = await db.query('select from events where organization_id = $1 and id = $2', values)
  return rowCount! > 0
}

async function readMessage(calls: Calls, seq: number): Promise<StoredMsg | undefined> {
  try {
    const manager = await jetstreamManager(calls.nats, { checkAPI: false })
    return (await manager.streams.getMessage(streamName.rejections, { seq })) ?? undefined
  } catch (cause) {
    // 10037: no message of this sequence.
    if (cause instanceof JetStreamApiError && cause.code === 10037) return undefined
    throw new StoreError('nats_unavailable', 'NATS can not be reached', { cause })
  }
}

function readRejection(message: StoredMsg) {
  try {
    return decodeRejectionMeta(message.header.get(rejectionHeader))
  } catch {
    return undefined
  }
}
