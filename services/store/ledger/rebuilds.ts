import { create, toJson } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { fromUuid, newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { type Change, ChangeSchema } from '@fairlead/wire/store/change'
import { type LedgerRebuild, LedgerRebuildSchema } from '@fairlead/wire/store/ledger'
import { at } from '../organizations/messages.ts'
import { decodeCursor, page, pageSize } from '../page.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'

/** Rebuilds as rows: what was asked for, and how far it is. `run-rebuilds.ts` carries them out. */

export interface RebuildRow {
  readonly organization_id: string
  readonly id: string
  readonly mode: Mode | null
  readonly state: 'pending' | 'running' | 'completed' | 'failed'
  readonly objects: string
  readonly of: string
  readonly change: unknown
  readonly created_by: string
  readonly created_at: Date
  readonly started_at: Date | null
  readonly ended_at: Date | null
  readonly tries: number
  readonly fault: string | null
}

/** A rebuild that has not ended yet, of the same mode; else a new one. The caller holds the organization's lock. */
export async function askRebuild(
  db: Db,
  organization: OrganizationId,
  { mode, change, nowMs }: { mode: Mode | undefined; change: Change | undefined; nowMs: number },
): Promise<RebuildRow> {
  const { rows: open } = await db.query<RebuildRow>(
    `select * from ledger_rebuilds where organization_id = $1 and mode is not distinct from $2 and ended_at is null
     order by created_at limit 1`,
    [toUuid(organization), mode ?? null],
  )
  if (open[0]) return open[0]
  const { rows } = await db.query<RebuildRow>(
    `insert into ledger_rebuilds (organization_id, id, mode, of, change, created_by, created_at)
     select $1, $2, $3, count(*), $4, $5, $6 from ledger_objects where organization_id = $1
     returning *`,
    [
      toUuid(organization),
      toUuid(newId('rbd', nowMs)),
      mode ?? null,
      change ? JSON.stringify(toJson(ChangeSchema, change)) : null,
      (change?.actorName || change?.actorId) ?? '',
      new Date(nowMs),
    ],
  )
  return rows[0]!
}

/**
 * Throws a StoreError `not_found`.
 * @param id a UUID
 * @param mode of the data that the caller sees; undefined: both
 */
export async function readRebuild(
  db: Db,
  organization: OrganizationId,
  id: string,
  mode: Mode | undefined,
): Promise<RebuildRow> {
  const { rows } = await db.query<RebuildRow>(
    'select * from ledger_rebuilds where organization_id = $1 and id = $2 and ($3::text is null or mode = $3)',
    [toUuid(organization), id, mode ?? null],
  )
  if (rows[0]) return rows[0]
  throw new StoreError('not_found', 'there is no such rebuild')
}

export async function listRebuilds(
  db: Db,
  organization: OrganizationId,
  { cursor, limit: asked }: { readonly cursor: string; readonly limit: number },
  mode: Mode | undefined,
) {
  const limit = pageSize(asked, 50, 500)
  const [time = null, id = null] = decodeCursor(cursor, 'time', 'uuid')
  const { rows: found } = await db.query<RebuildRow>(
    `select *, date_trunc('milliseconds', created_at) as created_at from ledger_rebuilds
     where organization_id = $1 and ($5::text is null or mode = $5)
       and ($2::timestamptz is null or (date_trunc('milliseconds', created_at), id) < ($2, $3::uuid))
     order by date_trunc('milliseconds', created_at) desc, id desc limit $4`,
    [toUuid(organization), time, id, limit + 1, mode ?? null],
  )
  const { rows, next } = page(found, limit, row => [row.created_at, row.id])
  return { rebuilds: rows.map(rebuildMessage), next }
}

export function rebuildMessage(row: RebuildRow): LedgerRebuild {
  return create(LedgerRebuildSchema, {
    id: fromUuid('rbd', row.id),
    state: row.state,
    mode: row.mode ?? '',
    objects: BigInt(row.objects),
    of: BigInt(row.of),
    createdBy: row.created_by,
    createdAt: timestampFromDate(row.created_at),
    ...at('startedAt', row.started_at),
    ...at('endedAt', row.ended_at),
    fault: row.fault ?? '',
  })
}
