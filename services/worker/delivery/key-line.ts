import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { readNext, readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { orderedSubject } from '@fairlead/wire/subjects'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { KeptEvent } from './stored-event.ts'
import { removeMessage, untilDone } from './until-done.ts'

/**
 * The deliveries that wait for one key, oldest first. Each is a message of DELIVERIES until its outcome is stored. The
 * first ones are in memory as well, so that the next delivery needs no read.
 */
export interface KeyLine {
  readonly organization: OrganizationId
  readonly destination: DestinationId
  readonly key: string
  turn: Turn
  mark: Mark
  /** Deliveries that are being stored, in the order in which they were published. */
  readonly storing: Set<Storing>
  /** Deliveries in memory, in the order of their events. */
  readonly loaded: Waiting[]
  /** Whether the stream may hold more, behind those in memory, from `nextSeq` on. */
  hasMore: boolean
  nextSeq: number
  /** How many were stored without being kept in memory. */
  overflowed: number
  /** Sequences of deliveries that were started and whose outcome is not stored yet. */
  readonly underWay: Set<number>
  /** Sequences whose outcome is stored: to be deleted. */
  readonly finished: Set<number>
  deleting: boolean
}

/** Whose turn it is. */
export type Turn =
  /** A delivery is under way, parked, or scheduled. */
  | { readonly kind: 'held'; readonly by: string; readonly sinceMs: number; readonly maxWaitMs: number }
  /** Older events may come again (`other-hands.ts`): the oldest goes when they have come. */
  | { readonly kind: 'awaited' }
  /** The next delivery is being read. */
  | { readonly kind: 'passing' }
  /** The next delivery is being stored. */
  | { readonly kind: 'storing' }

/** Whether the key's holder is stored: the partition's next owner then lets no delivery past it. */
export type Mark =
  | { readonly kind: 'none' }
  | { readonly kind: 'written'; readonly for: string; readonly stored: Promise<void> }

export interface Storing {
  readonly eventSeq: number
  /** The lowest sequence that was acknowledged although it was published later: this one's may be lower. */
  overtakenBy: number
}

export interface Waiting {
  readonly seq: number
  readonly reference: DeliveryReference
  /** Its event, read before its turn (`key-events.ts`). Absent: it lies in EVENTS. */
  event?: KeptEvent
}

/** Messages that are read at one time. */
const pageCount = 256
/** References in memory for one key: about 400 bytes each. */
const mostLoaded = 1_000

export function openLine(
  { organization, destination, key }: Pick<KeyLine, 'organization' | 'destination' | 'key'>,
  turn: Turn,
): KeyLine {
  return {
    organization,
    destination,
    key,
    turn,
    mark: { kind: 'none' },
    storing: new Set(),
    loaded: [],
    hasMore: false,
    nextSeq: 1,
    overflowed: 0,
    underWay: new Set(),
    finished: new Set(),
    deleting: false,
  }
}

export const isEmpty = ({ loaded, hasMore }: KeyLine): boolean => loaded.length === 0 && !hasMore

/** Takes the oldest out of memory; undefined where there is none, or an older one is still being stored. */
export function takeFirst(line: KeyLine): Waiting | undefined {
  const eventSeq = line.loaded[0]?.reference.stored.seq ?? 0
  for (const storing of line.storing) if (storing.eventSeq < eventSeq) return undefined
  return line.loaded.shift()
}

/** A delivery is about to be published behind the others. */
export function beginStoring(line: KeyLine, { stored }: DeliveryReference): Storing {
  const storing = { eventSeq: stored.seq, overtakenBy: Number.POSITIVE_INFINITY }
  line.storing.add(storing)
  return storing
}

/** A delivery was stored: kept in memory if there is room and none before it is only in the stream. */
export function append(line: KeyLine, waiting: Waiting, storing: Storing): void {
  for (const earlier of line.storing) {
    if (earlier === storing) break
    earlier.overtakenBy = Math.min(earlier.overtakenBy, waiting.seq)
  }
  if (isKnown(line, waiting.seq)) return
  const last = line.loaded.at(-1)?.reference.stored.seq ?? 0
  // One that came again late goes before those in memory, however many they are.
  const isLast = waiting.reference.stored.seq > last
  if (isLast && (line.hasMore || line.loaded.length >= mostLoaded)) {
    line.hasMore = true
    line.overflowed++
    return
  }
  insert(line, waiting)
  // What is only in the stream stands before it, and is still to be read.
  if (!line.hasMore) line.nextSeq = Math.max(line.nextSeq, waiting.seq + 1)
}

const isKnown = ({ underWay, finished, loaded }: KeyLine, wanted: number): boolean =>
  underWay.has(wanted) || finished.has(wanted) || loaded.some(({ seq }) => seq === wanted)

/** Deliveries are stored side by side; their events' order counts. */
function insert({ loaded }: KeyLine, waiting: Waiting): void {
  let at = loaded.length
  while (at > 0 && loaded[at - 1]!.reference.stored.seq > waiting.reference.stored.seq) at--
  loaded.splice(at, 0, waiting)
}

/** Reads the next page into memory where it is empty. A replica may lag behind: that there is no more, the leader says. */
export async function load(
  line: KeyLine,
  manager: JetStreamManager,
  unreadable: (error: unknown, seq: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const subject = orderedSubject(line.organization, line.destination, line.key)
  const add = ({ seq, data }: { readonly seq: number; readonly data: Uint8Array }) => {
    line.nextSeq = seq + 1
    if (isKnown(line, seq)) return
    try {
      insert(line, { seq, reference: decodeDelivery(data) })
    } catch (error) {
      unreadable(error, seq)
      line.finished.add(seq)
    }
  }
  while (line.loaded.length === 0 && line.hasMore) {
    const { overflowed } = line
    await untilDone(async () => {
      const wanted = { subject, seq: line.nextSeq, count: pageCount }
      for await (const message of readNext(manager, streamName.deliveries, wanted)) add(message)
      if (line.loaded.length > 0) return
      const next = await readNextOfLeader(manager, streamName.deliveries, { subject, seq: line.nextSeq })
      if (next) add(next)
      // What was stored meanwhile is looked for in the next round.
      else line.hasMore = line.overflowed !== overflowed
    }, signal)
  }
}

/**
 * Deletes the messages whose outcome is stored: all before the first that is open at one stroke, and one that stands
 * behind such a one by itself, if it still does in the next round.
 */
export async function deleteSettled(
  line: KeyLine,
  manager: JetStreamManager,
  signal: AbortSignal,
): Promise<void> {
  if (line.deleting) return
  line.deleting = true
  const filter = orderedSubject(line.organization, line.destination, line.key)
  let behindBefore = new Set<number>()
  try {
    while (line.finished.size > 0 && !signal.aborted) {
      const firstOpen = firstOpenSeq(line)
      const done = [...line.finished].filter(seq => seq < firstOpen)
      const behind = [...line.finished].filter(seq => seq >= firstOpen)
      if (done.length > 0) {
        const seq = Math.max(...done) + 1
        await untilDone(() => manager.streams.purge(streamName.deliveries, { filter, seq }), signal)
      }
      for (const seq of behind.filter(seq => behindBefore.has(seq))) {
        await untilDone(() => removeMessage(manager, streamName.deliveries, seq), signal)
        done.push(seq)
      }
      behindBefore = new Set(behind)
      for (const seq of done) line.finished.delete(seq)
    }
  } finally {
    line.deleting = false
  }
}

/** The first sequence that is not finished, or not known: an acknowledgement that is late may tell of one in between. */
function firstOpenSeq({ nextSeq, underWay, loaded, storing }: KeyLine): number {
  let first = nextSeq
  for (const seq of underWay) first = Math.min(first, seq)
  for (const { seq } of loaded) first = Math.min(first, seq)
  for (const { overtakenBy } of storing) first = Math.min(first, overtakenBy)
  return first
}
