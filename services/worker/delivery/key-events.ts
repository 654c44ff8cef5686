import type { Engine } from '../engine.ts'
import type { Waiting } from './key-line.ts'
import { readEvents } from './read-events.ts'
import type { StoredEvent } from './stored-event.ts'

/** Events that are read at one time for one key. */
const readCount = 32
/** What is counted for an event's headers, bytes. */
const headBytes = 2_048

/**
 * Reads the events of the next deliveries of a key, many at a time, where the first one's is not in memory: each of them
 * then starts in the moment in which the one before has ended. What finds no room, or can't be read now, is read by its
 * lane.
 */
export async function readAhead(waiting: readonly Waiting[], engine: Engine): Promise<void> {
  if (!waiting[0] || waiting[0].event) return
  const { queuedBytes } = engine
  const wanted: Waiting[] = []
  for (const next of waiting.slice(0, readCount)) {
    if (!queuedBytes.take(next.reference.organization, bytesOf(next))) break
    wanted.push(next)
  }
  const references = wanted.map(({ reference }) => reference)
  const events = await readEvents(references, engine).catch(() => [])
  for (const [index, next] of wanted.entries()) {
    const event = events[index]
    if (event) next.event = { event, bytes: bytesOf(next) }
    else queuedBytes.give(next.reference.organization, bytesOf(next))
  }
}

/** It goes on its way, or nobody waits for it any more. */
export function takeEvent(waiting: Waiting, { queuedBytes }: Engine): StoredEvent | undefined {
  const { event, reference } = waiting
  if (!event) return undefined
  delete waiting.event
  queuedBytes.give(reference.organization, event.bytes)
  return event.event
}

const bytesOf = ({ reference }: Waiting): number => reference.bytes + headBytes
