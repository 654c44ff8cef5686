import { createHash } from 'node:crypto'
import type { ObjectKey } from '@fairlead/ledger/facts'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Db } from '../scope.ts'

/**
 * A place of the ledger: one provider's account of one organization in one mode. Objects of two places never meet: neither their ids
 * nor their links count in another.
 */
export interface Place {
  readonly organization: OrganizationId
  readonly provider: ObjectKey['provider']
  readonly account: string
  readonly mode: ObjectKey['mode']
}

/** An object of a place. */
export type InPlace = Pick<ObjectKey, 'kind' | 'objectId'>

export const placeText = ({ provider, account, mode }: Omit<Place, 'organization'>): string =>
  JSON.stringify([provider, account, mode])

/** The columns that each row of a place has. */
export const placeColumns = ({ organization, provider, account, mode }: Place) => ({
  organization_id: toUuid(organization),
  provider,
  account,
  mode,
})

/** The parameters of `inPlace`. */
export const placeValues = ({ organization, provider, account, mode }: Place): unknown[] => [
  toUuid(organization),
  provider,
  account,
  mode,
]

/** A condition on a table's rows, of four parameters. @param from the number of the first */
export const inPlace = (table = '', from = 1): string => {
  const of = table && `${table}.`
  const columns = ['organization_id', 'provider', 'account', 'mode']
  return columns.map((column, index) => `${of}${column} = $${from + index}`).join(' and ')
}

/**
 * Locks places until the transaction ends, before anything of them is read: whoever holds the lock sees every fact that was committed
 * before, so that the last of several writers computes its rows from all facts. Sorted, so that two writers never wait for each other.
 */
export async function lockPlaces(db: Db, places: readonly Place[]): Promise<void> {
  await db.query('select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key', [keysOf(places)])
}

/** The same; answers whether the organization is there, and not deleted. */
export async function lockPlacesOf(
  db: Db,
  organization: OrganizationId,
  places: readonly Place[],
): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>(
    `select exists (select from organizations where id = $2 and deleted_at is null) as there, (
       select count(pg_advisory_xact_lock(key)) from unnest($1::bigint[]) as key)`,
    [keysOf(places), toUuid(organization)],
  )
  return rows[0]!.there
}

const keysOf = (places: readonly Place[]): string[] =>
  [...new Set(places.map(lockKey))].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)).map(String)

/**
 * Locks a place until the transaction ends, in its turn after those that wait for it: facts that come without a break leave no moment in
 * which it is free. Rejects with Postgres' `55P03` where the turn doesn't come in time.
 */
export async function lockPlaceWithin(db: Db, place: Place, waitMs: number): Promise<void> {
  await db.query(`set local lock_timeout = ${Math.round(waitMs)}`)
  await lockPlaces(db, [place])
}

/** A lock did not come in time. */
export const isLockedOut = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === '55P03'

function lockKey(place: Place): bigint {
  const digest = createHash('sha256')
    .update(`fairlead.ledger\n${place.organization}\n${placeText(place)}`)
    .digest()
  return digest.readBigInt64BE()
}
