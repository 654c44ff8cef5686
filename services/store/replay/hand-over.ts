import { toUuid } from '@fairlead/webhook/id'
import { type DeliveryReference, decodeDelivery, encodeDelivery } from '@fairlead/wire/delivery'
import type { Publisher } from '@fairlead/wire/publish'
import { dueSubject } from '@fairlead/wire/subjects'
import type { Db } from '../scope.ts'
import type { ReplayRow } from './rows.ts'

/** The deliveries that a Replay's row has in hand. Throws a WireError `delivery_unreadable`. */
export function readHand(row: ReplayRow): DeliveryReference[] {
  const inHand = (row.in_hand ?? []) as unknown[]
  return inHand.map(reference => decodeDelivery(Buffer.from(JSON.stringify(reference))))
}

/**
 * Of a page that an earlier process left in hand, the deliveries that are still to be handed over: those without an
 * attempt in the log. (JetStream itself dedupes those of the last two minutes.)
 */
export async function notAttempted(
  db: Db,
  row: ReplayRow,
  hand: readonly DeliveryReference[],
): Promise<DeliveryReference[]> {
  const { rows } = await db.query<{ event_id: string; destination_id: string }>(
    `select event_id, destination_id from attempts
     where organization_id = $1 and replay_id = $2 and event_id = any($3::uuid[])`,
    [row.organization_id, row.id, hand.map(({ event }) => toUuid(event))],
  )
  const attempted = new Set(rows.map(attempt => `${attempt.event_id} ${attempt.destination_id}`))
  return hand.filter(({ event, destination }) => !attempted.has(`${toUuid(event)} ${toUuid(destination)}`))
}

/** Publishes deliveries as due. Safe to repeat. Rejects with a PublishError when JetStream does not have all of them. */
export async function handOver(publisher: Publisher, hand: readonly DeliveryReference[]): Promise<void> {
  await Promise.all(
    hand.map(reference =>
      publisher.publish(
        dueSubject(reference.organization, reference.destination),
        encodeDelivery(reference),
        {
          'Nats-Msg-Id': `${reference.replay}.${reference.delivery}`,
        },
      ),
    ),
  )
}

/** Notes that JetStream has the whole hand. */
export async function confirmHand(db: Db, row: ReplayRow, count: number): Promise<void> {
  await db.query(
    `update replays set in_hand = null, published = published + $3
     where organization_id = $1 and id = $2 and in_hand is not null`,
    [row.organization_id, row.id, count],
  )
}
