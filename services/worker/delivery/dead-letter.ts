import { attemptSpan, logFields } from '@fairlead/telemetry/trace-ids'
import { deadHeader, encodeDeadMeta } from '@fairlead/wire/dead'
import { encodeEventMeta, eventHeader } from '@fairlead/wire/event'
import { deadSubject } from '@fairlead/wire/subjects'
import type { Destination } from '../directory.ts'
import type { Concluded } from './delivery.ts'
import { eventSeqOf } from './report.ts'
import type { Scene } from './scene.ts'
import { untilStored } from './until-stored.ts'

/** Stores a dead letter in DEAD with the event's body, which is kept there for longer than in EVENTS. */
export async function storeDeadLetter(
  { reference, event }: Concluded,
  to: Destination | undefined,
  reason: string,
  { engine, signal }: Scene,
): Promise<void> {
  const { organization, destination, delivery, attempt } = reference
  engine.metrics.dead.inc({ reason })
  engine.log.warn(
    {
      ...logFields(attemptSpan(reference), engine.traces?.isSampled(reference) ?? false),
      event: reference.event,
      delivery,
      organization: to?.organization.slug,
      source: reference.source,
      type: event?.meta.type,
      destination: to?.config.name ?? destination,
      attempt,
      trigger: reference.trigger,
      reason,
    },
    'delivery.dead',
  )
  if (!event) return // the event has expired: no body is left to keep
  const meta = encodeDeadMeta({
    delivery,
    destination,
    attempt,
    eventSeq: eventSeqOf(reference),
    at: engine.now(),
    reason,
  })
  const headers = {
    'Nats-Msg-Id': `${delivery}.${attempt}`,
    [eventHeader]: encodeEventMeta(event.meta),
    [deadHeader]: meta,
  }
  await untilStored(engine.publisher, deadSubject(organization, destination), event.body, headers, signal)
}
