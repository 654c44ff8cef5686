import { setTimeout as delay } from 'node:timers/promises'
import { type DeliveryReference, encodeDelivery } from '@fairlead/wire/delivery'
import { readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { heldSubject, orderedSubject } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import type { Begun } from './begun.ts'
import { readAhead, takeEvent } from './key-events.ts'
import {
  append,
  beginStoring,
  deleteSettled,
  isEmpty,
  type KeyLine,
  load,
  openLine,
  takeFirst,
  type Waiting,
} from './key-line.ts'
import { OtherHands } from './other-hands.ts'
import { consumerState, restoreLines, settledState } from './restore-order.ts'
import type { StoredEvent } from './stored-event.ts'
import { untilDone } from './until-done.ts'
import { untilStored } from './until-stored.ts'

/**
 * Order by key: of deliveries to one destination with the same key, one is under way at a time. Those after it wait
 * in DELIVERIES under the key's own subject. The next delivery goes when the one before has ended, or has kept it waiting for
 * too long.
 *
 *   free ─▶ held ─(ended, or waited too long)─▶ passing ─▶ held by the next │ storing, until it is stored │ free
 *                                                            ▲
 *   events are in other hands: awaited ─(they have come again)─┘
 *
 * While events of the partition are in other hands (`other-hands.ts`: a crash, a broken connection), an older event of any
 * key may come again. Deliveries of all events then wait for their keys, stored like others that wait, and go in the order of
 * their events when the last of the older ones has come.
 *
 * A delivery that has waited stays in DELIVERIES until what follows from it is stored, so a crash repeats it. A holder
 * that does not end at once (it is parked, or to be tried again) is written down, so that the partition's next owner
 * lets none past it: one message a key, the newest replacing the one before (`Nats-Rollup`).
 */
export interface Order {
  /** Whether this delivery may go now, as far as order is concerned. True for those without a key. */
  take(reference: DeliveryReference): boolean
  /** Stores a delivery that may not go yet. */
  wait(reference: DeliveryReference): Promise<void>
  /** The delivery goes on later, and must not be stored as parked or scheduled before this: remembers that it holds its key. */
  kept(reference: DeliveryReference): Promise<void>
  /** The delivery was delivered or given up, stored or not yet: the next delivery of its key goes. */
  ended(reference: DeliveryReference): void
  /** A message of EVENTS was handed to this owner. @param handOut its number in the consumer's sequence */
  handedOut(handOut: number, seq: number): void
  /** `take` or `wait` was called for all deliveries of this event. */
  placed(seq: number): void
  /** Reads what an earlier owner of the partition left. */
  restore(partition: number): Promise<void>
  /** From here on deliveries go: those that an earlier owner left, too. */
  begin(): void
  /** Resolves when no delivery that has waited is under way. */
  idle(): Promise<void>
  close(): void
}

const sweepMs = 1_000
const retryMs = 500
/** While events are in other hands, the consumer is asked this often how far all is acknowledged. */
const askMs = 250
/** Keys whose next deliveries are read at one time, when many have waited together. */
const passAtOnce = 32

export interface OrderSignals {
  /** Aborts when nothing more is to be begun. */
  readonly taking: AbortSignal
  /** Aborts when the partition is given up at once. */
  readonly working: AbortSignal
}

/** @param go brings a delivery that has waited onto its way; without its event, that is read again */
export function openOrder(
  engine: Engine,
  { taking, working }: OrderSignals,
  go: (reference: DeliveryReference, event: StoredEvent | undefined) => Promise<Begun>,
): Order {
  const lines = new Map<string, KeyLine>()
  const inHand = new Set<Promise<void>>()
  let otherHands = new OtherHands({ handOuts: 0, lastSeq: 0, unacknowledged: 0 }, engine.now())
  let sweeper: NodeJS.Timeout | undefined
  let asking: NodeJS.Timeout | undefined
  let partitionNumber = 0

  const nameOf = (destination: string, key: string): string => `${destination}.${key}`
  const lineOf = ({ destination, order }: DeliveryReference): KeyLine | undefined =>
    order && lines.get(nameOf(destination, order.key))

  function heldBy({ delivery, order }: DeliveryReference): KeyLine['turn'] {
    return {
      kind: 'held',
      by: delivery,
      sinceMs: engine.now(),
      maxWaitMs: (order?.maxWaitSeconds ?? 0) * 1000,
    }
  }

  function add({ organization, destination, order }: DeliveryReference, turn: KeyLine['turn']): KeyLine {
    const key = order?.key ?? ''
    const line = openLine({ organization, destination, key }, turn)
    lines.set(nameOf(destination, key), line)
    return line
  }

  const isThere = (subject: string, seq: number): Promise<boolean> =>
    untilDone(async () => {
      const message = await readNextOfLeader(engine.manager, streamName.deliveries, { subject, seq })
      return message?.seq === seq
    }, working)

  function background(work: Promise<void>): void {
    const handled = work
      .catch(error => {
        if (!working.aborted) engine.log.error({ err: error }, 'worker.failed')
      })
      .finally(() => inHand.delete(handled))
    inHand.add(handled)
  }

  /** Those that have waited for too long go, whatever became of the one before. */
  function sweep(): void {
    const now = engine.now()
    for (const line of lines.values()) {
      const { turn } = line
      if (turn.kind !== 'held') continue
      if (!isEmpty(line) && now - turn.sinceMs > turn.maxWaitMs) background(pass(line))
    }
  }

  /** Lets the oldest that waits for this key go; with none, the key is free. */
  async function pass(line: KeyLine): Promise<void> {
    line.turn = { kind: 'passing' }
    await erase(line)
    if (otherHands.areOut) {
      line.turn = { kind: 'awaited' }
      return
    }
    await load(line, engine.manager, unreadable, working)
    await readAhead(line.loaded, engine)
    if (taking.aborted) return // the next owner goes on
    const next = takeFirst(line)
    if (next) start(line, next)
    else if (line.storing.size > 0) line.turn = { kind: 'storing' }
    else lines.delete(nameOf(line.destination, line.key))
  }

  /** Asks how far all is acknowledged until no event is in other hands. */
  function ask(): void {
    asking ??= setTimeout(async () => {
      const state = await consumerState(engine, partitionNumber).catch(() => undefined)
      asking = undefined
      if (taking.aborted) return
      otherHands.look(state?.acknowledgedSeq, engine.now())
      if (otherHands.areOut) ask()
      else background(passAwaited())
    }, askMs).unref()
  }

  /** The keys that waited for older events go on, some at a time. */
  async function passAwaited(): Promise<void> {
    const awaited = lines.values().filter(({ turn }) => turn.kind === 'awaited')
    const passing = async () => {
      for (const line of awaited) {
        if (taking.aborted) return
        if (line.turn.kind === 'awaited') await pass(line)
      }
    }
    await Promise.all(Array.from({ length: passAtOnce }, passing))
  }

  function unreadable(err: unknown, seq: number): void {
    engine.log.error({ err, seq }, 'message.unreadable')
  }

  function start(line: KeyLine, waiting: Waiting): void {
    line.turn = heldBy(waiting.reference)
    line.underWay.add(waiting.seq)
    background(finish(line, waiting))
  }

  /** Brings a delivery that has waited to its end, then deletes its message. */
  async function finish(line: KeyLine, waiting: Waiting): Promise<void> {
    const { seq, reference } = waiting
    const event = takeEvent(waiting, engine)
    for (;;) {
      try {
        if (!engine.mayStart()) await engine.untilMayStart(working)
        const { done } = await go(reference, event)
        await done
        break
      } catch (error) {
        if (working.aborted) return // it lies there for the next owner
        engine.log.error({ err: error, delivery: reference.delivery }, 'worker.failed')
      }
      await delay(retryMs, undefined, { signal: working })
    }
    line.underWay.delete(seq)
    line.finished.add(seq)
    await deleteSettled(line, engine.manager, working)
  }

  /** Writes down who holds the key; resolves when that is stored. */
  async function write(line: KeyLine, reference: DeliveryReference): Promise<void> {
    if (line.mark.kind !== 'written' || line.mark.for !== reference.delivery) {
      const subject = heldSubject(line.organization, line.destination, line.key)
      const headers = { 'Nats-Rollup': 'sub' }
      const publishing = untilStored(engine.deliveries, subject, encodeDelivery(reference), headers, working)
      const stored = publishing.then(() => {})
      stored.catch(() => {}) // its writer waits for it below
      line.mark = { kind: 'written', for: reference.delivery, stored }
    }
    await line.mark.stored
  }

  async function erase(line: KeyLine): Promise<void> {
    if (line.mark.kind === 'none') return
    await line.mark.stored
    const filter = heldSubject(line.organization, line.destination, line.key)
    await untilDone(() => engine.manager.streams.purge(streamName.deliveries, { filter }), working)
    line.mark = { kind: 'none' }
  }

  return {
    take(reference) {
      const { order, delivery } = reference
      if (!order) return true
      const line = lineOf(reference)
      if (!line) {
        add(reference, otherHands.areOut ? { kind: 'awaited' } : heldBy(reference))
        return !otherHands.areOut
      }
      return line.turn.kind === 'held' && line.turn.by === delivery
    },
    async wait(reference) {
      const { order, organization, destination, delivery } = reference
      if (!order) return
      const line = lineOf(reference) ?? add(reference, { kind: 'storing' })
      const subject = orderedSubject(organization, destination, order.key)
      const headers = { 'Nats-Msg-Id': `${delivery}.ordered` }
      const storing = beginStoring(line, reference)
      try {
        const payload = encodeDelivery(reference)
        const { seq, duplicate } = await untilStored(engine.deliveries, subject, payload, headers, working)
        // A delivery that was stored before may have ended since: then it does not go again.
        if (!duplicate || (await isThere(subject, seq))) append(line, { seq, reference }, storing)
      } finally {
        line.storing.delete(storing)
      }
      if (line.turn.kind === 'storing') background(pass(line))
    },
    async kept(reference) {
      const line = lineOf(reference)
      // Held by a later one: this one had taken too long.
      if (line?.turn.kind !== 'held' || line.turn.by !== reference.delivery) return
      await write(line, reference)
    },
    ended(reference) {
      const line = lineOf(reference)
      if (line?.turn.kind !== 'held' || line.turn.by !== reference.delivery) return
      background(pass(line))
    },
    handedOut(handOut, seq) {
      otherHands.handedOut(handOut, seq, engine.now())
      if (otherHands.areOut) ask()
    },
    placed(seq) {
      if (!otherHands.areOut) return
      otherHands.placed(seq, engine.now())
      if (!otherHands.areOut) background(passAwaited())
    },
    async restore(partition) {
      partitionNumber = partition
      otherHands = new OtherHands(await settledState(engine, partition), engine.now())
      for (const line of await restoreLines(engine, partition, unreadable, working)) {
        lines.set(nameOf(line.destination, line.key), line)
      }
    },
    begin() {
      sweeper = setInterval(sweep, sweepMs).unref()
      for (const line of lines.values()) if (line.turn.kind === 'passing') background(pass(line))
      if (otherHands.areOut) ask()
    },
    async idle() {
      while (inHand.size > 0) await Promise.allSettled(inHand)
    },
    close() {
      clearInterval(sweeper)
      clearTimeout(asking)
      for (const { loaded } of lines.values()) for (const waiting of loaded) takeEvent(waiting, engine)
    },
  }
}
