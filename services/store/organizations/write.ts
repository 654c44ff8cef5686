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
  ledger_hydration_keys: { key: ['organization_id', 'id'], remove: 'delete' },
  api_keys: { key: ['sha256'], remove: 'revoked_at' },
} as const satisfies Record<string, { key: readonly string[]; remove: string | undefined }>

export type Table = keyof typeof tables

export type Change =
  /** Insert, or update the row with the same key. */
  | { kind: 'put'; table: Table; row: Row }
  /** Change the row with this id. */
  | { kind: 'set'; table: 'routes'; row: Row }
  /** Delete by id, or note that it is deleted or revoked where the log still names it. */
  | { kind: 'remove'; table: Exclude<Table, 'organizations'>; row: Row }

/**
 * Writes the changes of any number of organizations, in a statement for each table and kind of change: first what goes,
 * since a key that was made anew has the name of the one before, then what is put, a row before those that name it.
 */
export async function write(db: Db, changes: readonly Change[]): Promise<void> {
  const groups = Map.groupBy(changes, ({ kind, table, row }) => `${kind} ${table} ${Object.keys(row).join()}`)
  const ordered = [...groups.values()].sort((a, b) => place(a[0]!) - place(b[0]!))
  for (const group of ordered) {
    const [{ kind, table }] = group as [Change]
    const rows = group.map(({ row }) => row)
    switch (kind) {
      case 'put':
        await put(db, table, rows)
        break
      case 'set':
        await set(db, table, rows)
        break
      case 'remove':
        await remove(db, table, rows)
        break
      default:
        throw new TypeError(`unknown change ${kind satisfies never}`)
    }
  }
}

const tableNames = Object.keys(tables)

const place = ({ kind, table }: Change): number => (kind === 'remove' ? -1 : tableNames.indexOf(table))

async function put(db: Db, table: Table, rows: readonly Row[]): Promise<void> {
  const { key } = tables[table]
  const columns = Object.keys(rows[0]!)
  const changing = columns.filter(column => column !== 'id' && !(key as readonly string[]).includes(column))
  await db.query(
    `insert into ${table} (${columns.join(', ')})
     select ${columns.join(', ')} from jsonb_populate_recordset(null::${table}, $1::jsonb)
     on conflict (${key.join(', ')}) do update set ${changing.map(column => `${column} = excluded.${column}`).join(', ')}`,
    [jsonOf(rows)],
  )
}

async function set(db: Db, table: Table, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0]!).filter(column => column !== 'organization_id' && column !== 'id')
  await db.query(
    `update ${table} t set ${columns.map(column => `${column} = changed.${column}`).join(', ')}
     from jsonb_populate_recordset(null::${table}, $1::jsonb) changed
     where t.organization_id = changed.organization_id and t.id = changed.id`,
    [jsonOf(rows)],
  )
}

async function remove(db: Db, table: Table, rows: readonly Row[]): Promise<void> {
  const how = tables[table].remove
  const columns = Object.keys(rows[0]!)
  const gone = `jsonb_populate_recordset(null::${table}, $1::jsonb) gone`
  const where = columns.map(column => `t.${column} = gone.${column}`).join(' and ')
  await db.query(
    how === 'delete'
      ? `delete from ${table} t using ${gone} where ${where}`
      : `update ${table} t set ${how} = now() from ${gone} where ${where}`,
    [jsonOf(rows)],
  )
}

/** Bytes as Postgres reads them from a text: https://www.postgresql.org/docs/current/datatype-binary.html */
function jsonOf(rows: readonly Row[]): string {
  const values = rows.map(row =>
    Object.fromEntries(
      Object.entries(row).map(([column, value]) => [
        column,
        value instanceof Uint8Array ? `\\x${Buffer.from(value).toString('hex')}` : value,
      ]),
    ),
  )
  return JSON.stringify(values)
}
