import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { PasskeySchema } from '@fairlead/wire/store/passkey'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Passkeys of one address, at most. */
const mostOfOne = 10

export interface PasskeyRow {
  readonly credential_id: Buffer
  readonly email: string
  readonly user_handle: Buffer
  readonly name: string
  readonly public_key: Buffer
  /** Postgres' bigint comes as text. */
  readonly counter: string
  readonly transports: string[]
  readonly created_at: Date
  readonly last_used_at: Date | null
}

export type NewPasskey = Omit<PasskeyRow, 'counter' | 'created_at' | 'last_used_at'> & {
  readonly counter: number
}

export async function listPasskeys(db: Db, email: string): Promise<PasskeyRow[]> {
  const { rows } = await db.query<PasskeyRow>(
    'select * from passkeys where email = $1 order by created_at, credential_id',
    [email],
  )
  return rows
}

/** Throws a StoreError `not_found`. */
export async function getPasskey(db: Db, credentialId: Uint8Array): Promise<PasskeyRow> {
  const { rows } = await db.query<PasskeyRow>('select * from passkeys where credential_id = $1', [
    Buffer.from(credentialId),
  ])
  return found(rows)
}

/** Throws a StoreError `name_taken` for a credential that is there, `limit_reached` where the address has ten. */
export async function addPasskey(db: Db, passkey: NewPasskey, now: Date): Promise<PasskeyRow> {
  if ((await listPasskeys(db, passkey.email)).length >= mostOfOne) {
    throw new StoreError('limit_reached', `an address has at most ${mostOfOne} passkeys`)
  }
  const { rows } = await db.query<PasskeyRow>(
    `insert into passkeys (credential_id, email, user_handle, name, public_key, counter, transports, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning *`,
    [
      passkey.credential_id,
      passkey.email,
      passkey.user_handle,
      passkey.name,
      passkey.public_key,
      passkey.counter,
      passkey.transports,
      now,
    ],
  )
  if (!rows[0]) throw new StoreError('name_taken', 'this credential is a passkey already')
  return rows[0]
}

/**
 * Notes a use in one statement, so that of two answers with the same counter one counts. Throws a StoreError `not_found`. Counters
 * that stay at 0 are of authenticators that don't count (https://www.w3.org/TR/webauthn-3/#sctn-sign-counter).
 */
export async function usePasskey(
  db: Db,
  credentialId: Uint8Array,
  counter: number,
  now: Date,
): Promise<PasskeyRow> {
  const { rows } = await db.query<PasskeyRow>(
    `update passkeys set counter = $2, last_used_at = $3
     where credential_id = $1 and (counter < $2 or (counter = 0 and $2 = 0)) returning *`,
    [Buffer.from(credentialId), counter, now],
  )
  return found(rows)
}

/** @param credentialId empty: all. Throws a StoreError `not_found`. */
export async function removePasskeys(db: Db, email: string, credentialId: Uint8Array): Promise<PasskeyRow[]> {
  const { rows } = await db.query<PasskeyRow>(
    'delete from passkeys where email = $1 and ($2::bytea is null or credential_id = $2) returning *',
    [email, credentialId.length === 0 ? null : Buffer.from(credentialId)],
  )
  found(rows)
  return rows
}

function found(rows: readonly PasskeyRow[]): PasskeyRow {
  if (!rows[0]) throw new StoreError('not_found', 'there is no such passkey')
  return rows[0]
}

export const passkeyMessage = (row: PasskeyRow): MessageInitShape<typeof PasskeySchema> => ({
  credentialId: row.credential_id,
  email: row.email,
  userHandle: row.user_handle,
  name: row.name,
  publicKey: row.public_key,
  counter: Number(row.counter),
  transports: row.transports,
  createdAt: timestampFromDate(row.created_at),
  ...(row.last_used_at && { lastUsedAt: timestampFromDate(row.last_used_at) }),
})
