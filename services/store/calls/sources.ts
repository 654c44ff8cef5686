import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { sealContext } from '@fairlead/wire/seal'
import {
  DeleteSourceResponseSchema,
  type DesiredSource,
  PutSourceResponseSchema,
  type SourceService,
} from '@fairlead/wire/store/source'
import { declaredSource } from '../organizations/declared.ts'
import { source } from '../organizations/desired.ts'
import { sourceChange } from '../organizations/diff.ts'
import { withStoredSecrets } from '../organizations/kept-secrets.ts'
import { type Activity, sourceMessage } from '../organizations/messages.ts'
import { readOrganization, type StoredOrganization, type StoredSource } from '../organizations/read.ts'
import type { RouteRow, SealedRow } from '../organizations/rows.ts'
import type { Change } from '../organizations/write.ts'
import { pageSize } from '../page.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { readCounts } from '../source-counts.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { putNamed, removeNamed } from './named-settings.ts'
import { changeSetting, requireOpens } from './settings.ts'

/** A call for one mode makes sources of that mode. Throws a StoreError `invalid_field` where it asks for the other. */
function inModeOf(desired: DesiredSource | undefined, mode: Mode | undefined): DesiredSource | undefined {
  if (!mode || !desired?.settings) return desired
  const { mode: asked } = desired.settings
  if (asked === '' || asked === mode) return { ...desired, settings: { ...desired.settings, mode } }
  throw new StoreError('invalid_field', `settings.mode: must be ${mode}, as the key is`, {
    field: 'settings.mode',
  })
}

/** A source of the other mode is not seen, but has its name. */
function orOfOtherMode(error: unknown): never {
  const isHidden = error instanceof Error && 'code' in error && error.code === rowSecurityRefuses
  throw isHidden ? new StoreError('name_taken', 'a source has this name', { cause: error }) : error
}

/** How many sources an organization has, of both modes: a transaction for one mode sees only its own. */
async function countSources(db: Db, organization: string): Promise<number> {
  const { rows: modes } = await db.query<{ mode: string }>(
    "select coalesce(current_setting('fairlead.mode', true), '') as mode",
  )
  await db.query("select set_config('fairlead.mode', '', true)")
  const { rows } = await db.query<{ present: number }>(
    'select count(*)::int as present from sources where organization_id = $1 and deleted_at is null',
    [organization],
  )
  await db.query("select set_config('fairlead.mode', $1, true)", [modes[0]!.mode])
  return rows[0]!.present
}

/** insufficient_privilege: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const rowSecurityRefuses = '42501'

export function sourceCalls(calls: Calls): ServiceImpl<typeof SourceService> {
  const kind = sourceKind(calls)
  return {
    async listSources(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, id, async db => {
        const activity = await readActivity(db, [id])
        const counts = await readCounts(db, [id], calls.now())
        const organization = await readOrganization(db, id)
        return {
          sources: (organization?.sources ?? []).map(row =>
            sourceMessage(row, activity.get(row.id), counts.get(row.id), kind.declared(row, false)),
          ),
        }
      })
    },

    async getSourceByOrganizationAndName(request, context) {
      // A slug may be anyone's.
      return transact(calls, context, 'platform', async db => {
        const { rows } = await db.query<{ id: string }>(
          'select id from organizations where slug = $1 and deleted_at is null',
          [request.organizationSlug],
        )
        const id = rows[0] && fromUuid('org', rows[0].id)
        const organization = id && (await readOrganization(db, id))
        const source = organization?.sources.find(({ name }) => name === request.name)
        if (!source) throw new StoreError('not_found', 'there is no such source')
        const activity = await readActivity(db, [id!])
        const counts = await readCounts(db, [id!], calls.now())
        return { source: sourceMessage(source, activity.get(source.id), counts.get(source.id)) }
      })
    },

    async getSourceSecret(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const source = requireId('src', request.sourceId, 'source_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<SealedRow & { name: string }>(
          `select s.name, x.* from source_secrets x
           join sources s on s.organization_id = x.organization_id and s.id = x.source_id
           where x.organization_id = $1 and x.source_id = $2 and ($3 = '' or x.id = $3) and s.deleted_at is null
           order by x.position limit 1`,
          [toUuid(id), toUuid(source), request.secretId],
        ),
      )
      const [row] = rows
      if (!row) throw new StoreError('not_found', 'there is no such secret')
      return { id: row.id, value: calls.keyring.open(row.sealed, sealContext.sourceSecret(id, row.name)) }
    },

    async listSourceSecrets(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const first = request.firstSourceId && requireId('src', request.firstSourceId, 'first_source_id')
      const { rows } = await transact(calls, context, id, db =>
        db.query<SealedRow & { name: string; source_id: string }>(
          `select s.name, x.* from source_secrets x
           join sources s on s.organization_id = x.organization_id and s.id = x.source_id
           where x.organization_id = $1 and s.deleted_at is null
           order by s.id is distinct from $2::uuid, s.name, x.position limit $3`,
          [toUuid(id), first ? toUuid(first) : null, pageSize(request.limit, 100, 1_000)],
        ),
      )
      const secrets = rows.map(row => ({
        sourceId: fromUuid('src', row.source_id),
        id: row.id,
        value: calls.keyring.open(row.sealed, sealContext.sourceSecret(id, row.name)),
      }))
      return { secrets }
    },

    putSource: (request, context) =>
      changeSetting(calls, context, request, PutSourceResponseSchema, async (db, organization) => {
        const desired = inModeOf(request.desired, modeOf(context))
        const asked = { desired, precondition: request.precondition }
        const put = await putNamed(calls, db, organization, kind, request.source, asked).catch(orOfOtherMode)
        const { shown, created, changes, entry } = put
        return { answer: { source: shown, created, changes }, entry }
      }),

    deleteSource: (request, context) =>
      changeSetting(calls, context, request, DeleteSourceResponseSchema, async (db, organization) =>
        removeNamed(db, organization, kind, request.sourceId, request.precondition),
      ),
  }
}

function sourceKind(calls: Calls) {
  const declared = (row: StoredSource, fingerprints: boolean) =>
    declaredSource(row, { keyring: calls.keyring, fingerprints })
  return {
    noun: 'source',
    prefix: 'src',
    rowsOf: ({ sources }: StoredOrganization) => sources,
    count: (db: Db, { id }: StoredOrganization) => countSources(db, id),
    check(desired: DesiredSource, stored: StoredSource | undefined) {
      const wanted = parseRequest(source, withStoredSecrets(desired, stored, calls.keyring))
      requireOpens(wanted)
      return wanted
    },
    changesTo: sourceChange,
    removalOf: ({ id, secrets }: StoredSource, organizationId: string): Change[] => [
      ...secrets.map(
        (secret): Change => ({
          kind: 'remove',
          table: 'source_secrets',
          row: { organization_id: organizationId, source_id: id, id: secret.id },
        }),
      ),
      { kind: 'remove', table: 'sources', row: { organization_id: organizationId, id } },
    ],
    declared,
    async show(db: Db, organization: OrganizationId, row: StoredSource) {
      const activity = await readActivity(db, [organization])
      const counts = await readCounts(db, [organization], calls.now())
      return sourceMessage(row, activity.get(row.id), counts.get(row.id), declared(row, false))
    },
    isNamedBy: (route: RouteRow, name: string) => route.source === name,
  } as const
}

/** Source → secret → when it last verified an event, and how many. */
export async function readActivity(
  db: Db,
  organizations: readonly OrganizationId[],
): Promise<Map<string, Activity>> {
  const { rows } = await db.query<{
    source_id: string
    secret_id: string
    last_event_at: Date
    matched: string
  }>(
    `select source_id, secret_id, last_event_at, matched from source_activity
     where organization_id = any($1::uuid[])`,
    [organizations.map(toUuid)],
  )
  const activity = new Map<string, Map<string, { lastEventAt: Date; matched: bigint }>>()
  for (const { source_id, secret_id, last_event_at, matched } of rows) {
    const ofSource = activity.get(source_id) ?? new Map()
    activity.set(source_id, ofSource.set(secret_id, { lastEventAt: last_event_at, matched: BigInt(matched) }))
  }
  return activity
}
