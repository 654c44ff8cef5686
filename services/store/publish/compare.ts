import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Pool } from 'pg'
import { inScope } from '../scope.ts'
import { type Bucket, publishedKeys, writtenSince } from './bucket.ts'

/**
 * Which organizations have to be compared with the configuration bucket: those whose rows or whose key are not those of the
 * last comparison. To compare one takes 0.4 ms of a processor.
 */
export interface Comparison {
  begin(bucket: Bucket): Promise<{
    readonly open: readonly OrganizationId[]
    /** Told how those of `open` stand once they are compared. */
    compared(done: readonly Put[]): void
  }>
}

/** An organization's key that is as its rows are. */
export interface Put {
  readonly organization: OrganizationId
  /** Whether it had to be written. */
  readonly written: boolean
  /** Of the key; undefined where it isn't known. */
  readonly revision: number | undefined
  /** That were written. */
  readonly bytes: number
}

interface Known {
  /** Of the rows, as they were before they were compared. */
  readonly version: string
  /** Of the key. */
  readonly revision: number
}

export function openComparison(pool: Pool): Comparison {
  const known = new Map<OrganizationId, Known>()
  let created = ''
  /** Keys that were written up to this revision are known, or were given to be compared. */
  let seen = 0

  /** Forgets what was written, or removed, by anyone since the last comparison. */
  async function forgetChanged(bucket: Bucket): Promise<ReadonlySet<OrganizationId>> {
    const { keys, created: now, last } = await publishedKeys(bucket)
    // Where much was written, to compare all is as cheap as to look at what was written, and then to compare it.
    if (now !== created || last < seen || last - seen > keys.size / 2) known.clear()
    created = now
    if (known.size === 0) {
      seen = last
      return keys
    }
    for (const [organization, { revision }] of known) {
      if (revision > 0 !== keys.has(organization)) known.delete(organization)
    }
    try {
      for await (const { organization, revision } of writtenSince(bucket, seen)) {
        if (known.get(organization)?.revision !== revision) known.delete(organization)
        seen = revision
      }
    } catch {
      // A user of NATS that may not ask so: all are compared, as before.
      known.clear()
      seen = last
    }
    return keys
  }

  return {
    async begin(bucket) {
      const keys = await forgetChanged(bucket)
      // After the keys: an organization that is made meanwhile is compared.
      const rows = await inScope(pool, 'platform', db => db.query<VersionRow>(selectVersions))
      const versions = new Map(rows.rows.map(row => [fromUuid('org', row.id), row]))
      for (const organization of known.keys()) if (!versions.has(organization)) known.delete(organization)
      const isOpen = (organization: OrganizationId, { moves, version }: VersionRow) =>
        moves || known.get(organization)?.version !== version
      const open = [...versions].filter(([organization, row]) => isOpen(organization, row)).map(([id]) => id)
      const strange = [...keys].filter(organization => !versions.has(organization))
      return {
        open: [...open, ...strange],
        compared(done) {
          for (const { organization, revision } of done) {
            const row = versions.get(organization)
            if (row && revision !== undefined) known.set(organization, { version: row.version, revision })
            else known.delete(organization)
          }
          const own = new Set(done.flatMap(({ written, revision }) => (written ? (revision ?? []) : [])))
          while (own.has(seen + 1)) seen += 1
        },
      }
    },
  }
}

interface VersionRow {
  readonly id: string
  /** What it is published with changes without its rows: by its usage, or by time. */
  readonly moves: boolean
  readonly version: string
}

/** Of the tables that a configuration is made of, beside `organizations`: see `config-of.ts`. */
const tables = [
  'sources',
  'source_secrets',
  'destinations',
  'destination_headers',
  'destination_auths',
  'destination_pauses',
  'routes',
  'signing_secrets',
  'ledger_hydration_keys',
]

/**
 * A version of each organization's rows. `xmin` is the transaction that wrote a row, so that each change of a row, a new
 * one and one that is gone give another sum: https://www.postgresql.org/docs/current/ddl-system-columns.html
 */
const selectVersions = `
  select o.id, o.webhook_limit is not null or o.deleted_at is not null as moves,
    md5(row(o.xmin, ${tables.map(table => `${table}.version`).join(', ')})::text) as version
  from organizations o
  ${tables
    .map(
      table => `left join (
        select organization_id, count(*) || ' ' || sum(hashint8extended(xmin::text::bigint, 0)) as version
        from ${table} group by organization_id
      ) ${table} on ${table}.organization_id = o.id`,
    )
    .join('\n')}
  order by o.id`
