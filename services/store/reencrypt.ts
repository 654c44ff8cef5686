import { fromUuid } from '@fairlead/webhook/id'
import { type Keyring, sealContext } from '@fairlead/wire/seal'
import type { Pool } from 'pg'
import { type Db, inScope } from './scope.ts'

/**
 * Seals all secrets anew that were sealed with an older key, a few rows a transaction. Safe to stop and to repeat: rows
 * that are done stay done, and a secret that changes meanwhile is left as it is. When it has ended, and the store has published
 * what changed (within a minute), the older keys can go. Answers how many it sealed.
 *
 * Throws a WireError `seal_key_unknown` if a key that is still needed is gone.
 */
export async function reencrypt(pool: Pool, keyring: Keyring): Promise<number> {
  let sealed = 0
  for (const table of tables) sealed += await reencryptTable(pool, keyring, table)
  return sealed
}

const batchRows = 200

interface SealedTable {
  name: string
  /** The columns that name a row. */
  key: readonly string[]
  /** Rows with `owner`, the name of the source or destination that the secret belongs to. */
  from: string
  context(organization: string, owner: string): string
}

const tables: readonly SealedTable[] = [
  {
    name: 'source_secrets',
    key: ['organization_id', 'source_id', 'id'],
    from: `source_secrets t join sources o on o.organization_id = t.organization_id and o.id = t.source_id`,
    context: sealContext.sourceSecret,
  },
  {
    name: 'destination_headers',
    key: ['organization_id', 'destination_id', 'name'],
    from: `destination_headers t join destinations o on o.organization_id = t.organization_id and o.id = t.destination_id`,
    context: sealContext.destinationHeader,
  },
  {
    name: 'destination_auths',
    key: ['organization_id', 'destination_id', 'id'],
    from: `destination_auths t join destinations o on o.organization_id = t.organization_id and o.id = t.destination_id`,
    context: sealContext.destinationAuth,
  },
  {
    name: 'signing_secrets',
    key: ['organization_id', 'id'],
    from: `signing_secrets t cross join (select '' as name) o`,
    context: sealContext.signingSecret,
  },
  {
    name: 'ledger_hydration_keys',
    key: ['organization_id', 'id'],
    from: `ledger_hydration_keys t cross join (select '' as name) o`,
    context: sealContext.hydrationKey,
  },
  {
    name: 'idempotency_keys',
    key: ['id'],
    from: `idempotency_keys t cross join (select '' as name) o`,
    context: sealContext.idempotentAnswer,
  },
]

type SealedRow = Record<string, string> & { sealed: string; owner: string }

async function reencryptTable(pool: Pool, keyring: Keyring, table: SealedTable): Promise<number> {
  const key = table.key.map(column => `t.${column}`).join(', ')
  let last: string[] | undefined
  let sealed = 0
  for (;;) {
    const rows = await inScope(pool, 'platform', async db => {
      const after = last ? `where (${key}) > (${last.map((_, i) => `$${i + 1}`).join(', ')})` : ''
      const page = await db.query<SealedRow>(
        `select ${key}, t.organization_id, t.sealed, o.name as owner from ${table.from} ${after} order by ${key} limit ${batchRows}`,
        last ?? [],
      )
      // Another seal says the same: an applied digest stays, and no row of an organization is waited for.
      await db.query("set local fairlead.keeps_applied = 'on'")
      for (const row of page.rows) sealed += await reseal(db, keyring, table, row)
      return page.rows
    })
    const end = rows.at(-1)
    if (!end || rows.length < batchRows) return sealed
    last = table.key.map(column => end[column]!)
  }
}

/** Answers 1 if the row was sealed anew. */
async function reseal(db: Db, keyring: Keyring, table: SealedTable, row: SealedRow): Promise<number> {
  if (keyring.isCurrent(row.sealed)) return 0
  const context = table.context(row.organization_id ? fromUuid('org', row.organization_id) : '', row.owner)
  const sealed = keyring.seal(keyring.open(row.sealed, context), context)
  const where = table.key.map((column, i) => `${column} = $${i + 3}`).join(' and ')
  const { rowCount } = await db.query(`update ${table.name} set sealed = $1 where sealed = $2 and ${where}`, [
    sealed,
    row.sealed,
    ...table.key.map(column => row[column]),
  ])
  return rowCount ?? 0
}
