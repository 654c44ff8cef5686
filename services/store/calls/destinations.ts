import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { fromUuid, type OrganizationId, toUuid } from '@fairlead/webhook/id'
import {
  DeleteDestinationResponseSchema,
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
import { type DestinationCondition, destinationMessage, fieldChanges } from '../organizations/messages.ts'
import { readOrganization, type StoredDestination } from '../organizations/read.ts'
import { type Change, write as writeRows } from '../organizations/write.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, publishChange, transact } from './calls.ts'
import {
  changeSetting,
  findNamed,
  requireLoads,
  requirePrecondition,
  requireRoom,
  requireSameName,
  requireTenants,
  requireThere,
  requireUnnamed,
  settingEntry,
} from './settings.ts'
import { testDestination } from './test-destination.ts'
import { write } from './write.ts'

/** Waiting and dead deliveries come from partial indexes that hold nothing else. */
const conditionsStatement = `
  select d.id,
    (select count(*)::int from deliveries w
     where w.organization_id = d.organization_id and w.destination_id = d.id and w.state = 'waiting') as waiting,
    (select count(*)::int from deliveries x
     where x.organization_id = d.organization_id and x.destination_id = d.id and x.state = 'dead') as dead,
    h.last_success_at, h.failing_since, h.last_error, h.lane
  from destinations d
  left join destination_health h on h.organization_id = d.organization_id and h.destination_id = d.id
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
  const declared = (row: StoredDestination, fingerprints: boolean) =>
    declaredDestination(row, { keyring: calls.keyring, fingerprints })

  const list = async (db: Db, id: OrganizationId) => {
    const organization = await readOrganization(db, id)
    const condition = await readConditions(db, [id])
    return (organization?.destinations ?? []).map(row =>
      destinationMessage(row, condition.get(row.id), declared(row, false)),
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
        const { desired } = request
        if (!desired) throw new StoreError('invalid_field', 'desired: is missing', { field: 'desired' })
        const old = findNamed(organization.destinations, 'dst', request.destination)
        const live = old?.deleted_at ? undefined : old
        requireSameName(request.destination, live, desired.name)
        requirePrecondition(request.precondition, 'dst', live)
        requireTenants(live)
        const wanted = parseRequest(destination, withStoredCredentials(desired, live, calls.keyring))
        requireLoads(wanted.auth)
        if (!live) requireRoom(organization.destinations, 'destinations')
        await writeRows(
          db,
          destinationChange(old, wanted, 'tenant', {
            organizationId: organization.id,
            keyring: calls.keyring,
            nowMs: calls.now(),
          }),
        )
        const id = fromUuid('org', organization.id)
        const stored = (await readOrganization(db, id))!.destinations.find(one => one.name === desired.name)!
        const row = (await list(db, id)).find(({ name }) => name === desired.name)!
        const before = live && declared(live, true)
        const after = declared(stored, true)
        return {
          answer: { destination: row, created: !live, changes: fieldChanges(before, after) },
          entry: settingEntry('destination', row.id, { destination: row.name }, before, after),
        }
      }),
    deleteDestination: (request, context) =>
      changeSetting(calls, context, request, DeleteDestinationResponseSchema, async (db, organization) => {
        const row = requireThere(organization.destinations, 'dst', request.destination)
        requirePrecondition(request.precondition, 'dst', row)
        requireTenants(row)
        const naming = organization.routes.filter(route => route.destinations.includes(row.name))
        requireUnnamed('destination', row.name, naming)
        const key = { organization_id: organization.id, destination_id: row.id }
        await writeRows(db, [
          ...row.headers.map(
            ({ id }): Change => ({ kind: 'remove', table: 'destination_headers', row: { ...key, name: id } }),
          ),
          ...row.auths.map(
            ({ id }): Change => ({ kind: 'remove', table: 'destination_auths', row: { ...key, id } }),
          ),
          {
            kind: 'remove',
            table: 'destinations',
            row: { organization_id: organization.id, id: row.id },
          },
        ])
        // Made again under its name, it is not paused.
        await db.query('delete from destination_pauses where organization_id = $1 and destination_id = $2', [
          organization.id,
          row.id,
        ])
        const before = declared(row, true)
        const named = { destination: row.name }
        return {
          answer: { changes: fieldChanges(before, undefined) },
          entry: settingEntry('destination', fromUuid('dst', row.id), named, before, undefined),
        }
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
