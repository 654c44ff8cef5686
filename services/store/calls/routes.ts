import type { ServiceImpl } from '@connectrpc/connect'
import { fromUuid, toUuid } from '@fairlead/webhook/id'
import {
  DeleteRouteResponseSchema,
  PutRouteResponseSchema,
  type RouteService,
} from '@fairlead/wire/store/route'
import { declaredRoute } from '../organizations/declared.ts'
import { type DesiredRoute, route } from '../organizations/desired.ts'
import { routeChange, routeContent } from '../organizations/diff.ts'
import { fieldChanges, routeMessage } from '../organizations/messages.ts'
import type { StoredOrganization } from '../organizations/read.ts'
import type { RouteRow } from '../organizations/rows.ts'
import { write as writeRows } from '../organizations/write.ts'
import { parseRequest, requireId } from '../parse-request.ts'
import type { Db } from '../scope.ts'
import { StoreError } from '../store-error.ts'
import { type Calls, transact } from './calls.ts'
import { previewRoute } from './preview-route.ts'
import { changeSetting, requirePrecondition, requireRoom, requireTenants, settingEntry } from './settings.ts'

export function routeCalls(calls: Calls): ServiceImpl<typeof RouteService> {
  return {
    async listRoutes(request, context) {
      const id = requireId('org', request.organizationId, 'organization_id')
      const rows = await transact(calls, context, id, db => readRoutes(db, toUuid(id)))
      return { routes: rows.map(row => routeMessage(row, declaredRoute(row))) }
    },

    putRoute: (request, context) =>
      changeSetting(calls, context, request, PutRouteResponseSchema, async (db, organization) => {
        const old = request.route === '' ? undefined : requireRoute(organization.routes, request.route)
        requirePrecondition(request.precondition, 'rte', old)
        requireTenants(old)
        const wanted = parseRequest(route, request.desired ?? {})
        requireParts(organization, wanted)
        requireOwnContent(organization.routes, old, wanted)
        if (!old) requireRoom(organization.routes.length, 'routes')
        await writeRows(db, routeChange(old, wanted, { organizationId: organization.id, nowMs: calls.now() }))
        const rows = await readRoutes(db, organization.id)
        const after = rows.find(row => routeContent(row) === routeContent(wanted))!
        const row = routeMessage(after, declaredRoute(after))
        const before = old && declaredRoute(old)
        return {
          answer: { route: row, created: !old, changes: fieldChanges(before, declaredRoute(after)) },
          entry: settingEntry('route', row.id, {}, before, declaredRoute(after)),
        }
      }),

    deleteRoute: (request, context) =>
      changeSetting(calls, context, request, DeleteRouteResponseSchema, async (db, organization) => {
        const row = requireRoute(organization.routes, request.route)
        requirePrecondition(request.precondition, 'rte', row)
        requireTenants(row)
        const key = { organization_id: organization.id, id: row.id }
        await writeRows(db, [{ kind: 'remove', table: 'routes', row: key }])
        const before = declaredRoute(row)
        return {
          answer: { changes: fieldChanges(before, undefined) },
          entry: settingEntry('route', fromUuid('rte', row.id), {}, before, undefined),
        }
      }),

    async previewRoute({ organizationId, settings }, context) {
      const id = requireId('org', organizationId, 'organization_id')
      return await transact(calls, context, id, db =>
        previewRoute(db, id, {
          source: settings?.source ?? '',
          eventTypes: settings?.eventTypes.length ? settings.eventTypes : ['*'],
        }),
      )
    },
  }
}

async function readRoutes(db: Db, organization: string): Promise<RouteRow[]> {
  const { rows } = await db.query<RouteRow>(
    'select * from routes where organization_id = $1 order by created_at, id',
    [organization],
  )
  return rows
}

/** Throws a StoreError `not_found`. */
function requireRoute(routes: readonly RouteRow[], id: string): RouteRow {
  const row = routes.find(one => fromUuid('rte', one.id) === id)
  if (!row) throw new StoreError('not_found', `there is no route ${id}`)
  return row
}

/** Throws a StoreError `invalid_field` for a source or a destination that isn't there: the owner's and the tenant's count. */
function requireParts({ sources, destinations }: StoredOrganization, wanted: DesiredRoute): void {
  const has = (rows: readonly { name: string; deleted_at: Date | null }[], name: string) =>
    rows.some(row => row.name === name && row.deleted_at === null)
  if (!wanted.source.includes('*') && !has(sources, wanted.source)) {
    const message = `source: there is no source ${wanted.source}: name one, or have a * in it`
    throw new StoreError('invalid_field', message, { field: 'source' })
  }
  const index = wanted.destinations.findIndex(name => !has(destinations, name))
  if (index < 0) return
  const field = `destinations[${index}]`
  throw new StoreError('invalid_field', `${field}: there is no destination ${wanted.destinations[index]}`, {
    field,
  })
}

/** Throws a StoreError `name_taken`: of two routes that say the same the second one changes nothing. */
function requireOwnContent(
  routes: readonly RouteRow[],
  old: RouteRow | undefined,
  wanted: DesiredRoute,
): void {
  const same = routes.find(row => row.id !== old?.id && routeContent(row) === routeContent(wanted))
  if (!same) return
  const owner = fromUuid('rte', same.id)
  throw new StoreError('name_taken', `the route ${owner} says the same`, { field: 'route', owner })
}
