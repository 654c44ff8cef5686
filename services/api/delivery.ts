import { failures } from '@fairlead/webhook/outcome'
import { type Attempt, type Delivery, DeliveryState, Trigger } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { presentTime, presentTimeOf, timeText } from './time.ts'
import { traceOfAttempt } from './trace.ts'

/** Where a delivery stands; the words of the API and the CLI. */
export const deliveryStates = ['waiting', 'delivered', 'dead', 'discarded'] as const
type State = (typeof deliveryStates)[number]
/** Where a delivery stands that is not under way. */
export const endedStates = ['delivered', 'dead', 'discarded'] as const

export function stateOf(state: (typeof endedStates)[number]): DeliveryState {
  const words = {
    delivered: DeliveryState.DELIVERED,
    dead: DeliveryState.DEAD,
    discarded: DeliveryState.DISCARDED,
  } as const
  return words[state]
}

const outcomes = ['delivered', ...Object.keys(failures)]

export const attemptSchema = z
  .object({
    id: z.string().meta({ example: 'att_01jd3k5t9vexqa7w2m8zr4c6hs-1' }),
    number: z.int().meta({ description: 'From 1.' }),
    at: timeText.meta({ description: 'When it began.' }),
    durationMs: z.int(),
    outcome: z.string().meta({ description: `One of: ${outcomes.join(', ')}.`, example: 'connect_timeout' }),
    status: z.int().nullable().meta({ description: 'HTTP status; null where there was no answer.' }),
    reason: z.string().nullable().meta({ description: 'A sentence for people.' }),
    trigger: z.enum(['route', 'manual', 'replay']).meta({ description: 'Why it was made.' }),
    traceId: z.string().meta({
      description:
        "Of the trace that it is part of: the event's, or, from the second attempt on, one of its own.",
      example: '0002cfe568007000800001234567890a',
    }),
  })
  .meta({ id: 'Attempt' })

const shared = {
  id: z.string().meta({ example: 'dlv_01jd3k5t9vexqa7w2m8zr4c6hs' }),
  destination: z.string().meta({ description: "The destination's name.", example: 'billing' }),
  destinationId: z.string(),
  state: z.enum(deliveryStates),
  nextAttemptAt: timeText.nullable().meta({ description: 'Null: it has ended, or is due now.' }),
  discardReason: z.string().nullable(),
}

/** With its attempts, in the order they were made. */
export const deliverySchema = z
  .object({ ...shared, attempts: z.array(attemptSchema) })
  .meta({ id: 'Delivery', description: 'An event on its way to one destination.' })

/** Without them. */
export const deliverySummarySchema = z
  .object({ ...shared, attemptCount: z.int() })
  .meta({ id: 'DeliverySummary', description: 'A delivery without its attempts.' })

export function presentDelivery(delivery: Delivery): z.input<typeof deliverySchema> {
  return {
    ...presentShared(delivery),
    attempts: delivery.attempts.map(attempt => presentAttempt(delivery.eventId, delivery.id, attempt)),
  }
}

export function presentDeliverySummary(delivery: Delivery): z.input<typeof deliverySummarySchema> {
  return { ...presentShared(delivery), attemptCount: delivery.attemptCount }
}

function presentShared(delivery: Delivery) {
  return {
    id: delivery.id,
    destination: delivery.destination,
    destinationId: delivery.destinationId,
    state: presentState(delivery.state),
    nextAttemptAt: presentTime(delivery.nextAttemptAt),
    discardReason: delivery.discardReason || null,
  }
}

export function presentAttempt(
  event: string,
  delivery: string,
  attempt: Attempt,
): z.input<typeof attemptSchema> {
  const { number } = attempt
  const trigger = presentTrigger(attempt.trigger)
  return {
    id: `att_${delivery.slice('dlv_'.length)}-${number}`,
    number,
    at: presentTimeOf(attempt.at),
    durationMs: attempt.durationMs,
    outcome: attempt.outcome,
    status: attempt.status || null,
    reason: attempt.reason || null,
    trigger,
    traceId: traceOfAttempt({ event, delivery, number, trigger }),
  }
}

export function presentState(state: DeliveryState): State {
  switch (state) {
    case DeliveryState.WAITING:
      return 'waiting'
    case DeliveryState.DELIVERED:
      return 'delivered'
    case DeliveryState.DEAD:
      return 'dead'
    case DeliveryState.DISCARDED:
      return 'discarded'
    case DeliveryState.UNSPECIFIED:
      throw new TypeError('the store left out the state of a delivery')
    default:
      state satisfies never
      throw new TypeError(`the store has a state of deliveries that is not known here: ${state}`)
  }
}

function presentTrigger(trigger: Trigger): 'route' | 'manual' | 'replay' {
  switch (trigger) {
    case Trigger.MANUAL:
      return 'manual'
    case Trigger.REPLAY:
      return 'replay'
    default:
      return 'route'
  }
}
