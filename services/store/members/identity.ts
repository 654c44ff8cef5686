import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Ties an identity to an address, once, and answers with the one that it is tied to. Throws a StoreError `not_found`. */
export async function tieIdentity(
  db: Db,
  { issuer, subject, email }: { issuer: string; subject: string; email: string | undefined },
): Promise<string> {
  if (email !== undefined) {
    await db.query(
      'insert into identities (issuer, subject, email) values ($1, $2, $3) on conflict do nothing',
      [issuer, subject, email],
    )
  }
  const { rows } = await db.query<{ email: string }>(
    'select email from identities where issuer = $1 and subject = $2',
    [issuer, subject],
  )
  if (!rows[0]) throw new StoreError('not_found', 'this identity stands for no address')
  return rows[0].email
}
