import { parseId } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery } from '@fairlead/wire/delivery'
import { readNext, readNextOfLeader } from '@fairlead/wire/read'
import { streamName } from '@fairlead/wire/streams'
import { heldNamed, heldOfPartition, keyNameIn, orderedOfPartition } from '@fairlead/wire/subjects'
import type { Engine } from '../engine.ts'
import { type KeyLine, load, openLine } from './key-line.ts'

/** An event that was in hand at a crash comes again within JetStream's `ack_wait` of 4 s. */
const comesAgainMs = 6_000
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
  const isQuiet = waiting.size > 0 && (await nothingInHand(engine, partition))
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
  for (const line of lines) decideTurn(line, holders, isQuiet, engine.now())
  for (const reference of holders.values()) {
    const { order } = reference
    if (!order) continue
    const line = openLine({ ...reference, key: order.key }, heldSince(reference, engine.now()))
    line.mark = written(reference)
    lines.push(line)
  }
  return lines
}

/** Decides which delivery of this key goes next. Takes the key's holder out of `holders`. */
function decideTurn(
  line: KeyLine,
  holders: Map<string, DeliveryReference>,
  isQuiet: boolean,
  nowMs: number,
): void {
  const name = `${line.organization}.${line.destination}.${line.key}`
  const holder = holders.get(name)
  holders.delete(name)
  const first = line.loaded[0]?.reference
  if (holder) line.mark = written(holder)
  // The holder itself still waits: whether it was parked or scheduled before the crash is not known, so it goes again.
  if (holder && holder.delivery !== first?.delivery) line.turn = heldSince(holder, nowMs)
  // The last owner may have ended while the first attempt of a delivery before it was under way.
  else if (!holder && first && !isQuiet) {
    line.turn = {
      kind: 'awaited',
      beforeSeq: first.stored.seq,
      sinceMs: nowMs,
      maxWaitMs: comesAgainMs,
    }
  }
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

/** Whether no event of the partition was in hand when its last owner ended. False where NATS does not answer that. */
async function nothingInHand({ manager }: Engine, partition: number): Promise<boolean> {
  const info = await manager.consumers.info(streamName.events, `worker-${partition}`).catch(() => undefined)
  return info?.num_ack_pending === 0
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
