import { createHash } from 'node:crypto'
import { type DestinationId, type OrganizationId, parseId } from '@fairlead/webhook/id'
import type { OrderConfig } from '@fairlead/wire/config'
import { type DeliveryReference, decodeDelivery, encodeDelivery } from '@fairlead/wire/delivery'
import { readNext, readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { heldOfPartition, heldSubject, orderedOfPartition, orderedSubject } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import type { Placed, StoredEvent } from './scene.ts'
import { removeMessage, untilDone } from './until-done.ts'
import { untilStored } from './until-stored.ts'

/**
 * Order by key: of deliveries to one destination with the same key, one is under way at a time. Those after it wait
 * in DELIVERIES under the key's own subject, and the next one goes when the one before has its fate, or has kept it
 * waiting for too long.
 *
 * Who holds a key is in memory. A holder that doesn't end at once (it was parked, or is to be tried again) is also
 * written down, so that the partition's next owner doesn't let others past it: one message a key, the newest replacing
 * the one before (`Nats-Rollup`, which a stream with schedules allows).
 */
export interface Order {
  /** Whether this delivery may go now, as far as order is concerned. True for those without a key. */
  take(reference: DeliveryReference): boolean
  /** Stores a delivery that may not go yet. */
  wait(reference: DeliveryReference): Promise<void>
  /** The delivery goes on later, and must not be stored as parked or scheduled before this: remembers that it holds its key. */
  kept(reference: DeliveryReference): Promise<void>
  /** The delivery has its fate: the next one goes. */
  ended(reference: DeliveryReference): Promise<void>
  /** What an earlier owner of the partition left. */
  restore(partition: number): Promise<void>
  close(): void
}

/** Larger bodies have no key: finding it means parsing the whole. */
const maxParsedBytes = 1024 * 1024
const sweepMs = 1_000

interface Hold {
  readonly organization: OrganizationId
  readonly destination: DestinationId
  readonly key: string
  /** Unknown after a crash, if it was not written down yet: then its event comes again. */
  delivery: string | undefined
  /** Where it is unknown: its event was stored before this one in EVENTS. */
  readonly beforeSeq: number
  readonly sinceMs: number
  readonly maxWaitMs: number
  written: boolean
  /** Stored behind it, and about to be. */
  waiting: number
  storing: number
  /** It has its fate, but those behind it are not stored yet. */
  over: boolean
}

/** @param go brings a delivery that has waited onto its way */
export function openOrder(
  engine: Engine,
  signal: AbortSignal,
  go: (reference: DeliveryReference) => Promise<Placed>,
): Order {
  const holds = new Map<string, Hold>()
  const sweeper = setInterval(sweep, sweepMs)
  sweeper.unref()

  const nameOf = ({ destination }: DeliveryReference, key: string): string => `${destination}.${key}`

  function hold(
    reference: DeliveryReference,
    order: NonNullable<DeliveryReference['order']>,
    { waiting, storing }: Pick<Hold, 'waiting' | 'storing'>,
  ): void {
    const { organization, destination, delivery } = reference
    holds.set(nameOf(reference, order.key), {
      organization,
      destination,
      key: order.key,
      delivery,
      beforeSeq: 0,
      sinceMs: engine.now(),
      maxWaitMs: order.maxWaitSeconds * 1000,
      written: false,
      waiting,
      storing,
      over: false,
    })
  }

  /** Those that have waited for too long go, whatever became of the one before. */
  function sweep(): void {
    const now = engine.now()
    for (const held of holds.values()) {
      if (held.waiting > 0 && now - held.sinceMs > held.maxWaitMs) background(next(held))
    }
  }

  function background(work: Promise<void>): void {
    work.catch(error => {
      if (!signal.aborted) engine.log.error({ err: error }, 'worker.failed')
    })
  }

  /** Lets the oldest that waits for this key go; with none, the key is free. */
  async function next(held: Hold): Promise<void> {
    const name = `${held.destination}.${held.key}`
    const subject = orderedSubject(held.organization, held.destination, held.key)
    const message = held.waiting > 0 ? await oldest(subject) : undefined
    if (holds.get(name) !== held) return // another call was quicker
    if (!message && held.storing > 0) {
      held.over = true // whoever is stored next comes back here
      return
    }
    if (!message) {
      if (held.written) {
        held.written = false
        await purge(heldSubject(held.organization, held.destination, held.key))
        return next(held) // another one may have come meanwhile
      }
      holds.delete(name)
      return
    }
    const reference = decodeDelivery(message.data)
    if (!reference.order) return
    hold(reference, reference.order, { waiting: Math.max(0, held.waiting - 1), storing: held.storing })
    // Written before it leaves the queue: a crash in between repeats it, and never lets another past it.
    await kept(reference)
    await untilDone(() => removeMessage(engine.manager, streamName.deliveries, message.seq), signal)
    const { done } = await go(reference)
    background(done.then(() => {}))
  }

  /** Of the leader: where there is none, the key is free. */
  const oldest = (subject: string) =>
    untilDone(() => readNextOfLeader(engine.manager, streamName.deliveries, { subject }), signal)

  async function purge(subject: string): Promise<void> {
    await untilDone(() => engine.manager.streams.purge(streamName.deliveries, { filter: subject }), signal)
  }

  async function kept(reference: DeliveryReference): Promise<void> {
    if (!reference.order) return
    const held = holds.get(nameOf(reference, reference.order.key))
    if (!held || held.written || held.delivery !== reference.delivery) return
    held.written = true
    const subject = heldSubject(held.organization, held.destination, held.key)
    await untilStored(engine.deliveries, subject, encodeDelivery(reference), { 'Nats-Rollup': 'sub' }, signal)
  }

  return {
    kept,
    take(reference) {
      if (!reference.order) return true
      const held = holds.get(nameOf(reference, reference.order.key))
      if (!held) {
        hold(reference, reference.order, { waiting: 0, storing: 0 })
        return true
      }
      if (held.delivery === undefined && reference.stored.seq < held.beforeSeq) {
        held.delivery = reference.delivery
      }
      return held.delivery === reference.delivery
    },
    async wait(reference) {
      const { order, organization, destination, delivery } = reference
      if (!order) return
      const name = nameOf(reference, order.key)
      const before = holds.get(name)
      if (before) before.storing++
      const subject = orderedSubject(organization, destination, order.key)
      const headers = { 'Nats-Msg-Id': `${delivery}.ordered` }
      await untilStored(engine.deliveries, subject, encodeDelivery(reference), headers, signal)
      const held = holds.get(name)
      if (!held) return
      held.storing--
      held.waiting++
      if (held.over) background(next(held))
    },
    async ended(reference) {
      if (!reference.order) return
      const held = holds.get(nameOf(reference, reference.order.key))
      // Held by a later one: this one had taken too long.
      if (held?.delivery !== reference.delivery) return
      await next(held)
    },
    async restore(partition) {
      const waiting = await countSubjects(engine, orderedOfPartition(partition))
      for (const reference of await readHeld(engine, partition)) {
        const { organization, destination, order } = reference
        if (!order) continue
        const subject = `${organization}.${destination}.${order.key}`
        hold(reference, order, { waiting: waiting.get(subject) ?? 0, storing: 0 })
        holds.get(nameOf(reference, order.key))!.written = true
        waiting.delete(subject)
      }
      // The last owner ended while the first attempt of their holder was under way.
      for (const [subject, count] of waiting) {
        const [organizationText = '', destinationText = '', key = ''] = subject.split('.')
        const organization = parseId('org', organizationText)
        const destination = parseId('dst', destinationText)
        if (!organization || !destination) continue
        const first = await oldest(orderedSubject(organization, destination, key))
        if (!first) continue
        holds.set(`${destination}.${key}`, {
          organization,
          destination,
          key,
          delivery: undefined,
          beforeSeq: decodeDelivery(first.data).stored.seq,
          sinceMs: engine.now(),
          maxWaitMs: comesAgainMs,
          written: false,
          waiting: count,
          storing: 0,
          over: false,
        })
      }
    },
    close: () => clearInterval(sweeper),
  }
}

/** The deliveries that were written down as holding their keys: in pages, and from the leader what a replica lacks. */
async function readHeld(engine: Engine, partition: number): Promise<DeliveryReference[]> {
  const { manager } = engine
  const subject = heldOfPartition(partition)
  const lacking = new Set((await countSubjects(engine, subject)).keys())
  const found: DeliveryReference[] = []
  for (let seq = 1, count = heldPage; count === heldPage && lacking.size > 0; ) {
    count = 0
    for await (const message of readNext(manager, streamName.deliveries, { subject, seq, count: heldPage })) {
      count++
      seq = message.seq + 1
      if (lacking.delete(namedIn(message.subject))) found.push(decodeDelivery(message.data))
    }
  }
  for (const name of lacking) {
    const held = `deliveries.held.${partition}.${name}`
    const message = await readNextOfLeader(manager, streamName.deliveries, { subject: held })
    if (message) found.push(decodeDelivery(message.data))
  }
  return found
}

const heldPage = 256
/** An event that was in hand at a crash comes again within JetStream's `ack_wait` of 4 s. */
const comesAgainMs = 6_000

/** How many messages there are by what their subjects name. */
async function countSubjects(engine: Engine, filter: string): Promise<Map<string, number>> {
  const { state } = await engine.manager.streams.info(streamName.deliveries, { subjects_filter: filter })
  const counts = new Map<string, number>()
  for (const [subject, count] of Object.entries(state.subjects ?? {})) {
    counts.set(namedIn(subject), count)
  }
  return counts
}

/** `<organization>.<destination>.<key>` */
const namedIn = (subject: string): string => subject.split('.').slice(3).join('.')

/** The digest of an event's key; undefined where it has none, and then no order. Pure. */
export function orderKey(
  { key }: OrderConfig,
  { meta, body }: Pick<StoredEvent, 'meta' | 'body'>,
): string | undefined {
  const value = key.from === 'header' ? headerOf(meta.headers, key.name) : pointed(body, key.pointer)
  if (value === undefined) return undefined
  return createHash('sha256').update(value).digest('hex').slice(0, 32)
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name.toLowerCase()) return headers[i + 1]
  }
  return undefined
}

/** The value that a JSON pointer (RFC 6901) leads to, if it is a string, a number or a boolean. */
function pointed(body: Uint8Array, pointer: string): string | undefined {
  if (body.length > maxParsedBytes) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch {
    return undefined
  }
  for (const token of pointer.split('/').slice(1)) {
    if (typeof value !== 'object' || value === null) return undefined
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    value = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  }
  return typeof value === 'object' || value === undefined ? undefined : `${typeof value}:${value}`
}
