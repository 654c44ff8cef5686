import { fromUuid } from '@fairlead/webhook/id'
import { encodeRejectionMeta, rejectionHeader } from '@fairlead/wire/rejection'
import { promotionSubject } from '@fairlead/wire/subjects'
import { jetstream } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { PromotionRow } from './promotion-row.ts'
import { asking, eraseRejection, readMessage, readRejection, type StoredRejection, storedOf } from './read.ts'

/**
 * Copies of records whose promotion is written down and whose event is not published yet. Each has a subject of its own in
 * REJECTIONS: newer rejections of the source push it out neither by their number nor by their bytes, and it is the newest
 * message of the stream when it is made. Where the transaction fails that its promotion was to be written in, a copy stays for 72 hours
 * from when it was made: up to 144 hours after the request came.
 */

/** Side by side: a copy is in memory meanwhile. */
const lanes = 8

type Promotion = Pick<PromotionRow, 'organization_id' | 'rejection' | 'received_at'>

const subjectOf = ({ organization_id, rejection, received_at }: Promotion): string =>
  promotionSubject(fromUuid('org', organization_id), Number(rejection), received_at.getTime())

/**
 * Copies the records of promotions; safe to repeat. Answers those whose record is gone, which can't be carried out. Throws a
 * StoreError `nats_unavailable`; then no copy is made any more.
 */
export async function pin(nats: NatsConnection, rows: readonly PromotionRow[]): Promise<PromotionRow[]> {
  const gone: PromotionRow[] = []
  const failures: unknown[] = []
  const open = rows.values()
  const lane = async () => {
    for (const row of open) {
      if (failures.length > 0) return
      try {
        if (!(await pinOne(nats, row))) gone.push(row)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  if (failures.length > 0) throw failures[0]
  return gone
}

async function pinOne(nats: NatsConnection, row: PromotionRow): Promise<boolean> {
  const message = await readMessage(nats, { seq: Number(row.rejection) })
  const own = message && storedOf(message, fromUuid('org', row.organization_id))
  if (!own || own.meta.receivedAt !== row.received_at.getTime()) return false
  const fields = headers()
  fields.set(rejectionHeader, encodeRejectionMeta(own.meta))
  await asking(() => jetstream(nats).publish(subjectOf(row), own.body, { headers: fields }))
  return true
}

/**
 * The record of a promotion, from its copy; without one, as stores before copies left it, from where it was. Undefined: it is gone.
 * Throws a StoreError `nats_unavailable`.
 */
export async function readPinned(nats: NatsConnection, row: Promotion): Promise<StoredRejection | undefined> {
  const copy = await readMessage(nats, { last_by_subj: subjectOf(row) })
  const organization = fromUuid('org', row.organization_id)
  const seq = Number(row.rejection)
  if (copy) {
    const stored = storedOf(copy, organization, subjectOf(row))
    return stored && { ...stored, seq }
  }
  const record = await readRejection(nats, organization, seq)
  return record?.meta.receivedAt === row.received_at.getTime() ? record : undefined
}

/** Erases the copies of a promotion: a call that was repeated made several. Throws a StoreError `nats_unavailable`. */
export async function unpin(nats: NatsConnection, row: Promotion): Promise<void> {
  for (;;) {
    const copy = await readMessage(nats, { last_by_subj: subjectOf(row) })
    if (!copy) return
    await eraseRejection(nats, copy.seq)
  }
}
