import type { DeliveryReference } from '@fairlead/wire/delivery'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import type { ReadMessage } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { eventsOfOrganization } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * Events of one organization, read back by sequence for deliveries that come from the park or wait without their bodies.
 *
 * Deliveries that were made one after the other have events that lie near each other in the stream: one request reads
 * the organization's next events, most of which are wanted. Events that lie apart are read singly.
 */
type Events = Map<number, StoredEvent>

type EventReader = Pick<Engine, 'reader' | 'manager'>

/** Bytes of one request; a batch ends with the message that exceeds it. */
const batchBytes = 4 * 1024 ** 2
/** After a batch of which less than this part was wanted, events are read singly. */
const leastWanted = 1 / 4

/**
 * Each event, in the order of the references; undefined where EVENTS has it no longer. Rejects where that can't be told.
 */
export async function readEvents(
  references: readonly DeliveryReference[],
  engine: EventReader,
): Promise<(StoredEvent | undefined)[]> {
  const events: Events = new Map()
  const seqs = references.flatMap(({ stored }) => (stored.stream === streamName.events ? [stored.seq] : []))
  if (seqs.length > 2)
    await readBatches(
      references[0]!,
      [...new Set(seqs)].sort((a, b) => a - b),
      events,
      engine,
    )
  return Promise.all(
    references.map(reference => {
      const known = reference.stored.stream === streamName.events && events.get(reference.stored.seq)
      return known && isEventOf(known, reference) ? known : readOne(reference, engine)
    }),
  )
}

async function readBatches(
  { organization }: DeliveryReference,
  seqs: readonly number[],
  events: Events,
  { reader }: EventReader,
): Promise<void> {
  const subject = eventsOfOrganization(organization)
  for (let at = 0; at < seqs.length; ) {
    const found = await reader.next(streamName.events, {
      subject,
      seq: seqs[at]!,
      count: seqs.length - at,
      maxBytes: batchBytes,
    })
    const wanted = new Set(seqs.slice(at))
    let used = 0
    for (const message of found) {
      if (!wanted.has(message.seq)) continue
      used++
      const event = openEvent(message, streamName.events)
      if (event) events.set(message.seq, event)
    }
    const last = found.at(-1)?.seq ?? 0
    if (used < found.length * leastWanted || last < seqs[at]!) return
    while (at < seqs.length && seqs[at]! <= last) at++
  }
}

/** Asks the stream's leader where a replica has no event, or another: in a stream that was made anew, even another tenant's. */
async function readOne(
  reference: DeliveryReference,
  { reader, manager }: EventReader,
): Promise<StoredEvent | undefined> {
  const { stream, seq } = reference.stored
  const near = await reader.at(stream, seq)
  const event = near && openEvent(near, stream)
  if (event && isEventOf(event, reference)) return event
  const certain = await manager.streams.getMessage(stream, { seq })
  if (!certain) return undefined
  const { header, data } = certain
  const known = openEvent(
    { seq, subject: certain.subject, data, header: name => header.get(name) || undefined },
    stream,
  )
  return known && isEventOf(known, reference) ? known : undefined
}

function openEvent(message: ReadMessage, stream: StoredEvent['stored']['stream']): StoredEvent | undefined {
  const text = message.header(eventHeader)
  if (!text) return undefined
  return { meta: decodeEventMeta(text), body: message.data, stored: { stream, seq: message.seq } }
}

const isEventOf = ({ meta }: StoredEvent, { event, organization }: DeliveryReference): boolean =>
  meta.id === event && meta.organization === organization
