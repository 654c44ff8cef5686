import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import {
  DeleteDestinationResponseSchema,
  type DesiredDestination,
  type DestinationService,
  type PauseDestinationRequest,
  PauseDestinationResponseSchema,
  PutDestinationResponseSchema,
  type ResumeDestinationRequest,
} from '@fairlead/wire/store/destination'
import { declaredDestination } from '../organizations/declared.ts'
import { destination } from '../organizations/desired.ts'
import { destinationChange } from '../organizations/diff.ts'
import { withStoredCredentials } from '../organizations/kept-secrets.ts'
import { type DestinationCondition, destinationMessage } from '../organizations/messages.ts'
import { readOrganization, type StoredDestination, type StoredOrganization } from '../organizations/read.ts'
import type { RouteRow } from '../organizations/rows.ts'
import type { Change } from '../organizations/write.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import { putNamed, removeNamed } from './named-settings.ts'
import { changeSetting, requireLoads } from './settings.ts'
import { testDestination } from './test-destination.ts'
import { write } from './write.ts'

/**
 * Waiting and dead deliveries come from partial indexes that hold nothing else, and are of the transaction's mode. Health is noted
 * of both modes in one row, so a transaction for test data sees none of it but the lane, which test deliveries go through too.
 */
const conditionsStatement = `
  select d.id,
    (select count(*)::int from deliveries w
     where w.organization_id = d.organization_id and w.destination_id = d.id and w.state = 'waiting') as waiting,
    (select count(*)::int from deliveries x
     where x.organization_id = d.organization_id and x.destination_id = d.id and x.state = 'dead') as dead,
    h.last_success_at, h.failing_since, h.last_error,
    (select l.lane from destination_health l
     where l.organization_id = d.organization_id and l.destination_id = d.id) as lane
  from destinations d
  left join destination_health h on h.organization_id = d.organization_id and h.destination_id = d.id
    and (select scope_mode()) is distinct from 'test'
  where d.organization_id = any($1::uuid[]) and d.deleted_at is null`

/** Destination → how it does. */
export async function readConditions(
  db: Db,
  organizations: readonly OrganizationId[],
): Promise<Map<string, DestinationCondition>> {
  const { rows } = await db.query<DestinationCondition & { id: string }>(conditionsStatement, [
    organizations.map(toUuid),
  ])
  return new Map(rows.map(row => [row.id, row]))
}

export function destinationCalls(calls: Calls): ServiceImpl<typeof DestinationService> {
  const kind = destinationKind(calls)

  const list = async (db: Db, id: OrganizationId) => {
    const organization = await readOrganization(db, id)
    const condition = await readConditions(db, [id])
    return (organization?.destinations ?? []).map(row =>
      destinationMessage(row, condition.get(row.id), kind.declared(row, false)),
    )
  }

  /** Pauses or resumes a destination, publishes that, and returns the destination's state. */
  async function change(
    request: PauseDestinationRequest | ResumeDestinationRequest,
    context: HandlerContext,
    action: 'destination.paused' | 'destination.resumed',
    alter: (db: Db, key: readonly [organization: string, destination: string]) => Promise<unknown>,
  ) {
    const id = requireId('org', request.organizationId, 'organization_id')
    const destinationId = requireId('dst', request.destinationId, 'destination_id')
    const { destination } = await write(calls, context, request, PauseDestinationResponseSchema, async db => {
      const known = (await list(db, id)).some(({ id: one }) => one === destinationId)
      if (!known) throw new StoreError('not_found', `there is no destination ${destinationId}`)
      await alter(db, [toUuid(id), toUuid(destinationId)])
      const changed = (await list(db, id)).find(({ id: one }) => one === destinationId)!
      const reason = action === 'destination.paused' ? { reason: 'asked' } : {}
      const details = { destination: changed.name, ...reason }
      return { answer: { destination: changed }, entry: { action, subjectId: destinationId, details } }
    })
    await publishChange(calls, id)
    return destination ? { destination } : {}
  }

  return {
    async listDestinations(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      return transact(calls, context, id, async db => ({ destinations: await list(db, id) }))
    },
    putDestination: (request, context) =>
      changeSetting(calls, context, request, PutDestinationResponseSchema, async (db, organization) => {
        const put = await putNamed(calls, db, organization, kind, request.destination, request)
        const { shown, created, changes, entry } = put
        return { answer: { destination: shown, created, changes }, entry }
      }),
    deleteDestination: (request, context) =>
      changeSetting(calls, context, request, DeleteDestinationResponseSchema, async (db, organization) => {
        const { destination, precondition } = request
        const written = await removeNamed(db, organization, kind, destination, precondition)
        // Made again under its name, it is not paused.
        await db.query('delete from destination_pauses where organization_id = $1 and destination_id = $2', [
          organization.id,
          written.removed.id,
        ])
        return written
      }),
    testDestination: (request, context) => testDestination(calls, context, request),
    pauseDestination: (request, context) =>
      change(request, context, 'destination.paused', (db, key) =>
        db.query(
          `insert into destination_pauses (organization_id, destination_id, reason) values ($1, $2, 'asked')
           on conflict do nothing`,
          [...key],
        ),
      ),
    resumeDestination: (request, context) =>
      change(request, context, 'destination.resumed', async (db, key) => {
        await db.query('delete from destination_pauses where organization_id = $1 and destination_id = $2', [
          ...key,
        ])
        // The five days begin anew: otherwise the next look would pause it again before its first attempt.
        await db.query(
          `update destination_health set failing_since = null, last_error = null, lane = null
           where organization_id = $1 and destination_id = $2`,
          [...key],
        )
      }),
  }
}

function destinationKind(calls: Calls) {
  const declared = (row: StoredDestination, fingerprints: boolean) =>
    declaredDestination(row, { keyring: calls.keyring, fingerprints })
  return {
    noun: 'destination',
    prefix: 'dst',
    rowsOf: ({ destinations }: StoredOrganization) => destinations,
    count: async (_db: Db, { destinations }: StoredOrganization) =>
      destinations.filter(row => row.deleted_at === null).length,
    check(desired: DesiredDestination, stored: StoredDestination | undefined) {
      const wanted = parseRequest(destination, withStoredCredentials(desired, stored, calls.keyring))
      requireLoads(wanted.auth)
      return wanted
    },
    changesTo: destinationChange,
    removalOf({ id, headers, auths }: StoredDestination, organizationId: string): Change[] {
      const key = { organization_id: organizationId, destination_id: id }
      return [
        ...headers.map(
          (header): Change => ({
            kind: 'remove',
            table: 'destination_headers',
            row: { ...key, name: header.id },
          }),
        ),
        ...auths.map(
          (auth): Change => ({ kind: 'remove', table: 'destination_auths', row: { ...key, id: auth.id } }),
        ),
        { kind: 'remove', table: 'destinations', row: { organization_id: organizationId, id } },
      ]
    },
    declared,
    async show(db: Db, organization: OrganizationId, row: StoredDestination) {
      const conditions = await readConditions(db, [organization])
      return destinationMessage(row, conditions.get(row.id), declared(row, false))
    },
    isNamedBy: (route: RouteRow, name: string) => route.destinations.includes(name),
  } as const
}
