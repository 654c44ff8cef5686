import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

export interface PasswordRow {
  readonly digest: string
  /** Postgres' bigint comes as text. */
  readonly version: string
}

export async function findPassword(db: Db, email: string): Promise<PasswordRow | undefined> {
  const { rows } = await db.query<PasswordRow>('select digest, version from passwords where email = $1', [
    email,
  ])
  return rows[0]
}

/**
 * Sets a password in one statement, so that of two changes of the same one a single one counts. Throws a StoreError
 * `precondition_failed`.
 *
 * @param expected version of the password that is there; 0: there is none
 * @param rehashed the same password in another form: its version stays
 */
export async function setPassword(
  db: Db,
  wanted: {
    readonly email: string
    readonly digest: string
    readonly expected: bigint
    readonly rehashed: boolean
  },
  now: Date,
): Promise<PasswordRow> {
  const { email, digest, expected, rehashed } = wanted
  const { rows } =
    expected === 0n
      ? await db.query<PasswordRow>(
          `insert into passwords (email, digest, created_at, changed_at) values ($1, $2, $3, $3)
           on conflict do nothing returning digest, version`,
          [email, digest, now],
        )
      : await db.query<PasswordRow>(
          `update passwords set digest = $2, version = version + $4, changed_at = $5
           where email = $1 and version = $3 returning digest, version`,
          [email, digest, expected, rehashed ? 0 : 1, now],
        )
  if (!rows[0]) throw new StoreError('precondition_failed', 'the password was changed meanwhile')
  return rows[0]
}

/**
 * Makes sure that an address is nobody's yet, until the transaction ends: of two registrations of one address the second sees what
 * the first made. Throws a StoreError `name_taken`.
 */
export async function lockNewAddress(db: Db, email: string): Promise<void> {
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
    JSON.stringify(['register', email]),
  ])
  const { rowCount } = await db.query(
    `select from members m join organizations o on o.id = m.organization_id
     where m.email = $1 and o.deleted_at is null limit 1`,
    [email],
  )
  if (rowCount) throw new StoreError('name_taken', 'this address has an account', { field: 'email' })
}

/** The password of an address that has just been proved takes the place of one that signs nobody in any more. */
export async function replacePassword(
  db: Db,
  { email, digest }: { readonly email: string; readonly digest: string },
  now: Date,
): Promise<PasswordRow> {
  const { rows } = await db.query<PasswordRow>(
    `insert into passwords (email, digest, created_at, changed_at) values ($1, $2, $3, $3)
     on conflict (email) do update
       set digest = excluded.digest, version = passwords.version + 1, changed_at = excluded.changed_at
     returning digest, version`,
    [email, digest, now],
  )
  return rows[0]!
}
