import type { Db } from '../scope.ts'

/** Columns and values. Column names come from our code, never from a request. */
export type Row = Record<string, unknown>

const tables = {
  organizations: { key: ['id'], remove: undefined },
  members: { key: ['organization_id', 'email'], remove: 'delete' },
  sources: { key: ['organization_id', 'name'], remove: 'deleted_at' },
  source_secrets: { key: ['organization_id', 'source_id', 'id'], remove: 'delete' },
  destinations: { key: ['organization_id', 'name'], remove: 'deleted_at' },
  destination_headers: { key: ['organization_id', 'destination_id', 'name'], remove: 'delete' },
  destination_auths: { key: ['organization_id', 'destination_id', 'id'], remove: 'delete' },
  routes: { key: ['organization_id', 'source', 'event_types', 'destinations'], remove: 'delete' },
  signing_secrets: { key: ['organization_id', 'id'], remove: 'delete' },
  api_keys: { key: ['sha256'], remove: 'revoked_at' },
} as const satisfies Record<string, { key: readonly string[]; remove: string | undefined }>

export type Table = keyof typeof tables

export type Change =
  /** Insert, or update the row with the same key. */
  | { kind: 'put'; table: Table; row: Row }
  /** Delete by id, or note that it is deleted or revoked where the log still names it. */
  | { kind: 'remove'; table: Exclude<Table, 'organizations'>; row: Row }

/** Writes changes in their order. */
export async function write(db: Db, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.kind === 'put') await put(db, change.table, change.row)
    else await remove(db, change.table, change.row)
  }
}

async function put(db: Db, table: Table, row: Row): Promise<void> {
  const { key } = tables[table]
  const columns = Object.keys(row)
  const changing = columns.filter(column => column !== 'id' && !(key as readonly string[]).includes(column))
  await db.query(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, i) => `$${i + 1}`).join(', ')})
     on conflict (${key.join(', ')}) do update set ${changing.map(column => `${column} = excluded.${column}`).join(', ')}`,
    Object.values(row),
  )
}

async function remove(db: Db, table: Exclude<Table, 'organizations'>, row: Row): Promise<void> {
  const how = tables[table].remove
  const columns = Object.keys(row)
  const where = columns.map((column, i) => `${column} = $${i + 1}`).join(' and ')
  await db.query(
    how === 'delete'
      ? `delete from ${table} where ${where}`
      : `update ${table} set ${how} = now() where ${where}`,
    columns.map(column => row[column]),
  )
}
