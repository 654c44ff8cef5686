import { attemptTraceId, eventTraceId } from '@fairlead/telemetry/trace-ids'
import { type IdPrefix, parseId } from '@fairlead/webhook/id'

/** Trace ids in answers: made from the ids that the store tells, as receivers and workers make them. */

export const traceOfEvent = (event: string): string => eventTraceId(idOf('evt', event))

export const traceOfAttempt = (of: {
  readonly event: string
  readonly delivery: string
  readonly number: number
  readonly trigger: string
}): string =>
  attemptTraceId({
    event: idOf('evt', of.event),
    delivery: idOf('dlv', of.delivery),
    attempt: of.number,
    trigger: of.trigger,
  })

function idOf<P extends IdPrefix>(prefix: P, text: string) {
  const id = parseId(prefix, text)
  if (!id) throw new TypeError(`the store told no id of the kind ${prefix}`)
  return id
}
