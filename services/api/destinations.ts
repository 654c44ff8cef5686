import { parseId } from '@fairlead/webhook/id'
import { type Destination, DestinationState } from '@fairlead/wire/store/destination'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { managedBy, presentManagedBy, presentRateLimit, rateLimitSchema } from './managed.ts'
import { operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { noQuery, organizationParams } from './query.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const destinationSchema = z
  .object({
    id: z.string(),
    name: z.string().meta({ example: 'billing' }),
    url: z.string().meta({ description: 'Without a password, where it has one.' }),
    timeoutSeconds: z.number(),
    concurrency: z.int().meta({ description: 'Requests to it at one time.' }),
    rateLimit: rateLimitSchema,
    retryDelaysSeconds: z.array(z.number()).meta({ description: 'Before the 2nd, 3rd … attempt.' }),
    headerNames: z.array(z.string()).meta({ description: 'Extra request headers; their values are secret.' }),
    state: z.enum(['healthy', 'failing', 'paused']),
    waiting: z.int().meta({ description: 'Deliveries that have not ended.' }),
    dead: z.int().meta({ description: 'Dead letters.' }),
    lastSuccessAt: timeText.nullable(),
    failingSince: timeText.nullable(),
    lastError: z
      .string()
      .nullable()
      .meta({ description: 'HTTP status or outcome of the last failed attempt.' }),
    managedBy,
    createdAt: timeText,
  })
  .meta({ id: 'Destination' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/destinations',
  name: 'listDestinations',
  tag: 'Settings',
  summary: 'Destinations, and how they do',
  access: 'read',
  params: organizationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'All destinations, by name.',
  answer: z.object({ items: z.array(destinationSchema) }),
  problems: [],
  async handle({ store, organization, signal }) {
    const { destinations } = await store.destinations.listDestinations(
      { organizationId: organization.id },
      { signal },
    )
    return { items: destinations.map(presentDestination) }
  },
})

export const destinationOperations = [list]

/**
 * The id for a destination's name or id. Throws an ApiError `not_found` that says what was looked for: it stands in
 * a body or a query, so the path alone would not tell.
 */
export async function findDestinationId(
  store: StoreClient,
  organizationId: string,
  nameOrId: string,
  signal: AbortSignal,
): Promise<string> {
  if (parseId('dst', nameOrId)) return nameOrId
  const { destinations } = await store.destinations.listDestinations({ organizationId }, { signal })
  const found = destinations.find(destination => destination.name === nameOrId)
  if (!found) throw new ApiError('not_found', `There is no destination ${JSON.stringify(nameOrId)}.`)
  return found.id
}

function presentDestination(destination: Destination): z.input<typeof destinationSchema> {
  const { settings } = destination
  return {
    id: destination.id,
    name: destination.name,
    url: withoutPassword(settings?.url ?? ''),
    timeoutSeconds: settings?.timeoutSeconds ?? 0,
    concurrency: settings?.concurrency ?? 0,
    rateLimit: presentRateLimit(settings?.rateLimit),
    retryDelaysSeconds: settings?.retry?.delaysSeconds ?? [],
    headerNames: destination.headerNames,
    state: presentState(destination.state),
    waiting: Number(destination.waiting),
    dead: Number(destination.dead),
    lastSuccessAt: presentTime(destination.lastSuccessAt),
    failingSince: presentTime(destination.failingSince),
    lastError: destination.lastError || null,
    managedBy: presentManagedBy(destination.managedBy),
    createdAt: presentTimeOf(destination.createdAt),
  }
}

function presentState(state: DestinationState): 'healthy' | 'failing' | 'paused' {
  switch (state) {
    case DestinationState.FAILING:
      return 'failing'
    case DestinationState.PAUSED:
      return 'paused'
    default:
      return 'healthy'
  }
}

/** `https://user:password@host` is a secret in part; every member may read this list. */
function withoutPassword(text: string): string {
  const url = URL.parse(text)
  if (!url?.password) return text
  url.password = '[redacted]'
  return url.href
}
