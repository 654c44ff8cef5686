import { type RouteSpec, route } from '@fairlead/wire/declared/route'
import { routeToStore } from '@fairlead/wire/declared/to-store'
import { ManagedBy } from '@fairlead/wire/store/member'
import type { Route, RouteOrder } from '@fairlead/wire/store/route'
import { z } from 'zod'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { id, noQuery, organizationParams } from './query.ts'
import { requireDeclared, settingFields } from './setting.ts'
import { settingsOperations } from './settings-resource.ts'
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

const settings = settingsOperations<Route, RouteSpec>({
  noun: 'route',
  params: organizationParams.extend({ route: id('rte', "The route's id.") }),
  body: route.meta({ id: 'RouteSettings' }),
  answer: routeSchema,
  words: {
    list: {
      summary: 'Routes: which events go where',
      answerDescription: 'All routes, in the order of their creation.',
    },
    get: { summary: 'One route' },
    create: {
      description:
        'It is in force within a second, for events that come then. It may name what the organization’s owner declares.',
    },
    put: {
      summary: 'Make a route what the body says',
      description:
        'What the body leaves out gets its default. A route has no name to be created under: POST creates one.',
    },
    remove: { description: 'What it sent on already is still delivered.' },
  },
  nameOf: () => '',
  present: presentRoute,
  list: async (store, organizationId, options) =>
    (await store.routes.listRoutes({ organizationId }, options)).routes,
  async put(store, { name, ...asked }, wanted, options) {
    const request = { ...asked, route: name, ...(wanted && { desired: routeToStore(wanted) }) }
    const { route, changes } = await store.routes.putRoute(request, options)
    return { stored: route, changes }
  },
  remove: (store, { name, ...asked }, options) =>
    store.routes.deleteRoute({ ...asked, route: name }, options),
  /** A resource has its routes as one list: who changes one of them declares them all. */
  spec: (present, name, wanted) => ({
    routes: present
      .filter(({ managedBy }) => managedBy === ManagedBy.OWNER)
      .map(({ id, declared }) => (id === name ? wanted : declared))
      .filter(declared => declared !== undefined),
  }),
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
    .strict(),
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

const { list, create, get, put, patch, remove } = settings
export const routeOperations = [list, create, preview, get, put, patch, remove]

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
