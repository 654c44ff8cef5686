import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { ConnectedAccountSchema } from '@fairlead/wire/store/stripe_connect'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

export interface AccountRow {
  readonly organization_id: string
  readonly account: string
  readonly scope: string
  readonly livemode: boolean
  readonly connected_at: Date
  readonly disconnected_at: Date | null
}

const columns = 'organization_id, account, scope, livemode, connected_at, disconnected_at'

/**
 * Locks an account until the transaction ends, against every other change and every event of it: an event is handed to whoever has the
 * account when its transaction is committed.
 */
export const lockAccount = (db: Db, account: string) =>
  db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    JSON.stringify(['stripe-connect', account]),
  ])

/** Under the platform's scope. */
export async function findConnected(db: Db, account: string): Promise<AccountRow | undefined> {
  const { rows } = await db.query<AccountRow>(
    `select ${columns} from connected_accounts where account = $1 and disconnected_at is null`,
    [account],
  )
  return rows[0]
}

export async function listAccounts(db: Db, organization: OrganizationId): Promise<AccountRow[]> {
  const { rows } = await db.query<AccountRow>(
    `select ${columns} from connected_accounts where organization_id = $1
     order by disconnected_at desc nulls first, account`,
    [toUuid(organization)],
  )
  return rows
}

/** How many events of accounts are held. Under the platform's scope: held events are nobody's. */
export async function countHeld(db: Db, accounts: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await db.query<{ account: string; held: number }>(
    'select account, count(*)::int as held from held_connect_events where account = any($1) group by account',
    [accounts],
  )
  return new Map(rows.map(({ account, held }) => [account, held]))
}

interface Grant {
  readonly organization: OrganizationId
  readonly account: string
  readonly scope: string
  readonly livemode: boolean
}

/** Throws a StoreError: `name_taken` where another organization has the account; `not_found`. The account is locked. */
export async function connectAccount(db: Db, grant: Grant, now: Date): Promise<AccountRow> {
  const { account } = grant
  const organization = toUuid(grant.organization)
  // Waits for a deletion that is under way, which disconnects all accounts.
  const { rowCount: live } = await db.query(
    'select from organizations where id = $1 and deleted_at is null for key share',
    [organization],
  )
  if (!live) throw new StoreError('not_found', 'there is no such organization')
  const before = await findConnected(db, account)
  if (before && before.organization_id !== organization) {
    throw new StoreError('name_taken', 'another organization has connected this account', {
      field: 'account',
    })
  }
  const { rows } = await db.query<AccountRow>(
    `insert into connected_accounts (organization_id, account, scope, livemode, connected_at)
     values ($1, $2, $3, $4, $5)
     on conflict (organization_id, account) do update
       set scope = excluded.scope, livemode = excluded.livemode, connected_at = excluded.connected_at, disconnected_at = null
     returning ${columns}`,
    [organization, account, grant.scope, grant.livemode, now],
  )
  return rows[0]!
}

/** Throws a StoreError `not_found`. The account is locked. @returns undefined as `ended`: it was disconnected before */
export async function disconnectAccount(
  db: Db,
  { organization, account }: Pick<Grant, 'organization' | 'account'>,
  now: Date,
): Promise<{ readonly row: AccountRow; readonly ended: boolean }> {
  const key = [toUuid(organization), account]
  const { rows: ended } = await db.query<AccountRow>(
    `update connected_accounts set disconnected_at = $3
     where organization_id = $1 and account = $2 and disconnected_at is null returning ${columns}`,
    [...key, now],
  )
  if (ended[0]) return { row: ended[0], ended: true }
  const { rows } = await db.query<AccountRow>(
    `select ${columns} from connected_accounts where organization_id = $1 and account = $2`,
    key,
  )
  if (!rows[0]) throw new StoreError('not_found', 'this organization has no such account')
  return { row: rows[0], ended: false }
}

/** How long an organization that lost an account may have Stripe told of it again, hours: the first time Stripe may have been away. */
const tellAgainHours = 1

/**
 * Whether the platform's access at Stripe is to be ended for an organization that has been disconnected: not where another one has the
 * account, or had it later. The account is locked. Under the platform's scope.
 */
export async function isToDeauthorize(
  db: Db,
  { organization, account }: Pick<Grant, 'organization' | 'account'>,
  now: Date,
): Promise<boolean> {
  const { rows } = await db.query<AccountRow>(
    `select ${columns} from connected_accounts where account = $1
     order by disconnected_at desc nulls first, connected_at desc limit 1`,
    [account],
  )
  const [last] = rows
  if (!last?.disconnected_at || last.organization_id !== toUuid(organization)) return false
  return now.getTime() - last.disconnected_at.getTime() < tellAgainHours * 3_600_000
}

/** Ends the connections of an organization that is deleted. */
export const disconnectAll = (db: Db, organization: OrganizationId, now: Date) =>
  db.query(
    `update connected_accounts set disconnected_at = $2 where organization_id = $1 and disconnected_at is null`,
    [toUuid(organization), now],
  )

export const accountMessage = (
  row: AccountRow,
  held = 0,
): MessageInitShape<typeof ConnectedAccountSchema> => ({
  account: row.account,
  scope: row.scope,
  livemode: row.livemode,
  connectedAt: timestampFromDate(row.connected_at),
  ...(row.disconnected_at && { disconnectedAt: timestampFromDate(row.disconnected_at) }),
  held,
})
