import type { Route, RouteOrder } from '@fairlead/wire/store/route'
import { z } from 'zod'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { noQuery, organizationParams } from './query.ts'

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

function presentRoute({ id, settings, managedBy }: Route): z.input<typeof routeSchema> {
  return {
    id,
    source: settings?.source ?? '',
    eventTypes: settings?.eventTypes ?? [],
    destinations: settings?.destinations ?? [],
    order: presentOrder(settings?.order),
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

export const routeOperations = [list]
