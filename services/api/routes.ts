import { z } from 'zod'
import { managedBy, presentManagedBy } from './managed.ts'
import { operation } from './operation.ts'
import { noQuery, organizationParams } from './query.ts'

const routeSchema = z
  .object({
    id: z.string(),
    source: z.string().meta({ description: "A source's name, or a glob of names.", example: 'stripe' }),
    eventTypes: z.array(z.string()).meta({ description: 'Globs; any may match.', example: ['invoice.*'] }),
    destinations: z.array(z.string()).meta({ example: ['billing'] }),
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
    return {
      items: routes.map(route => ({
        id: route.id,
        source: route.settings?.source ?? '',
        eventTypes: route.settings?.eventTypes ?? [],
        destinations: route.settings?.destinations ?? [],
        managedBy: presentManagedBy(route.managedBy),
      })),
    }
  },
})

export const routeOperations = [list]
