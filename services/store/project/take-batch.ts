import type { EventMeta } from '@fairlead/wire/event'
import type { DeadRecord, LoggedRecord } from './fold.ts'
import { capacity, type Inputs, type Read } from './inputs.ts'
import type { Positions } from './position.ts'

/** Messages that are applied together, each stream's in order. */
export interface Batch {
  readonly events: readonly Read<EventMeta>[]
  readonly attempts: readonly Read<LoggedRecord[]>[]
  readonly dead: readonly Read<DeadRecord>[]
}

/** Attempts in one batch; a message is never cut. */
const maxRecords = 2_000

/** Whether a message can be applied now. */
export function isReady(inputs: Inputs, released: boolean): boolean {
  const position = inputs.positions.EVENTS
  return (
    inputs.events.buffer.length > 0 ||
    applicable(inputs.attempts.buffer, needsOfAttempts, position, released, 1) > 0 ||
    applicable(inputs.dead.buffer, needsOfDead, position, released, 1) > 0
  )
}

/** Whether the batch is full, so that waiting for more gains nothing. */
export function isFull(inputs: Inputs): boolean {
  return (
    inputs.events.buffer.length >= capacity.events ||
    inputs.attempts.buffer.length >= capacity.attempts ||
    inputs.dead.buffer.length >= capacity.dead
  )
}

/**
 * Takes the messages that can be applied together. Attempts and dead letters name the sequence of their event, and are
 * applied only with or after it; those behind a message that has to wait, wait too. `released`: the events they wait for
 * will not come.
 */
export function takeBatch(inputs: Inputs, released: boolean): Batch {
  const events = inputs.events.take(capacity.events)
  const position = events.at(-1)?.seq ?? inputs.positions.EVENTS
  const attempts = applicable(inputs.attempts.buffer, needsOfAttempts, position, released, maxRecords)
  const dead = applicable(inputs.dead.buffer, needsOfDead, position, released, maxRecords)
  return { events, attempts: inputs.attempts.take(attempts), dead: inputs.dead.take(dead) }
}

interface Needs {
  /** The last event of EVENTS that has to be in the log before. */
  eventSeq: number
  records: number
}

function needsOfAttempts({ value = [] }: Read<LoggedRecord[]>): Needs {
  let eventSeq = 0
  for (const record of value) eventSeq = Math.max(eventSeq, record.eventSeq)
  return { eventSeq, records: value.length }
}

function needsOfDead({ value }: Read<DeadRecord>): Needs {
  return { eventSeq: value?.dead.eventSeq ?? 0, records: 1 }
}

/** How many of the first messages can be applied with events up to a position. */
function applicable<Value>(
  buffer: readonly Read<Value>[],
  needsOf: (message: Read<Value>) => Needs,
  position: number,
  released: boolean,
  max: number,
): number {
  let records = 0
  let count = 0
  for (const message of buffer) {
    const needs = needsOf(message)
    if (records >= max || (needs.eventSeq > position && !released)) break
    records += needs.records
    count += 1
  }
  return count
}

/** Where each stream stands once a batch is applied. */
export function positionsAfter(batch: Batch): Partial<Positions> {
  const last = (stream: keyof Positions, messages: readonly { seq: number }[]) => {
    const seq = messages.at(-1)?.seq
    return seq === undefined ? {} : { [stream]: seq }
  }
  return { ...last('EVENTS', batch.events), ...last('ATTEMPTS', batch.attempts), ...last('DEAD', batch.dead) }
}

/** Cuts a batch in two that can be applied one after the other; undefined if it is one message. */
export function halves({ events, attempts, dead }: Batch): [Batch, Batch] | undefined {
  const count = events.length + attempts.length + dead.length
  if (count < 2) return undefined
  const cut = Math.floor(count / 2)
  const [inEvents, inAttempts] = [
    Math.min(cut, events.length),
    Math.min(cut, events.length + attempts.length),
  ]
  const [a, d] = [inAttempts - inEvents, cut - inAttempts]
  return [
    { events: events.slice(0, inEvents), attempts: attempts.slice(0, a), dead: dead.slice(0, d) },
    { events: events.slice(inEvents), attempts: attempts.slice(a), dead: dead.slice(d) },
  ]
}
