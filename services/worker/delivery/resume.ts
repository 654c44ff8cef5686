import type { DeliveryReference } from '@fairlead/wire/delivery'
import { decodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { readAt } from '@fairlead/wire/read'
import type { Destination } from '../directory.ts'
import type { LaneKind } from '../lanes/lane.ts'
import { attempt, conclude, park } from './deliver.ts'
import type { Placed, Scene, StoredEvent } from './scene.ts'

/** A delivery that is due again: attempted if its lane has room, parked if not. */
export async function resume(reference: DeliveryReference, scene: Scene): Promise<Placed> {
  const destination = scene.engine.directory.destination(reference.organization, reference.destination)
  if (!destination) return { done: forsake(reference, 'destination_deleted', scene) }
  if (scene.lanes.admit(destination, 'due', reference.bytes).kind === 'go') {
    return { done: attemptStored(reference, destination, 'due', scene) }
  }
  await park(reference, scene)
  return { done: Promise.resolve() }
}

/** Reads the event back and attempts the delivery, for which the lane has given a slot. */
export async function attemptStored(
  reference: DeliveryReference,
  destination: Destination,
  kind: LaneKind,
  scene: Scene,
): Promise<void> {
  let event: StoredEvent | undefined
  try {
    event = await readEvent(reference, scene)
  } catch (error) {
    scene.lanes.finish(destination, kind, reference.bytes, 'unknown')
    throw error
  }
  if (event) return attempt(reference, event, destination, kind, scene)
  scene.lanes.finish(destination, kind, reference.bytes, 'unknown')
  return forsake(reference, 'event_expired', scene)
}

/** A delivery that no attempt can be made of. */
export function forsake(
  reference: DeliveryReference,
  kind: 'event_expired' | 'destination_deleted',
  scene: Scene,
): Promise<void> {
  const at = scene.engine.now()
  return conclude(reference, undefined, undefined, { kind }, { at, durationMs: 0 }, scene)
}

/** Undefined too where the sequence names another event: after a stream was made anew it may be another tenant's. */
function readEvent(
  { stored, event, organization }: DeliveryReference,
  { engine }: Scene,
): Promise<StoredEvent | undefined> {
  return readAt(engine.manager, stored.stream, stored.seq, ({ header, data }) => {
    const meta = decodeEventMeta(header.get(eventHeader))
    if (meta.id !== event || meta.organization !== organization) return undefined
    return { meta, body: data, stored }
  })
}
