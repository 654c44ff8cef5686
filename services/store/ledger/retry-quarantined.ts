import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import { ledgerDestination } from '@fairlead/wire/ledger'
import type { NatsConnection } from '@nats-io/transport-node'
import { lockDeliveries, readEvent } from '../events/read.ts'
import { retryDeliveries } from '../events/retry.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/**
 * Events of one call: the caller asks again for more. They are one transaction, which a worker waits for that has an event to put back:
 * longer than lockTimeoutMs, and it would have to come again.
 */
const mostEvents = 50

export interface RetriedQuarantine {
  readonly retried: number
  /** Their bodies are no longer kept, or they are being read at the moment. */
  readonly skipped: number
  readonly left: number
}

export interface QuarantineChoice {
  /** Empty: events that were quarantined for any reason. */
  readonly reason: string
  /** Those that came into the quarantine before this time: one that comes back isn't tried again and again. */
  readonly before: Date
}

/**
 * Hands quarantined events to the ledger once more: a newer version may read them. Newest first, because the oldest may have no body
 * any more. Each leaves the quarantine, and comes back if it still can't be read. Throws a StoreError `nats_unavailable`.
 */
export async function retryQuarantined(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  { reason, before }: QuarantineChoice,
): Promise<RetriedQuarantine> {
  const chosen = "organization_id = $1 and ($2 = '' or reason = $2) and seen_at < $3"
  const values = [toUuid(organization), reason, before]
  const { rows: looked } = await db.query<{ event_id: string }>(
    `select event_id from ledger_quarantine where ${chosen} order by seen_at desc, event_id desc limit $4 for update skip locked`,
    [...values, mostEvents],
  )
  let retried = 0
  for (const { event_id: event } of looked) if (await retryOne(db, nats, organization, event)) retried += 1
  const { rows: counted } = await db.query<{ count: string }>(
    `select count(*) as count from ledger_quarantine where ${chosen}`,
    values,
  )
  const skipped = looked.length - retried
  return { retried, skipped, left: Math.max(0, Number(counted[0]?.count ?? 0) - skipped) }
}

/**
 * Whether it is read again. Its row goes before it is handed over: a worker that can't read it either waits for the end of this
 * transaction and puts it back. Were the row still there, the worker would add none, and then it would go.
 */
async function retryOne(
  db: Db,
  nats: NatsConnection,
  organization: OrganizationId,
  id: string,
): Promise<boolean> {
  const destination = toUuid(ledgerDestination(organization).id)
  await db.query('savepoint before_event')
  try {
    const event = await readEvent(db, organization, fromUuid('evt', id))
    const deliveries = (await lockDeliveries(db, event)).filter(
      delivery => delivery.destination_id === destination && delivery.state !== 'waiting',
    )
    if (deliveries.length === 0) return false
    await db.query('delete from ledger_quarantine where organization_id = $1 and event_id = $2', [
      toUuid(organization),
      id,
    ])
    await retryDeliveries(db, nats, event, deliveries)
    await db.query('release savepoint before_event')
    return true
  } catch (error) {
    // The event went with its day, or its body did.
    const isGone =
      error instanceof StoreError && (error.code === 'not_found' || error.code === 'content_expired')
    if (!isGone) throw error
    await db.query('rollback to savepoint before_event')
    return false
  }
}
