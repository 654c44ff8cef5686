import type { JsonObject } from '@bufbuild/protobuf'
import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Precondition } from '@fairlead/wire/store/change'
import type { PartContext } from '../organizations/diff.ts'
import { fieldChanges } from '../organizations/messages.ts'
import { readOrganization, type StoredOrganization } from '../organizations/read.ts'
import type { ManagedBy, RouteRow } from '../organizations/rows.ts'
import { type Change, write as writeRows } from '../organizations/write.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import type { Calls } from './calls.ts'
import {
  findNamed,
  requireNames,
  requirePrecondition,
  requireRoom,
  requireSameName,
  requireTenants,
  requireThere,
  requireUnnamed,
  settingEntry,
} from './settings.ts'

/** Sources and destinations are written in the same steps: these are where they differ. */
export interface NamedSetting<
  Row extends StoredRow,
  Desired extends { readonly name: string },
  Wanted,
  Shown,
> {
  readonly noun: 'source' | 'destination'
  readonly prefix: 'src' | 'dst'
  /** Those that were deleted as well. */
  readonly rowsOf: (organization: StoredOrganization) => readonly Row[]
  /** How many aren't deleted, of both modes. */
  readonly count: (db: Db, organization: StoredOrganization) => Promise<number>
  /** What is asked for, with the secrets that stay as they are stored. Throws a StoreError `invalid_field`. */
  readonly check: (desired: Desired, stored: Row | undefined) => Wanted
  readonly changesTo: (
    old: Row | undefined,
    wanted: Wanted,
    managedBy: 'tenant',
    context: PartContext,
  ) => readonly Change[]
  readonly removalOf: (row: Row, organizationId: string) => readonly Change[]
  /** In the words of a declaration. */
  readonly declared: (row: Row, fingerprints: boolean) => JsonObject
  readonly show: (db: Db, organization: OrganizationId, row: Row) => Promise<Shown>
  readonly isNamedBy: (route: RouteRow, name: string) => boolean
}

interface StoredRow {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly managed_by: ManagedBy
  readonly deleted_at: Date | null
}

/** Within `changeSetting`: makes the setting that has this name or id what is desired, or creates it. */
export async function putNamed<
  Row extends StoredRow,
  Desired extends { readonly name: string },
  Wanted,
  Shown,
>(
  calls: Calls,
  db: Db,
  organization: StoredOrganization,
  kind: NamedSetting<Row, Desired, Wanted, Shown>,
  named: string,
  {
    desired,
    precondition,
  }: { readonly desired?: Desired | undefined; readonly precondition?: Precondition | undefined },
) {
  if (!desired) throw new StoreError('invalid_field', 'desired: is missing', { field: 'desired' })
  const rows = kind.rowsOf(organization)
  const old = findNamed(rows, kind.prefix, named)
  const live = old?.deleted_at ? undefined : old
  requireSameName(named, live, desired.name)
  requirePrecondition(precondition, kind.prefix, live)
  requireTenants(live)
  const wanted = kind.check(desired, live)
  if (!live) requireRoom(await kind.count(db, organization), `${kind.noun}s`)
  if (!rows.some(({ name }) => name === desired.name)) requireNames(rows.length, `${kind.noun}s`)
  const context = { organizationId: organization.id, keyring: calls.keyring, nowMs: calls.now() }
  await writeRows(db, kind.changesTo(old, wanted, 'tenant', context))
  const id = fromUuid('org', organization.id)
  const stored = kind.rowsOf((await readOrganization(db, id))!).find(({ name }) => name === desired.name)!
  const before = live && kind.declared(live, true)
  const after = kind.declared(stored, true)
  const subjectId = fromUuid(kind.prefix, stored.id)
  return {
    shown: await kind.show(db, id, stored),
    created: !live,
    changes: fieldChanges(before, after),
    entry: settingEntry(kind.noun, subjectId, { [kind.noun]: stored.name }, before, after),
  }
}

/** Within `changeSetting`: deletes the setting that has this name or id, unless a route names it. */
export async function removeNamed<
  Row extends StoredRow,
  Desired extends { readonly name: string },
  Wanted,
  Shown,
>(
  db: Db,
  organization: StoredOrganization,
  kind: NamedSetting<Row, Desired, Wanted, Shown>,
  named: string,
  precondition: Precondition | undefined,
) {
  const row = requireThere(kind.rowsOf(organization), kind.prefix, named)
  requirePrecondition(precondition, kind.prefix, row)
  requireTenants(row)
  const naming = organization.routes.filter(route => kind.isNamedBy(route, row.name))
  requireUnnamed(kind.noun, row.name, naming)
  await writeRows(db, kind.removalOf(row, organization.id))
  const before = kind.declared(row, true)
  const subjectId = fromUuid(kind.prefix, row.id)
  return {
    removed: row,
    answer: { changes: fieldChanges(before, undefined) },
    entry: settingEntry(kind.noun, subjectId, { [kind.noun]: row.name }, before, undefined),
  }
}
