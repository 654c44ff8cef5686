import type { Db } from '../scope.ts'

/** Events that nobody takes at present, held until an organization does: bounds, so that no account fills the database. */
export const heldBounds = { ofAccount: 1_000, inAll: 20_000, bytesInAll: 256 * 1024 ** 2, hours: 72 } as const

interface HeldEvent {
  readonly account: string
  readonly id: string
  readonly body: Uint8Array
  readonly receivedAt: Date
}

/** Holds an event, once. @returns how many older ones were dropped for it */
export async function holdEvent(db: Db, { account, id, body, receivedAt }: HeldEvent): Promise<number> {
  await db.query(
    `insert into held_connect_events (account, event_id, body, size, received_at) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [account, id, Buffer.from(body), body.length, receivedAt],
  )
  const { rowCount: ofAccount } = await db.query(
    `delete from held_connect_events h using (
       select event_id from held_connect_events where account = $1 order by received_at desc, event_id desc offset $2
     ) as older where h.account = $1 and h.event_id = older.event_id`,
    [account, heldBounds.ofAccount],
  )
  return (ofAccount ?? 0) + (await dropOldest(db))
}

/** The oldest of all go, until the rest fits. */
async function dropOldest(db: Db): Promise<number> {
  const { rowCount } = await db.query(
    `delete from held_connect_events h using (
       select account, event_id from (
         select account, event_id, count(*) over newest as events, sum(size) over newest as bytes
         from held_connect_events window newest as (order by received_at desc, account, event_id)
       ) as counted where events > $1 or bytes > $2
     ) as over where h.account = over.account and h.event_id = over.event_id`,
    [heldBounds.inAll, heldBounds.bytesInAll],
  )
  return rowCount ?? 0
}

interface HeldRow {
  readonly event_id: string
  readonly body: Buffer
  readonly received_at: Date
}

/** The oldest held events of an account, which is locked. */
export async function oldestHeld(db: Db, account: string, limit: number): Promise<HeldEvent[]> {
  const { rows } = await db.query<HeldRow>(
    `select event_id, body, received_at from held_connect_events where account = $1
     order by received_at, event_id limit $2`,
    [account, limit],
  )
  return rows.map(({ event_id, body, received_at }) => ({
    account,
    id: event_id,
    body,
    receivedAt: received_at,
  }))
}

export const forgetHeld = (db: Db, account: string, ids: readonly string[]) =>
  db.query('delete from held_connect_events where account = $1 and event_id = any($2)', [account, ids])

/** Accounts with held events that an organization has connected. */
export async function heldOfConnected(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ account: string }>(
    `select c.account from connected_accounts c where c.disconnected_at is null
       and exists (select from held_connect_events h where h.account = c.account) limit 100`,
  )
  return rows.map(({ account }) => account)
}

export async function dropExpired(db: Db, nowMs: number): Promise<number> {
  const { rowCount } = await db.query('delete from held_connect_events where received_at < $1', [
    new Date(nowMs - heldBounds.hours * 3_600_000),
  ])
  return rowCount ?? 0
}
