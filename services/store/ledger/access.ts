import { toUuid } from '@fairlead/webhook/id'
import type { GetLedgerAccessRequest } from '@fairlead/wire/store/ledger'
import { requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

interface AccessRow {
  readonly provider: string
  readonly account: string
  readonly mode: string
  readonly grants: { [name: string]: never }[] | null
}

/** A customer's grants, read by key: whether each holds is decided by whoever asks. Throws a StoreError `not_found`. */
export async function readAccess(
  db: Db,
  { organizationId, customer, provider, account }: GetLedgerAccessRequest,
) {
  const { rows } = await db.query<AccessRow>(
    `select c.provider, c.account, c.mode, a.grants from ledger_customers c
     left join ledger_access a on a.organization_id = c.organization_id and a.customer = c.id and a.provider = c.provider
       and a.account = c.account and a.mode = c.mode
     where c.organization_id = $1 and c.id = $2 and ($3 = '' or c.provider = $3) and ($4::text is null or c.account = $4)
     order by c.provider, c.account, c.mode limit 1`,
    [toUuid(requireId('org', organizationId, 'organization_id')), customer, provider, account ?? null],
  )
  const [row] = rows
  if (!row) throw new StoreError('not_found', 'the ledger has no such customer')
  return { provider: row.provider, account: row.account, mode: row.mode, grants: row.grants ?? [] }
}
