import type { Db } from '../scope.ts'

/** Events that nobody takes at present, held until an organization does: bounds, so that no account fills the database. */
export const heldBounds = {
  ofAccount: 1_000,
  bytesOfAccount: 16 * 1024 ** 2,
  inAll: 20_000,
  bytesInAll: 256 * 1024 ** 2,
  hours: 72,
} as const

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
       select event_id from (
         select event_id, count(*) over newest as events, sum(size) over newest as bytes
         from held_connect_events where account = $1 window newest as (order by received_at desc, event_id desc)
       ) as counted where events > $2 or bytes > $3
     ) as older where h.account = $1 and h.event_id = older.event_id`,
    [account, heldBounds.ofAccount, heldBounds.bytesOfAccount],
  )
  return (ofAccount ?? 0) + (await dropOfFullest(db))
}

/**
 * Drops events until the rest fits: the oldest ones of the account that holds most, so that no account pushes out what is held of
 * others. What an event and all newer ones of its account take of the account's own bounds is its depth; the deepest go.
 */
async function dropOfFullest(db: Db): Promise<number> {
  const { rows } = await db.query<{ fits: boolean }>(
    'select count(*) <= $1 and coalesce(sum(size), 0) <= $2 as fits from held_connect_events',
    [heldBounds.inAll, heldBounds.bytesInAll],
  )
  if (rows[0]?.fits) return 0
  const { rowCount } = await db.query(
    `delete from held_connect_events h using (
       select account, event_id, count(*) over kept as events, sum(size) over kept as bytes from (
         select account, event_id, size, received_at,
           greatest(count(*) over newest / $3::float8, sum(size) over newest / $4::float8) as depth
         from held_connect_events window newest as (partition by account order by received_at desc, event_id desc)
       ) as deep window kept as (order by depth, received_at desc, account, event_id)
     ) as counted where (events > $1 or bytes > $2) and h.account = counted.account and h.event_id = counted.event_id`,
    [heldBounds.inAll, heldBounds.bytesInAll, heldBounds.ofAccount, heldBounds.bytesOfAccount],
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

/** Accounts with held events that an active organization has connected, by name, those after one. */
export async function heldOfConnected(
  db: Db,
  after: string,
  limit: number,
): Promise<{ readonly account: string; readonly organization_id: string }[]> {
  const { rows } = await db.query<{ account: string; organization_id: string }>(
    `select c.account, c.organization_id from connected_accounts c join organizations o on o.id = c.organization_id
     where c.disconnected_at is null and o.active and o.deleted_at is null and c.account > $1
       and exists (select from held_connect_events h where h.account = c.account)
     order by c.account limit $2`,
    [after, limit],
  )
  return rows
}

export async function dropExpired(db: Db, nowMs: number): Promise<number> {
  const { rowCount } = await db.query('delete from held_connect_events where received_at < $1', [
    new Date(nowMs - heldBounds.hours * 3_600_000),
  ])
  return rowCount ?? 0
}
