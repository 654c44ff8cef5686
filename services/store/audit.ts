import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { Change } from '@fairlead/wire/store/change'
import {
  type ChainEnd,
  type ChainedEntry,
  type ChainFault,
  chainDigest,
  chainStart,
  findChainFaults,
  findNotedFault,
  openChainWalk,
  type StoredEntry,
} from './audit-chain.ts'
import type { Db } from './scope.ts'
import { StoreError } from './store-error.ts'

/** The actions in the audit log, noun and past verb. `details` are facts without secrets. */
export interface AuditEntry {
  readonly action:
    | 'organization.applied'
    | 'organization.deactivated'
    | `${'source' | 'destination' | 'route' | 'organization'}.${'created' | 'changed' | 'deleted'}`
    | 'destination.tested'
    | 'event.retried'
    | 'dead_letter.retried'
    | 'dead_letter.discarded'
    | 'dead_letter.replayed'
    | 'dead_letter.all_discarded'
    | 'delivery.retimed'
    | 'delivery.cancelled'
    | 'replay.created'
    | 'replay.paused'
    | 'replay.resumed'
    | 'replay.cancelled'
    | 'destination.paused'
    | 'destination.resumed'
    | 'offered_secret.taken'
    | 'rejection.taken_in'
    | 'issue.reopened'
    | 'issue.acknowledged'
    | 'issue.resolved'
    | 'issue.ignored'
    | 'retry.created'
    | 'retry.paused'
    | 'retry.resumed'
    | 'retry.cancelled'
    | 'rejection.promoted'
    | 'notifications.changed'
    | 'api_key.created'
    | 'api_key.rotated'
    | 'member.invited'
    | 'member.joined'
    | 'member.role_changed'
    | 'member.removed'
    | 'invitation.revoked'
    | 'api_key.revoked'
    | 'passkey.added'
    | 'passkey.removed'
    | 'password.set'
    | 'password.changed'
    | 'connected_account.connected'
    | 'connected_account.disconnected'
    | 'ledger.rebuild_requested'
    | 'ledger.rebuilt'
    | 'ledger.rebuild_failed'
    | 'ledger.quarantine_retried'
    | 'ledger.rates_changed'
    | 'ledger.hydration_changed'
    | 'ledger.customer_redacted'
  /** UUID of the organization whose log holds the entry. Default: the organization that the call names. */
  readonly organization?: string
  /** The id of the resource that was changed. */
  readonly subjectId: string
  readonly details?: JsonObject
  /** The id of the member that the change made: the actor then. */
  readonly member?: string
  /** The actor where the call names none. */
  readonly owner?: string | undefined
}

/** Kinds of actors, as the rows name them. */
export const actorKinds = {
  member: ActorKind.MEMBER,
  api_key: ActorKind.API_KEY,
  owner: ActorKind.OWNER,
  system: ActorKind.SYSTEM,
  staff: ActorKind.STAFF,
} as const

/** A row of `audit_logs` to be. */
export interface NewAuditRow {
  readonly organization: string | null
  readonly at: Date
  readonly actorKind: keyof typeof actorKinds
  readonly actorId: string
  readonly action: string
  readonly subjectId: string
  readonly details: JsonObject
}

/** Writes a change's entry, in the change's transaction. Throws a StoreError `invalid_field` for an invalid actor. */
export async function writeAudit(
  db: Db,
  organization: string | null,
  change: Change | undefined,
  entry: AuditEntry,
  nowMs: number,
): Promise<void> {
  await insertAudit(db, rowOf(organization, change, entry, nowMs), change)
}

/** Writes the entries of many changes, of any organizations, in their transaction. The actor is each entry's owner, or the system. */
export async function writeAudits(db: Db, entries: readonly AuditEntry[], nowMs: number): Promise<void> {
  const rows = entries.map(entry => rowOf(null, undefined, entry, nowMs))
  await insertAudits(
    db,
    rows.map(row => ({ row, entry: chainedEntry(row) })),
  )
}

function rowOf(
  organization: string | null,
  change: Change | undefined,
  entry: AuditEntry,
  nowMs: number,
): NewAuditRow {
  const actor = entry.member
    ? ({ actorKind: 'member', actorId: entry.member } as const)
    : actorOf(change, entry.owner)
  const keyName = actor.actorKind === 'api_key' && change?.actorName ? { keyName: change.actorName } : {}
  return {
    organization: entry.organization ?? organization,
    at: new Date(nowMs),
    ...actor,
    action: entry.action,
    subjectId: entry.subjectId,
    details: { ...keyName, ...entry.details },
  }
}

/** Adds a row to its chain and returns it; undefined if this request has written it already. */
export async function insertAudit<Row extends object>(
  db: Db,
  row: NewAuditRow,
  change?: Change,
): Promise<Row | undefined> {
  const [written] = await insertAudits<Row>(db, [{ row, entry: chainedEntry(row, change) }])
  return written
}

function chainedEntry({ organization: _, ...row }: NewAuditRow, change?: Change): ChainedEntry {
  return {
    id: randomUUID(),
    at: row.at,
    actor_kind: row.actorKind,
    actor_id: row.actorId.slice(0, 512),
    actor_name: plain(change?.actorName, 200),
    action: row.action,
    subject_id: row.subjectId,
    details: JSON.parse(JSON.stringify(row.details)),
    via: plain(change?.via, 30),
    address: plain(change?.address, 100),
    agent: plain(change?.agent, 200),
    request_id: plain(change?.requestId, 100),
  }
}

/**
 * Appends each row to its organization's chain, in the order given. A row is dropped if its request has written it already,
 * so rows with a request id come singly: a row after a dropped one would continue from an entry that isn't there.
 */
async function insertAudits<Row extends object>(
  db: Db,
  added: readonly { readonly row: NewAuditRow; readonly entry: ChainedEntry }[],
): Promise<Row[]> {
  if (added.length === 0) return []
  const heads = await lockChains(
    db,
    added.map(({ row }) => row.organization),
  )
  const links = added.map(({ row: { organization }, entry }) => {
    const head = heads.get(organization) ?? { seq: 0, sha256: Buffer.from(chainStart) }
    const seq = head.seq + 1
    const sha256 = chainDigest(head.sha256, seq, entry)
    heads.set(organization, { seq, sha256 })
    return {
      organization_id: organization,
      seq,
      before_sha256: inJson(head.sha256),
      sha256: inJson(sha256),
      ...entry,
    }
  })
  const columns = Object.keys(links[0]!).join(', ')
  const { rows } = await db.query<Row & { organization_id: string | null }>(
    `insert into audit_logs (${columns})
     select ${columns} from jsonb_populate_recordset(null::audit_logs, $1::jsonb)
     on conflict do nothing returning *`,
    [JSON.stringify(links)],
  )
  const written = new Set(rows.map(row => row.organization_id))
  const moved = [...heads].filter(([organization]) => written.has(organization))
  if (moved.length === 0) return rows
  await db.query(
    `insert into audit_heads (organization_id, seq, sha256)
     select organization_id, seq, sha256 from jsonb_populate_recordset(null::audit_heads, $1::jsonb)
     on conflict (organization_id) do update set seq = excluded.seq, sha256 = excluded.sha256`,
    [
      JSON.stringify(
        moved.map(([organization_id, { seq, sha256 }]) => ({ organization_id, seq, sha256: inJson(sha256) })),
      ),
    ],
  )
  return rows
}

/** Bytes as Postgres reads them from a text. */
const inJson = (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString('hex')}`

/**
 * One transaction at a time appends to a chain, and no other work follows there: the holder of these locks waits for no other.
 * All who take several take them in one order. Locking the last row instead would let two that wait for it both append after it.
 */
async function lockChains(
  db: Db,
  organizations: readonly (string | null)[],
): Promise<Map<string | null, { seq: number; sha256: Buffer }>> {
  await db.query(
    'select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) as locks(name)',
    [organizations.map(organization => JSON.stringify(['audit', organization])).sort()],
  )
  const { rows } = await db.query<{ organization_id: string | null; seq: string; sha256: Buffer }>(
    `select organization_id, seq, sha256 from audit_heads
     where organization_id = any($1::uuid[]) or ($2 and organization_id is null)`,
    [organizations.filter(id => id !== null), organizations.includes(null)],
  )
  return new Map(
    rows.map(({ organization_id, seq, sha256 }) => [organization_id, { seq: Number(seq), sha256 }]),
  )
}

/**
 * Rows of one organization, or of the platform, as a condition on `organization_id` with its value in $1. Postgres looks up neither `is not distinct from` nor a null
 * by `=` in an index.
 */
export const isOf = (organization: string | null): string =>
  organization === null ? '(organization_id is null and $1::uuid is null)' : 'organization_id = $1'

async function readHead(db: Db, organization: string | null) {
  const { rows } = await db.query<{ seq: string; sha256: Buffer }>(
    `select seq, sha256 from audit_heads where ${isOf(organization)}`,
    [organization],
  )
  return rows[0] && { seq: Number(rows[0].seq), sha256: rows[0].sha256 }
}

/** Entries that are in memory at one time: each holds what was before and after a change, 50 KB and more. */
const pageSize = 200

/**
 * Reads a whole chain, page by page, and says whether each entry is as it was written, in its place. A chain with a fault is read once more, whole,
 * to name its faults: only whoever writes in the database can make one.
 *
 * @param noted an end that the chain had before; undefined: none was noted
 * @returns its length and its end, too
 */
export async function verifyAudit(
  db: Db,
  organization: string | null,
  noted?: ChainEnd,
): Promise<{ entries: number; faults: ChainFault[]; end: ChainEnd }> {
  const head = await readHead(db, organization)
  const walk = openChainWalk(noted)
  let last = 0
  for (let page = 1; page > 0 && walk.isIntact; ) {
    const { rows } = await db.query<StoredEntry & { seq: string }>(
      `select * from audit_logs where ${isOf(organization)} and seq > $2 order by seq limit ${pageSize}`,
      [organization, last],
    )
    for (const row of rows) walk.take({ ...row, seq: Number(row.seq) })
    page = rows.length
    last = Number(rows.at(-1)?.seq ?? last)
  }
  if (walk.endsIn(head)) {
    const fault = walk.notedFault(head)
    return { entries: last, faults: fault ? [fault] : [], end: head ?? { seq: 0, sha256: chainStart } }
  }
  return await nameFaults(db, organization, head, noted)
}

async function nameFaults(
  db: Db,
  organization: string | null,
  head: ChainEnd | undefined,
  noted: ChainEnd | undefined,
): Promise<{ entries: number; faults: ChainFault[]; end: ChainEnd }> {
  const { rows } = await db.query<StoredEntry & { seq: string }>(
    `select * from audit_logs where ${isOf(organization)} and seq is not null order by seq`,
    [organization],
  )
  const entries = rows.map(row => ({ ...row, seq: Number(row.seq) }))
  const faults = findChainFaults(entries, head)
  const other = noted && findNotedFault(entries, head, noted)
  const isKnown = faults.some(({ kind, seq }) => kind === other?.kind && seq === other.seq)
  return {
    entries: entries.length,
    faults: other && !isKnown ? [...faults, other] : faults,
    end: head ?? { seq: 0, sha256: chainStart },
  }
}

/** Cuts a text to a length that people read, and drops U+0000, which Postgres doesn't take. */
const plain = (text: string | undefined, maxLength: number) =>
  (text ?? '').replaceAll('\0', '').slice(0, maxLength)

function actorOf(change: Change | undefined, owner: string | undefined) {
  if (!change?.actorKind) {
    return owner === undefined
      ? ({ actorKind: 'system', actorId: 'store' } as const)
      : ({ actorKind: 'owner', actorId: owner } as const)
  }
  return { actorKind: actorKindOf(change.actorKind), actorId: change.actorId }
}

/** Throws a StoreError `invalid_field` for a kind that is not known. */
export function actorKindOf(kind: ActorKind): keyof typeof actorKinds {
  for (const word of Object.keys(actorKinds) as (keyof typeof actorKinds)[]) {
    if (actorKinds[word] === kind) return word
  }
  throw new StoreError('invalid_field', 'actor_kind: is missing', { field: 'actor_kind' })
}
