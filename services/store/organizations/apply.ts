import { randomBytes } from 'node:crypto'
import type { JsonObject } from '@bufbuild/protobuf'
import { fromUuid, newId, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Keyring } from '@fairlead/wire/seal'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { appliedChanges } from './applied-changes.ts'
import type { DesiredOrganization } from './desired.ts'
import { diff } from './diff.ts'
import { digestOf } from './digest.ts'
import { findTargets, lockTargets } from './find-targets.ts'
import { readOrganizations, type StoredOrganization } from './read.ts'
import { type OrganizationInForce, readInForce, readUnchanged } from './read-unchanged.ts'
import { findReturning, isDeleted } from './returning.ts'
import type { OrganizationRow } from './rows.ts'
import { refusalOfVast } from './vast.ts'
import { type Change, write } from './write.ts'

export interface Applied {
  organization: OrganizationInForce
  created: boolean
  changed: boolean
  /** Facts of what was changed, for the audit log; empty where all is new, or nothing changed. */
  told: JsonObject
}

/** What is to be applied. */
export interface Wanted {
  readonly desired: DesiredOrganization
  /** Names all that it was made from; empty: nothing to remember. */
  readonly fingerprint: string
  /** On the wire. */
  readonly bytes: number
}

/** What became of one organization: StoreErrors are `slug_taken`, `owned_by_another` and, of one that is too large, `invalid_field`. */
export type ApplyResult =
  | { readonly kind: 'applied'; readonly applied: Applied }
  | { readonly kind: 'refused'; readonly error: StoreError }

export interface ApplyContext {
  readonly keyring: Keyring
  readonly nowMs: number
}

/** As `applyOrganizations`, for one. Throws a StoreError `slug_taken`, `owned_by_another` or `invalid_field`. */
export async function applyOrganization(
  db: Db,
  desired: DesiredOrganization,
  context: ApplyContext,
  { fingerprint, bytes }: Omit<Wanted, 'desired'> = { fingerprint: '', bytes: 0 },
): Promise<Applied> {
  const [result] = await applyOrganizations(db, [{ desired, fingerprint, bytes }], context)
  if (result!.kind === 'refused') throw result!.error
  return result!.applied
}

/** One that has to be compared. */
interface Compared {
  readonly index: number
  readonly wanted: Wanted
  readonly digest: Buffer
  readonly found: OrganizationRow | undefined
  readonly id: OrganizationId
}

/** One whose changes are known. */
interface Decided extends Compared {
  readonly stored: StoredOrganization | undefined
  readonly changes: readonly Change[]
}

/**
 * Brings organizations to their desired state, in a transaction under the platform's scope (a slug may be anyone's):
 *
 *   unchanged? ─▶ lock slugs and owners ─▶ whose are they? ─▶ read ─▶ diff (pure) ─▶ write ─▶ note digests ─▶ read again
 *
 * A desired state that was applied before and has not changed since needs the first statement alone (docs/adr/0035). The
 * number of statements does not depend on how many organizations there are (docs/adr/0037).
 *
 * @param wanted no owner twice
 */
export async function applyOrganizations(
  db: Db,
  wanted: readonly Wanted[],
  context: ApplyContext,
): Promise<ApplyResult[]> {
  const { keyring } = context
  const digests = wanted.map(({ desired }) => digestOf(desired, keyring))
  const results = new Map<number, ApplyResult>()
  const unchanged = await readUnchanged(
    db,
    wanted.map(({ desired: { slug, owner } }, index) => ({ slug, owner, digest: digests[index]! })),
  )
  for (const [index, organization] of unchanged) {
    results.set(index, {
      kind: 'applied',
      applied: { organization, created: false, changed: false, told: {} },
    })
  }
  await noteFingerprints(
    db,
    [...unchanged].map(([index, { id }]) => ({ id, fingerprint: keyed(wanted[index]!, keyring) })),
  )

  const open = wanted.flatMap((one, index) => (unchanged.has(index) ? [] : [{ index, one }]))
  if (open.length > 0) {
    const compared = await compare(db, open, digests, results, context)
    const decided = await decide(db, compared, results, context)
    const applied = await applyDecided(db, decided, context)
    for (const [index, result] of applied) results.set(index, { kind: 'applied', applied: result })
  }
  return wanted.map((_, index) => results.get(index)!)
}

/** Finds the row of each organization, and refuses those whose slug or owner is another's. */
async function compare(
  db: Db,
  open: readonly { readonly index: number; readonly one: Wanted }[],
  digests: readonly Buffer[],
  results: Map<number, ApplyResult>,
  { nowMs }: ApplyContext,
): Promise<Compared[]> {
  const desired = open.map(({ one }) => one.desired)
  await lockTargets(db, desired)
  const targets = await findTargets(db, desired)
  const returning = await findReturning(
    db,
    desired.filter((_, place) => targets[place] === undefined),
  )
  return open.flatMap(({ index, one }, place): Compared[] => {
    const target = targets[place]
    if (target instanceof StoreError) {
      results.set(index, { kind: 'refused', error: target })
      return []
    }
    const found = target ?? returning.get(one.desired.slug)
    const id = found ? fromUuid('org', found.id) : newId('org', nowMs)
    return [{ index, wanted: one, digest: digests[index]!, found, id }]
  })
}

/** Decides what each changes, and refuses those that are larger than they may be. */
async function decide(
  db: Db,
  compared: readonly Compared[],
  results: Map<number, ApplyResult>,
  { keyring, nowMs }: ApplyContext,
): Promise<Decided[]> {
  const known = compared.flatMap(({ found, id }) => (found ? [id] : []))
  const rows = known.length > 0 ? await readOrganizations(db, known, { deleted: true }) : []
  const byId = new Map(rows.map(row => [row.id, row]))
  return compared.flatMap((one): Decided[] => {
    const { index, id, wanted } = one
    const organizationId = toUuid(id)
    const stored = byId.get(organizationId)
    const changes = diff(stored, wanted.desired, { organizationId, keyring, nowMs, makeSigningSecret })
    const error = refusalOfVast(wanted, stored, changes)
    if (!error) return [{ ...one, stored, changes }]
    results.set(index, { kind: 'refused', error })
    return []
  })
}

async function applyDecided(
  db: Db,
  decided: readonly Decided[],
  { keyring }: ApplyContext,
): Promise<Map<number, Applied>> {
  if (decided.length === 0) return new Map()
  await db.query("set local fairlead.keeps_applied = 'on'")
  // A statement of its own: one that also notes the digest would lose it.
  const back = decided.filter(({ found }) => isDeleted(found)).map(({ id }) => toUuid(id))
  if (back.length > 0)
    await db.query('update organizations set deleted_at = null where id = any($1::uuid[])', [back])
  await write(
    db,
    decided.flatMap(({ changes }) => changes),
  )
  await noteDigests(db, decided, keyring)
  const inForce = await readInForce(
    db,
    decided.map(({ id }) => id),
  )
  const changedIds = decided.flatMap(one => (one.found && isChanged(one) ? [one.id] : []))
  const after = new Map(
    (changedIds.length > 0 ? await readOrganizations(db, changedIds) : []).map(row => [row.id, row]),
  )
  return new Map(
    decided.map(one => {
      const [before, row] = [one.stored, after.get(toUuid(one.id))]
      return [
        one.index,
        {
          organization: inForce.get(one.id)!,
          created: !one.found,
          changed: isChanged(one),
          told: before && row ? appliedChanges(before, row, keyring) : {},
        },
      ]
    }),
  )
}

const isChanged = ({ changes, found }: Decided): boolean => changes.length > 0 || isDeleted(found)

async function noteDigests(db: Db, decided: readonly Decided[], keyring: Keyring): Promise<void> {
  await db.query(
    `update organizations o set
       updated_at = case when w.touched then now() else o.updated_at end,
       applied_digest = case when o.changes_by_others = w.seen then w.digest end,
       applied_fingerprint = case when o.changes_by_others = w.seen then w.fingerprint end
     from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::bytea[], $5::bytea[])
       as w(id, touched, seen, digest, fingerprint)
     where o.id = w.id`,
    [
      decided.map(({ id }) => toUuid(id)),
      decided.map(one => isChanged(one) && one.found !== undefined),
      decided.map(({ found }) => found?.changes_by_others ?? '0'),
      decided.map(({ digest }) => digest),
      decided.map(({ wanted }) => keyed(wanted, keyring)),
    ],
  )
}

/** What is in force by its digest, and was made from other things than before: from a file that says the same in other words. */
async function noteFingerprints(
  db: Db,
  unchanged: readonly { readonly id: string; readonly fingerprint: Buffer | null }[],
): Promise<void> {
  const told = unchanged.filter(({ fingerprint }) => fingerprint !== null)
  if (told.length === 0) return
  await db.query(
    `update organizations o set applied_fingerprint = w.fingerprint
     from unnest($1::uuid[], $2::bytea[]) as w(id, fingerprint)
     where o.id = w.id and o.applied_fingerprint is distinct from w.fingerprint`,
    [told.map(({ id }) => id), told.map(({ fingerprint }) => fingerprint)],
  )
}

const keyed = ({ fingerprint }: Wanted, keyring: Keyring): Buffer | null =>
  fingerprint === '' ? null : keyring.digest(fingerprint)

/** As Standard Webhooks writes it: 32 random bytes. */
function makeSigningSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}
