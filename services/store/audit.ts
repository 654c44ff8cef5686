import { randomUUID } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { ActorKind } from '@fairlead/wire/store/audit'
import type { Change } from '@fairlead/wire/store/change'
import type { Db } from './scope.ts'
import { StoreError } from './store-error.ts'

/** Everything that is written down, noun and past verb. `details` are facts without secrets. */
export interface AuditEntry {
  readonly action:
    | 'organization.created'
    | 'organization.applied'
    | 'organization.deactivated'
    | 'organization.deleted'
    | 'source.deleted'
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
    | 'api_key.created'
    | 'api_key.revoked'
  /** UUID of the organization whose log it stands in; default: the one that the call names. */
  readonly organization?: string
  /** The id of what it was done to. */
  readonly subjectId: string
  readonly details?: JsonObject
  /** Who did it, where the call names nobody. */
  readonly owner?: string | undefined
}

/** Postgres' words for kinds of actors. */
export const actorKinds = {
  member: ActorKind.MEMBER,
  api_key: ActorKind.API_KEY,
  owner: ActorKind.OWNER,
  system: ActorKind.SYSTEM,
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

/** Writes a change's entry, in its transaction. Throws a StoreError `invalid_field` for an actor that can't be one. */
export async function writeAudit(
  db: Db,
  organization: string | null,
  change: Change | undefined,
  entry: AuditEntry,
  nowMs: number,
): Promise<void> {
  const actor = actorOf(change, entry.owner)
  const keyName = actor.actorKind === 'api_key' && change?.actorName ? { keyName: change.actorName } : {}
  await insertAudit(
    db,
    {
      organization: entry.organization ?? organization,
      at: new Date(nowMs),
      ...actor,
      action: entry.action,
      subjectId: entry.subjectId,
      details: { ...keyName, ...entry.details },
    },
    change,
  )
}

/** Adds a row, and answers with it; with none if this request has written it already. */
export async function insertAudit<Row extends object>(
  db: Db,
  row: NewAuditRow,
  change?: Change,
): Promise<Row | undefined> {
  const { rows } = await db.query<Row>(
    `insert into audit_logs (organization_id, id, at, actor_kind, actor_id, action, subject_id, details,
       actor_name, via, address, agent, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
     on conflict do nothing returning *`,
    [
      row.organization,
      randomUUID(),
      row.at,
      row.actorKind,
      row.actorId.slice(0, 512),
      row.action,
      row.subjectId,
      row.details,
      plain(change?.actorName, 200),
      plain(change?.via, 30),
      plain(change?.address, 100),
      plain(change?.agent, 200),
      plain(change?.requestId, 100),
    ],
  )
  return rows[0]
}

/** Postgres takes no U+0000, and nobody reads more than this. */
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
