import type { MessageInitShape } from '@bufbuild/protobuf'
import type { CallOptions } from '@connectrpc/connect'
import { type RouteSpec, route } from '@fairlead/wire/declared/route'
import { routeToStore } from '@fairlead/wire/declared/to-store'
import type { ChangeSchema, PreconditionSchema } from '@fairlead/wire/store/change'
import { ManagedBy } from '@fairlead/wire/store/member'
import type { Organization } from '@fairlead/wire/store/organization'
import type { PutRouteResponse, Route, RouteOrder } from '@fairlead/wire/store/route'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { managedBy, presentManagedBy } from './managed.ts'
import { mergePatch } from './merge-patch.ts'
import { operation } from './operation.ts'
import { seen } from './precondition.ts'
import { ApiError } from './problem.ts'
import { id, noQuery, organizationParams } from './query.ts'
import { requireBody } from './request.ts'
import { orExplained, patchBody, requireDeclared, settingFields, settingProblems } from './setting.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const orderSchema = z
  .object({
    key: z
      .union([
        z.object({ pointer: z.string().meta({ example: '/data/object/customer' }) }),
        z.object({ header: z.string().meta({ example: 'x-shop-id' }) }),
      ])
      .meta({ description: 'Where the key is: a JSON pointer into the body, or the name of a header.' }),
    maxWaitSeconds: z
      .int()
      .meta({ description: 'After so long a delivery waits no more for the one before.' }),
  })
  .meta({
    description: 'Deliveries to one destination with the same key go one after the other. Null: no order.',
  })

const routeSchema = z
  .object({
    id: z.string(),
    source: z.string().meta({ description: "A source's name, or a glob of names.", example: 'stripe' }),
    eventTypes: z.array(z.string()).meta({ description: 'Globs; any may match.', example: ['invoice.*'] }),
    destinations: z.array(z.string()).meta({ example: ['billing'] }),
    order: orderSchema.nullable(),
    ...settingFields,
    managedBy,
  })
  .meta({ id: 'Route' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/routes',
  name: 'listRoutes',
  tag: 'Settings',
  summary: 'Routes: which events go where',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All routes, in the order of their creation.',
  answer: z.object({ items: z.array(routeSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { routes } = await store.routes.listRoutes({ organizationId: organization.id }, { signal })
    return { items: routes.map(presentRoute) }
  },
})

const routeParams = organizationParams.extend({ route: id('rte', "The route's id.") })

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/routes/{route}',
  name: 'getRoute',
  tag: 'Settings',
  summary: 'One route',
  access: 'read',
  versioned: true,
  params: routeParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The route.',
  answer: routeSchema,
  problems: [],
  handle: async ({ store, organization, params, signal }) =>
    presentRoute(await find(store, organization, params.route, signal)),
})

const routeBody = route.meta({ id: 'RouteSettings' })

const create = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/routes',
  name: 'createRoute',
  tag: 'Settings',
  summary: 'Make a route',
  description:
    'It is in force within a second, for events that come then. It may name what the organization’s owner declares.',
  access: 'administer',
  versioned: true,
  params: organizationParams,
  query: dryRunQuery,
  body: routeBody,
  status: 201,
  answerDescription: 'The route.',
  answer: routeSchema,
  problems: settingProblems,
  async handle({ store, organization, query, body, change, write }) {
    const dryRun = query.dryRun ?? false
    const asked = { organizationId: organization.id, desired: routeToStore(body), dryRun, change }
    return written(dryRun, await store.routes.putRoute(asked, write))
  },
})

const put = operation({
  method: 'put',
  path: '/api/v1/organizations/{slug}/routes/{route}',
  name: 'putRoute',
  tag: 'Settings',
  summary: 'Make a route what the body says',
  description:
    'What the body leaves out gets its default. A route has no name to be created under: POST creates one.',
  access: 'administer',
  versioned: true,
  params: routeParams,
  query: dryRunQuery,
  body: routeBody,
  status: 200,
  answerDescription: 'The route.',
  answer: routeSchema,
  problems: settingProblems,
  async handle({ store, organization, params, query, body, precondition, change, write, signal }) {
    const asked = { precondition, dryRun: query.dryRun ?? false, change }
    return await replace(store, organization, params.route, body, asked, { write, signal })
  },
})

const patch = operation({
  method: 'patch',
  path: '/api/v1/organizations/{slug}/routes/{route}',
  name: 'updateRoute',
  tag: 'Settings',
  summary: 'Change some fields of a route',
  access: 'administer',
  versioned: true,
  params: routeParams,
  query: dryRunQuery,
  body: patchBody,
  status: 200,
  answerDescription: 'The route.',
  answer: routeSchema,
  problems: settingProblems,
  async handle({ store, organization, params, query, body, precondition, change, write, signal }) {
    const present = await find(store, organization, params.route, signal)
    const merged = requireBody(route, mergePatch(requireDeclared(present.declared), body))
    const asked = { precondition: seen(precondition, present.etag), dryRun: query.dryRun ?? false, change }
    return await replace(store, organization, params.route, merged, asked, { write, signal })
  },
})

const remove = operation({
  method: 'delete',
  path: '/api/v1/organizations/{slug}/routes/{route}',
  name: 'deleteRoute',
  tag: 'Settings',
  summary: 'Delete a route',
  description: 'What it sent on already is still delivered.',
  access: 'administer',
  versioned: true,
  params: routeParams,
  query: dryRunQuery,
  status: 204,
  answerDescription: 'It is gone.',
  problems: settingProblems,
  async handle({ store, organization, params, query, precondition, change, write, signal }) {
    const dryRun = query.dryRun ?? false
    const asked = { organizationId: organization.id, route: params.route, precondition, dryRun, change }
    const routes = await declaredByOwner(store, organization, signal)
    const { changes } = await orExplained(store.routes.deleteRoute(asked, write), {
      organization,
      spec: () => ({
        routes: routes.filter(({ id }) => id !== params.route).map(({ declared }) => declared),
      }),
      current: () => current(store, organization, params.route, signal),
    })
    return dryRun ? new DryRun(null, changes) : undefined
  },
})

const preview = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/routes/preview',
  name: 'previewRoute',
  tag: 'Settings',
  summary: 'Which of the last 1,000 events a route would match',
  description: 'Changes nothing. Only `source` and `eventTypes` count.',
  access: 'read',
  changesNothing: true,
  params: organizationParams,
  query: noQuery,
  body: z
    .object({
      source: route.shape.source,
      eventTypes: route.shape.eventTypes,
      destinations: z.array(z.string().max(63)).max(20).optional(),
      order: z.unknown().optional(),
    })
    .strict()
    .meta({ id: 'RoutePreviewRequest' }),
  status: 200,
  answerDescription: 'How many match, and the newest of them.',
  answer: z
    .object({
      examined: z.int().meta({ description: 'How many events were looked at: the newest, 1,000 at most.' }),
      matched: z.int().meta({ description: 'How many of them the route matches.' }),
      oldestAt: timeText
        .nullable()
        .meta({ description: 'When the oldest one that was looked at was received; null: there is none.' }),
      sample: z
        .array(z.object({ id: z.string(), source: z.string(), type: z.string(), receivedAt: timeText }))
        .meta({ description: 'The newest of those that match, 20 at most.' }),
    })
    .meta({ id: 'RoutePreview' }),
  problems: [],
  async handle({ store, organization, body, signal }) {
    const { source, eventTypes } = body
    const found = await store.routes.previewRoute(
      { organizationId: organization.id, settings: { source, eventTypes } },
      { signal },
    )
    return {
      examined: found.examined,
      matched: found.matched,
      oldestAt: presentTime(found.oldestAt),
      sample: found.sample.map(({ id, source, type, receivedAt }) => ({
        id,
        source,
        type,
        receivedAt: presentTimeOf(receivedAt),
      })),
    }
  },
})

export const routeOperations = [list, create, preview, get, put, patch, remove]

interface Asked {
  readonly precondition: MessageInitShape<typeof PreconditionSchema>
  readonly dryRun: boolean
  readonly change: MessageInitShape<typeof ChangeSchema>
}

async function replace(
  store: StoreClient,
  organization: Organization,
  id: string,
  wanted: RouteSpec,
  asked: Asked,
  { write, signal }: { write: CallOptions; signal: AbortSignal },
) {
  const routes = await declaredByOwner(store, organization, signal)
  const request = { organizationId: organization.id, route: id, desired: routeToStore(wanted), ...asked }
  const answer = await orExplained(store.routes.putRoute(request, write), {
    organization,
    spec: () => ({ routes: routes.map(one => (one.id === id ? wanted : one.declared)) }),
    current: () => current(store, organization, id, signal),
  })
  return written(asked.dryRun, answer)
}

/** A resource has its routes as one list: who changes one of them declares them all. */
async function declaredByOwner(store: StoreClient, { id }: Organization, signal: AbortSignal) {
  const { routes } = await store.routes.listRoutes({ organizationId: id }, { signal })
  return routes.filter(({ managedBy }) => managedBy === ManagedBy.OWNER)
}

function written(dryRun: boolean, { route, changes }: PutRouteResponse) {
  if (!route) throw new TypeError('the store answered without the route')
  const present = presentRoute(route)
  return dryRun ? new DryRun(present, changes) : present
}

/** Throws an ApiError `not_found`. */
async function find(store: StoreClient, organization: Organization, id: string, signal: AbortSignal) {
  const { routes } = await store.routes.listRoutes({ organizationId: organization.id }, { signal })
  const found = routes.find(one => one.id === id)
  if (!found) throw new ApiError('not_found')
  return found
}

async function current(store: StoreClient, organization: Organization, id: string, signal: AbortSignal) {
  const { routes } = await store.routes.listRoutes({ organizationId: organization.id }, { signal })
  const found = routes.find(one => one.id === id)
  return found && presentRoute(found)
}

function presentRoute({ id, settings, managedBy, declared, etag }: Route): z.input<typeof routeSchema> {
  return {
    id,
    source: settings?.source ?? '',
    eventTypes: settings?.eventTypes ?? [],
    destinations: settings?.destinations ?? [],
    order: presentOrder(settings?.order),
    settings: requireDeclared(declared),
    etag,
    managedBy: presentManagedBy(managedBy),
  }
}

function presentOrder(order: RouteOrder | undefined): z.input<typeof orderSchema> | null {
  if (!order) return null
  const { key, maxWaitSeconds } = order
  switch (key.case) {
    case 'pointer':
      return { key: { pointer: key.value }, maxWaitSeconds }
    case 'header':
      return { key: { header: key.value }, maxWaitSeconds }
    case undefined:
      throw new TypeError('the store answered with an order without a key')
    default:
      return key satisfies never
  }
}
