import { setTimeout as delay } from 'node:timers/promises'
import { parseId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { readNext, readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { heldNamed, heldOfPartition, keyNameIn, orderedOfPartition } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import { type KeyLine, load, openLine } from './key-line.ts'
import type { ConsumerState } from './other-hands.ts'

/** Keys whose first waiting delivery is read at one time. */
const readAtOnce = 16
const heldPage = 256

/** The order that an earlier owner of the partition left: each key's holder, and the deliveries that wait for it. */
export async function restoreLines(
  engine: Engine,
  partition: number,
  unreadable: (error: unknown, seq: number) => void,
  signal: AbortSignal,
): Promise<KeyLine[]> {
  const waiting = await namesOf(engine, orderedOfPartition(partition))
  const holders = await readHeld(engine, partition)
  const lines = [...waiting].flatMap(name => {
    const [organizationText = '', destinationText = '', key = ''] = name.split('.')
    const organization = parseId('org', organizationText)
    const destination = parseId('dst', destinationText)
    if (!organization || !destination) return []
    const line = openLine({ organization, destination, key }, { kind: 'passing' })
    line.hasMore = true
    return [line]
  })
  for (let at = 0; at < lines.length; at += readAtOnce) {
    await Promise.all(
      lines.slice(at, at + readAtOnce).map(line => load(line, engine.manager, unreadable, signal)),
    )
  }
  for (const line of lines) decideTurn(line, holders, engine.now())
  for (const reference of holders.values()) {
    const { order } = reference
    if (!order) continue
    const line = openLine({ ...reference, key: order.key }, heldSince(reference, engine.now()))
    line.mark = written(reference)
    lines.push(line)
  }
  return lines
}

/** Decides whether a delivery holds this key. Takes the key's holder out of `holders`. */
function decideTurn(line: KeyLine, holders: Map<string, DeliveryReference>, nowMs: number): void {
  const name = `${line.organization}.${line.destination}.${line.key}`
  const holder = holders.get(name)
  if (!holder) return
  holders.delete(name)
  line.mark = written(holder)
  // The holder itself still waits: whether it was parked or scheduled before the crash is not known, so it goes again.
  if (holder.delivery !== line.loaded[0]?.reference.delivery) line.turn = heldSince(holder, nowMs)
}

const written = ({ delivery }: DeliveryReference): KeyLine['mark'] => ({
  kind: 'written',
  for: delivery,
  stored: Promise.resolve(),
})

const heldSince = ({ delivery, order }: DeliveryReference, nowMs: number): KeyLine['turn'] => ({
  kind: 'held',
  by: delivery,
  sinceMs: nowMs,
  maxWaitMs: (order?.maxWaitSeconds ?? 0) * 1000,
})

/** How long the acknowledgements of an owner that ended well may still be on their way, ms. */
const settlesMs = 50

/** What the partition's consumer of EVENTS has handed out, and how far all is acknowledged. Rejects where NATS does not tell. */
export async function consumerState(
  { manager }: Pick<Engine, 'manager'>,
  partition: number,
): Promise<ConsumerState & { readonly acknowledgedSeq: number }> {
  try {
    const info = await manager.consumers.info(streamName.events, `worker-${partition}`)
    return {
      handOuts: info.delivered.consumer_seq,
      lastSeq: info.delivered.stream_seq,
      unacknowledged: info.num_ack_pending,
      acknowledgedSeq: info.ack_floor.stream_seq,
    }
  } catch (error) {
    // Nobody has ever owned this partition.
    if (error instanceof Error && 'code' in error && error.code === consumerNotFound)
      return { handOuts: 0, lastSeq: 0, unacknowledged: 0, acknowledgedSeq: 0 }
    throw error
  }
}

/** JetStream's "consumer not found". */
const consumerNotFound = 10014

/** The consumer's state, once the last owner's acknowledgements have arrived: asked again while they become fewer. */
export async function settledState(
  engine: Pick<Engine, 'manager'>,
  partition: number,
): Promise<ConsumerState> {
  let state = await consumerState(engine, partition)
  for (let before = Number.POSITIVE_INFINITY; 0 < state.unacknowledged && state.unacknowledged < before; ) {
    before = state.unacknowledged
    await delay(settlesMs)
    state = await consumerState(engine, partition)
  }
  return state
}

/** The stored holders of keys, read in pages, and from the leader where a replica lacks a message. */
async function readHeld(engine: Engine, partition: number): Promise<Map<string, DeliveryReference>> {
  const { manager } = engine
  const subject = heldOfPartition(partition)
  const lacking = await namesOf(engine, subject)
  const found = new Map<string, DeliveryReference>()
  for (let seq = 1, count = heldPage; count === heldPage && lacking.size > 0; ) {
    count = 0
    for await (const message of readNext(manager, streamName.deliveries, { subject, seq, count: heldPage })) {
      count++
      seq = message.seq + 1
      const name = keyNameIn(message.subject)
      if (lacking.delete(name)) found.set(name, decodeDelivery(message.data))
    }
  }
  for (const name of lacking) {
    const held = heldNamed(partition, name)
    const message = await readNextOfLeader(manager, streamName.deliveries, { subject: held })
    if (message) found.set(name, decodeDelivery(message.data))
  }
  return found
}

/** The keys that have messages. */
async function namesOf(engine: Engine, filter: string): Promise<Set<string>> {
  const { state } = await engine.manager.streams.info(streamName.deliveries, { subjects_filter: filter })
  return new Set(Object.keys(state.subjects ?? {}).map(keyNameIn))
}
