import { createSecureContext } from 'node:tls'
import type { DescMessage, JsonObject, MessageInitShape } from '@bufbuild/protobuf'
import type { HandlerContext } from '@connectrpc/connect'
import { fromUuid, type IdPrefix, type OrganizationId, parseId, toUuid } from '@fairlead/webhook/id'
import { openScheme } from '@fairlead/webhook/open'
import { SchemeError } from '@fairlead/webhook/verify/scheme-error'
import { decodeDestinationAuth } from '@fairlead/wire/destination-auth'
import type { Change, Precondition } from '@fairlead/wire/store/change'
import type { AuditEntry } from '../audit.ts'
import { changedFields } from '../organizations/declared.ts'
import type { DesiredSource } from '../organizations/desired.ts'
import { etagOf } from '../organizations/messages.ts'
import { readOrganization, type StoredOrganization } from '../organizations/read.ts'
import type { ManagedBy, RouteRow } from '../organizations/rows.ts'
import { requireId } from '../parse-request.ts'
import { mostConfigBytes, mostStars, starsOf } from '../publish/bounds.ts'
import { configText } from '../publish/config-of.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, publishChange } from './calls.ts'
import { type Written, write } from './write.ts'

/**
 * What writes of single settings have in common. They meet an owner's apply on one path: the same messages, the same check,
 * the same decision (`organizations/diff.ts`), the same rows, one at a time.
 *
 *   lock the organization ─▶ read ─▶ find ─▶ precondition ─▶ whose is it? ─▶ check ─▶ diff ─▶ write ─▶ read again
 */

export interface SettingRequest {
  readonly organizationId: string
  readonly precondition?: Precondition | undefined
  readonly dryRun: boolean
  readonly change?: Change | undefined
}

/** As many of each kind as a resource may declare. */
const mostOfAKind = 100
/** Names of each kind, deleted ones too. */
const mostNames = 1_000

/** Changes a setting in one transaction, and publishes the organization after it. */
export async function changeSetting<Answer extends DescMessage>(
  calls: Calls,
  context: HandlerContext,
  request: SettingRequest,
  schema: Answer,
  work: (db: Db, organization: StoredOrganization) => Promise<Written<Answer>>,
): Promise<MessageInitShape<Answer>> {
  const id = requireId('org', request.organizationId, 'organization_id')
  const answer = await write(calls, context, request, schema, async db => {
    await lockOrganization(db, id)
    const organization = await readOrganization(db, id, { deleted: true })
    if (!organization || organization.deleted_at)
      throw new StoreError('not_found', 'there is no such organization')
    const written = await work(db, organization)
    await requireFits(db, id, organization, calls.now())
    return written
  })
  if (!request.dryRun) await publishChange(calls, id)
  return answer
}

/** Throws a StoreError `limit_reached` where an organization's configuration grew beyond its bound. */
async function requireFits(
  db: Db,
  id: OrganizationId,
  before: StoredOrganization,
  nowMs: number,
): Promise<void> {
  const after = await readOrganization(db, id)
  if (!after) return
  if (grewBeyond(mostConfigBytes, configBytes(before, nowMs), configBytes(after, nowMs))) {
    const most = `${mostConfigBytes / 1024 ** 2} MiB`
    throw new StoreError('limit_reached', `sources, destinations and routes take ${most} together at most`, {
      field: 'settings',
    })
  }
  if (grewBeyond(mostStars, starsIn(before), starsIn(after))) {
    throw new StoreError(
      'limit_reached',
      `the event types of all routes have ${mostStars} * together at most`,
      { field: 'event_types' },
    )
  }
}

const grewBeyond = (most: number, before: number, after: number): boolean => after > most && after > before

const starsIn = ({ routes }: StoredOrganization): number =>
  starsOf(routes.flatMap(({ event_types }) => event_types))

/** Of what isn't deleted: otherwise each deletion would make room twice, for what was read with deleted rows is compared with what was not. */
function configBytes(organization: StoredOrganization, nowMs: number): number {
  const live = <R extends { deleted_at: Date | null }>(rows: R[]) =>
    rows.filter(row => row.deleted_at === null)
  const [sources, destinations] = [live(organization.sources), live(organization.destinations)]
  return Buffer.byteLength(configText({ ...organization, sources, destinations }, nowMs) ?? '')
}

/** The lock that an apply of this slug takes: of two writers of one organization the second one reads what the first wrote. */
export async function lockOrganization(db: Db, id: OrganizationId): Promise<void> {
  await db.query(
    `select pg_advisory_xact_lock(hashtextextended('fairlead.slug.' || slug, 0)) from organizations
     where id = $1 and deleted_at is null`,
    [toUuid(id)],
  )
}

interface NamedRow {
  readonly id: string
  readonly name: string
  readonly deleted_at: Date | null
}

/**
 * The row that a request means by an id or a name, deleted or not where it is a name; undefined: nobody had that name.
 * Throws a StoreError `not_found` for an id that isn't there.
 */
export function findNamed<R extends NamedRow>(
  rows: readonly R[],
  prefix: IdPrefix,
  text: string,
): R | undefined {
  const id = parseId(prefix, text)
  if (!id) return rows.find(({ name }) => name === text)
  const row = rows.find(one => one.deleted_at === null && fromUuid(prefix, one.id) === id)
  if (!row) throw new StoreError('not_found', `there is no ${text}`)
  return row
}

/** The row that is to be deleted. Throws a StoreError `not_found`. */
export function requireThere<R extends NamedRow>(rows: readonly R[], prefix: IdPrefix, text: string): R {
  const row = findNamed(rows, prefix, text)
  if (!row || row.deleted_at) throw new StoreError('not_found', `there is no ${text}`)
  return row
}

/** Throws a StoreError `in_use`, so that no route is left with a name that nothing has. */
export function requireUnnamed(
  noun: 'source' | 'destination',
  name: string,
  routes: readonly RouteRow[],
): void {
  const [first] = routes
  if (!first) return
  const ids = routes.map(({ id }) => fromUuid('rte', id)).join(', ')
  throw new StoreError('in_use', `the ${noun} ${name} is named by ${ids}`, { owner: ids })
}

/** Throws a StoreError `invalid_field` where a write names one thing and describes another. */
export function requireSameName(asked: string, row: NamedRow | undefined, name: string): void {
  const expected = row?.name ?? asked
  if (expected === name) return
  throw new StoreError('invalid_field', `name: it is ${expected}, and a name never changes: make another`, {
    field: 'name',
  })
}

interface VersionedRow {
  readonly id: string
  readonly version: number
}

/** Throws a StoreError `precondition_failed`. */
export function requirePrecondition(
  precondition: Precondition | undefined,
  prefix: 'org' | 'src' | 'dst' | 'rte',
  row: VersionedRow | undefined,
): void {
  if (!precondition) return
  const { etags, exists, absent } = precondition
  if (absent && row) throw new StoreError('precondition_failed', 'it is there already')
  if ((exists || etags.length > 0) && !row) throw new StoreError('precondition_failed', 'it is not there')
  if (row && etags.length > 0 && !etags.includes(etagOf(prefix, row)))
    throw new StoreError('precondition_failed', `it is ${etagOf(prefix, row)} by now`)
}

/** Throws a StoreError `managed_by_owner`. */
export function requireTenants(row: { readonly managed_by: ManagedBy } | undefined): void {
  if (row?.managed_by === 'owner') {
    throw new StoreError('managed_by_owner', "the organization's owner declares this: change it there")
  }
}

/**
 * Throws a StoreError `limit_reached`, if there is no room for one more.
 *
 * @param present how many there are that aren't deleted, of both modes
 */
export function requireRoom(present: number, what: string): void {
  if (present < mostOfAKind) return
  throw new StoreError(
    'limit_reached',
    `an organization has at most ${mostOfAKind} ${what}: delete one first`,
  )
}

/**
 * Throws a StoreError `limit_reached`, if too many names are known: one that was deleted is kept as long as its events are, and each
 * write reads them all.
 *
 * @param known how many there are, deleted ones too
 */
export function requireNames(known: number, what: string): void {
  if (known < mostNames) return
  throw new StoreError(
    'limit_reached',
    `an organization has at most ${mostNames} names of ${what}, with those that were deleted and have events`,
    { field: 'names' },
  )
}

/** Opens a source as the receiver will. Throws a StoreError `invalid_field` that says what doesn't work. */
export function requireOpens({ row, secrets }: DesiredSource): void {
  try {
    openScheme({
      provider: row.provider,
      secrets: secrets.map(({ value }) => value),
      options: row.options,
      ...(row.scheme !== null && { scheme: row.scheme }),
      ...(row.tolerance_seconds !== null && { toleranceSeconds: row.tolerance_seconds }),
    })
  } catch (error) {
    if (!(error instanceof SchemeError)) throw error
    const [part] = error.code.split('_')
    const field =
      part === 'secret'
        ? 'secrets'
        : part === 'option'
          ? 'options'
          : part === 'scheme'
            ? 'scheme'
            : 'provider'
    throw new StoreError('invalid_field', `${field}: ${error.message}`, { field, cause: error })
  }
}

/** Loads client certificates as the worker will. Throws a StoreError `invalid_field`; its message tells nothing of a key. */
export function requireLoads(auth: string): void {
  if (auth === '') return
  for (const [index, one] of decodeDestinationAuth(auth).entries()) {
    if (one.kind !== 'mtls') continue
    try {
      createSecureContext({ cert: one.certPem, key: one.keyPem })
    } catch (cause) {
      const field = `auth[${index}].mtls`
      throw new StoreError(
        'invalid_field',
        `${field}: certificate and key must be PEM, without a passphrase, and belong together`,
        { field, cause },
      )
    }
  }
}

type Noun = 'source' | 'destination' | 'route' | 'organization'

/** A change's entry, with what was and what is; none if nothing was changed. */
export function settingEntry(
  noun: Noun,
  subjectId: string,
  named: JsonObject,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): AuditEntry | undefined {
  const changes = changedFields(before, after)
  if (changes.length === 0) return undefined
  const verb = before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'
  const of = (side: 'before' | 'after') =>
    Object.fromEntries(changes.flatMap(change => (side in change ? [[change.field, change[side]!]] : [])))
  const details = {
    ...named,
    ...(before && { before: of('before') }),
    ...(after && { after: of('after') }),
  }
  return { action: `${noun}.${verb}`, subjectId, details }
}
