import { parseId } from '@fairlead/webhook/id'
import { type PlainDestination, plainDestination } from '@fairlead/wire/declared/plain'
import { destinationToStore } from '@fairlead/wire/declared/to-store'
import { type Destination, DestinationState, LaneState, PauseReason } from '@fairlead/wire/store/destination'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { findAndWrite } from './find-and-write.ts'
import { managedBy, presentManagedBy, presentRateLimit, rateLimitSchema } from './managed.ts'
import { changedItem, destinationWithRefs } from './managed-by-kubernetes.ts'
import { type Operation, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { noParams, noQuery, organizationParams } from './query.ts'
import { maxSettingBytes, requireDeclared, settingFields } from './setting.ts'
import { settingsOperations } from './settings-resource.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const destinationSchema = z
  .object({
    id: z.string(),
    name: z.string().meta({ example: 'billing' }),
    kind: z.enum(['http', 'nats', 'processor']).meta({
      description: 'An HTTP endpoint, the stream OUTBOUND in the cluster, or a built-in processor.',
    }),
    url: z.string().nullable().meta({ description: 'With http; without a password, where it has one.' }),
    processor: z.string().nullable().meta({ description: 'With processor: its name.' }),
    timeoutSeconds: z.number(),
    concurrency: z.int().meta({
      description: 'Requests to it at one time. 0: not declared; between 10 and 64, by how fast it answers.',
    }),
    rateLimit: rateLimitSchema,
    retryDelaysSeconds: z.array(z.number()).meta({ description: 'Before the 2nd, 3rd … attempt.' }),
    headerNames: z.array(z.string()).meta({ description: 'Extra request headers; their values are secret.' }),
    state: z.enum(['healthy', 'failing', 'paused']),
    lane: z.enum(['well', 'throttled', 'broken', 'host_broken']).meta({
      description:
        'How fast it is given deliveries, after its last attempt: as its settings allow, less (429, or recovering), or nothing but probes: its breaker is open, or its host can not be reached.',
    }),
    pauseReason: z.enum(['declared', 'gone', 'failing', 'asked']).nullable().meta({
      description:
        'Why it gets nothing: declared so, answered 410, failed for five days, or a member asked. Null: not paused.',
    }),
    pausedSince: timeText.nullable(),
    waiting: z.int().meta({ description: 'Deliveries that have not ended; for a key, those of its mode.' }),
    dead: z.int().meta({ description: 'Dead letters; for a key, those of its mode.' }),
    lastSuccessAt: timeText.nullable().meta({ description: 'Null for a test key.' }),
    failingSince: timeText.nullable().meta({ description: 'Null for a test key.' }),
    lastError: z
      .string()
      .nullable()
      .meta({ description: 'HTTP status or outcome of the last failed attempt. Null for a test key.' }),
    active: z.boolean().meta({ description: 'False: events are not delivered to it.' }),
    ...settingFields,
    managedBy,
    createdAt: timeText,
  })
  .meta({ id: 'Destination' })

export const destinationParams = organizationParams.extend({
  destination: z.string().min(1).max(63).meta({ description: 'Its name or id.', example: 'billing' }),
})

/** An id that no destination has, where one must be given. */
const noDestination = `dst_${'0'.repeat(26)}`

const pause = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/destinations/{destination}/pause',
  name: 'pauseDestination',
  tag: 'Settings',
  summary: 'Let deliveries to a destination wait',
  description: 'Nothing is lost: they go on when it is resumed. Safe to repeat.',
  access: 'operate',
  params: destinationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The destination, as it stands now.',
  answer: destinationSchema,
  problems: [],
  async handle(call) {
    const { store, organization, params, signal, write } = call
    const { destination } = await findAndWrite(
      call,
      () => findDestinationId(store, organization.id, params.destination, signal),
      (destinationId = noDestination, change) =>
        store.destinations.pauseDestination(
          { organizationId: organization.id, destinationId, change },
          write,
        ),
    )
    if (!destination) throw new TypeError('the store answered without the destination')
    return presentDestination(destination)
  },
})

const resume = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/destinations/{destination}/resume',
  name: 'resumeDestination',
  tag: 'Settings',
  summary: 'Deliver to a destination again that was paused',
  description: 'Ends every pause but a declared one. What waited is delivered, few at first. Safe to repeat.',
  access: 'operate',
  params: destinationParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The destination, as it stands now.',
  answer: destinationSchema,
  problems: [],
  async handle(call) {
    const { store, organization, params, signal, write } = call
    const { destination } = await findAndWrite(
      call,
      () => findDestinationId(store, organization.id, params.destination, signal),
      (destinationId = noDestination, change) =>
        store.destinations.resumeDestination(
          { organizationId: organization.id, destinationId, change },
          write,
        ),
    )
    if (!destination) throw new TypeError('the store answered without the destination')
    return presentDestination(destination)
  },
})

const settings = settingsOperations<Destination, PlainDestination>({
  noun: 'destination',
  params: destinationParams,
  body: plainDestination.meta({ id: 'DestinationSettings' }),
  answer: destinationSchema,
  maxBodyBytes: maxSettingBytes,
  words: {
    list: { summary: 'Destinations, and how they do', answerDescription: 'All destinations, by name.' },
    get: { summary: 'One destination, and how it does' },
    create: {
      description:
        'It gets events within a second, once a route names it. Its credentials are stored encrypted and never told again.',
    },
    put: {
      summary: 'Make a destination what the body says, or create it',
      description:
        'What the body leaves out gets its default. A credential without its value stays as it is stored, unless it would go to another origin.',
    },
    remove: {
      description:
        'Not while a route names it. What waits for it is given up; its deliveries stay in the log.',
    },
  },
  nameOf: ({ name }) => name,
  present: presentDestination,
  list: async (store, organizationId, options) =>
    (await store.destinations.listDestinations({ organizationId }, options)).destinations,
  async put(store, { name, ...asked }, wanted, options) {
    const request = { ...asked, destination: name, ...(wanted && { desired: destinationToStore(wanted) }) }
    const { destination, changes } = await store.destinations.putDestination(request, options)
    return { stored: destination, changes }
  },
  remove: (store, { name, ...asked }, options) =>
    store.destinations.deleteDestination({ ...asked, destination: name }, options),
  spec(present, name, wanted) {
    if (!wanted) return { destinations: [{ name, active: false }] }
    const old = present.find(destination => destination.id === name || destination.name === name)
    return { destinations: [changedItem(old?.declared ?? {}, destinationWithRefs(wanted))] }
  },
})

const { list, get, create, put, patch, remove } = settings

/** What a program of one organization knows its endpoints by: the same answers, under paths that name no organization. */
const ownList: Operation = {
  ...list,
  path: '/api/v1/webhooks',
  name: 'listOwnWebhooks',
  summary: 'The organization’s outgoing endpoints, and how they do',
  description: 'The destinations of the organization that the key belongs to.',
  ofOwnOrganization: true,
  params: noParams,
}
const ownGet: Operation = {
  ...get,
  path: '/api/v1/webhooks/{destination}',
  name: 'getOwnWebhook',
  summary: 'One of the organization’s outgoing endpoints, and how it does',
  description: 'A destination of the organization that the key belongs to.',
  ofOwnOrganization: true,
  params: destinationParams.pick({ destination: true }),
}

export const destinationOperations = [list, get, create, put, patch, remove, pause, resume, ownList, ownGet]

function presentSettings({ declared }: Destination): Record<string, unknown> {
  const settings = requireDeclared(declared)
  return typeof settings.url === 'string' ? { ...settings, url: withoutPassword(settings.url) } : settings
}

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
    kind: settings?.nats ? 'nats' : settings?.processor ? 'processor' : 'http',
    url: settings?.url ? withoutPassword(settings.url) : null,
    processor: settings?.processor || null,
    timeoutSeconds: settings?.timeoutSeconds ?? 0,
    concurrency: settings?.concurrency ?? 0,
    rateLimit: presentRateLimit(settings?.rateLimit),
    retryDelaysSeconds: settings?.retry?.delaysSeconds ?? [],
    headerNames: destination.headerNames,
    state: presentState(destination.state),
    lane: presentLane(destination.lane),
    pauseReason: pauseReasons[destination.pauseReason],
    pausedSince: presentTime(destination.pausedSince),
    waiting: Number(destination.waiting),
    dead: Number(destination.dead),
    lastSuccessAt: presentTime(destination.lastSuccessAt),
    failingSince: presentTime(destination.failingSince),
    lastError: destination.lastError || null,
    active: settings?.active ?? true,
    settings: presentSettings(destination),
    etag: destination.etag,
    managedBy: presentManagedBy(destination.managedBy),
    createdAt: presentTimeOf(destination.createdAt),
  }
}

const pauseReasons = {
  [PauseReason.UNSPECIFIED]: null,
  [PauseReason.DECLARED]: 'declared',
  [PauseReason.GONE]: 'gone',
  [PauseReason.FAILING]: 'failing',
  [PauseReason.ASKED]: 'asked',
} as const

function presentLane(lane: LaneState): 'well' | 'throttled' | 'broken' | 'host_broken' {
  switch (lane) {
    case LaneState.THROTTLED:
      return 'throttled'
    case LaneState.BROKEN:
      return 'broken'
    case LaneState.HOST_BROKEN:
      return 'host_broken'
    default:
      return 'well'
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
