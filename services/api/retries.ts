import { timestampDate } from '@bufbuild/protobuf/wkt'
import { ReplayState } from '@fairlead/wire/store/replay'
import type { PlannedDestination, Retry } from '@fairlead/wire/store/retry'
import { z } from 'zod'
import { findDestinationId } from './destinations.ts'
import { findAndWrite } from './find-and-write.ts'
import { modeSchema, presentMode } from './mode.ts'
import { type Call, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import {
  cursor,
  defaultPageSize,
  issueParams,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  retryParams,
  time,
} from './query.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const states = [
  'planned',
  'expired',
  'pending',
  'running',
  'paused',
  'completed',
  'cancelled',
  'failed',
] as const
type State = (typeof states)[number]

/** What a count of later matches goes up to. */
const mostLater = 10_000

const retrySchema = z
  .object({
    id: z.string().meta({ example: 'rty_01jd3k5t9vexqa7w2m8zr4c6hs' }),
    state: z.enum(states).meta({
      description:
        'planned: may be started until `plannedUntil`; expired: it was not. The others as of a Replay.',
    }),
    plannedUntil: timeText.nullable(),
    planned: z.int().meta({ description: 'Deliveries that were noted. No others are tried.' }),
    published: z.int().meta({ description: 'Handed over so far.' }),
    skipped: z
      .int()
      .meta({ description: 'Left out: tried again, discarded or expired since they were planned.' }),
    delivered: z.int(),
    failedAgain: z.int(),
    ratePerSecond: z.int(),
    createdAt: timeText.meta({ description: 'Nothing that died later is part of it.' }),
    createdBy: z.string(),
    startedAt: timeText.nullable(),
    endedAt: timeText.nullable(),
    fault: z.string().nullable(),
    mode: modeSchema.nullable().meta({ description: 'Null: of events of both modes.' }),
  })
  .meta({ id: 'Retry', description: 'Dead letters that are tried again together.' })

const byDestination = z
  .array(z.object({ destination: z.string(), destinationId: z.string(), deliveries: z.int() }))
  .meta({ description: 'What was planned, most first.' })
const laterSchema = z.object({ count: z.int(), orMore: z.boolean() }).meta({
  description:
    'Dead letters that came to fit since it was planned, and are not part of it: plan again for them.',
})

const plannedSchema = retrySchema
  .extend({
    destinations: byDestination,
    first: z.array(z.string()).meta({ description: 'The first five deliveries.' }),
  })
  .meta({ id: 'PlannedRetry' })
const detailSchema = retrySchema
  .extend({ destinations: byDestination, later: laterSchema })
  .meta({ id: 'RetryDetail' })

const rate = z.int().min(1).max(1_000).optional().meta({ description: 'Deliveries a second. Default 50.' })
const dryRun = z.boolean().optional().meta({
  description: 'True: only plan it. What was planned is started within 15 minutes by `POST …/start`.',
})

const filter = z.strictObject({
  destination: plainText(63).optional().meta({ description: "A destination's name or id." }),
  source: plainText(63).optional().meta({ description: "A source's name." }),
  type: plainText(256).optional().meta({ description: 'A type, or a glob of types.' }),
  reason: plainText(63).optional().meta({ description: 'Why they died.' }),
  diedAfter: time.optional(),
  diedBefore: time.optional(),
})
type Filter = z.output<typeof filter>

const createRetry = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/retries',
  name: 'createRetry',
  tag: 'Retries',
  summary: 'Try many dead letters again',
  description:
    'By filter, or by the ids of deliveries. The bulk retry keeps the list of its deliveries: those that the answer counts are tried, and none that dies later. A delivery that is retried or discarded meanwhile is left out.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    filter: filter.optional().meta({ description: 'Empty: all dead letters.' }),
    deliveries: z
      .array(plainText(63))
      .min(1)
      .max(1_000)
      .optional()
      .meta({ description: 'Ids of deliveries.' }),
    ratePerSecond: rate,
    dryRun,
  }),
  status: 201,
  answerDescription: 'What was planned.',
  answer: plannedSchema,
  problems: ['conflict'],
  async handle(call) {
    const { filter: by, deliveries } = call.body
    if ((by === undefined) === (deliveries === undefined)) {
      const fault = { in: 'body', name: 'filter', message: 'give either `filter` or `deliveries`' } as const
      throw new ApiError('request_invalid', undefined, { faults: [fault] })
    }
    return await plan(call, { filter: by ?? {}, deliveryIds: deliveries ?? [] })
  },
})

const retryIssue = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/issues/{issue}/retry',
  name: 'retryIssue',
  tag: 'Issues',
  summary: 'Try the dead letters of an issue again',
  description: 'Those whose last attempt failed for its cause. Deliveries that wait are tried anyway.',
  access: 'operate',
  params: issueParams,
  query: noQuery,
  body: z.strictObject({ ratePerSecond: rate, dryRun }).optional(),
  status: 201,
  answerDescription: 'What was planned.',
  answer: plannedSchema,
  problems: ['conflict'],
  handle: call => plan(call, { filter: {}, deliveryIds: [], issueId: call.params.issue }),
})

type Asked = { ratePerSecond?: number | undefined; dryRun?: boolean | undefined } | undefined

async function plan(
  call: Call<unknown, unknown, Asked>,
  selection: { filter: Filter; deliveryIds: string[]; issueId?: string },
): Promise<z.input<typeof plannedSchema>> {
  const { store, organization, body, signal, write } = call
  const { destination, source, type, reason, diedAfter, diedBefore } = selection.filter
  const { retry, destinations, first } = await findAndWrite(
    call,
    async () => (destination ? await findDestinationId(store, organization.id, destination, signal) : ''),
    (destinationId = '', change) =>
      store.retries.planRetry(
        {
          organizationId: organization.id,
          selection: {
            destinationId,
            source: source ?? '',
            type: type ?? '',
            reason: reason ?? '',
            ...(diedAfter && { diedAfter }),
            ...(diedBefore && { diedBefore }),
            issueId: selection.issueId ?? '',
            deliveryIds: selection.deliveryIds,
          },
          ratePerSecond: body?.ratePerSecond ?? 0,
          start: body?.dryRun !== true,
          change,
        },
        write,
      ),
  )
  return { ...presentRetry(retry), destinations: destinations.map(presentPlanned), first }
}

const start = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/retries/{retry}/start',
  name: 'startRetry',
  tag: 'Retries',
  summary: 'Start what was planned',
  access: 'operate',
  params: retryParams,
  query: noQuery,
  status: 202,
  answerDescription: 'The retry, and what came to fit since.',
  answer: retrySchema.extend({ later: laterSchema }).meta({ id: 'StartedRetry' }),
  problems: ['conflict'],
  async handle({ store, organization, params, change, write }) {
    const { retry, later } = await store.retries.startRetry(
      { organizationId: organization.id, retryId: params.retry, change },
      write,
    )
    return { ...presentRetry(retry), later: presentLater(later) }
  },
})

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/retries',
  name: 'listRetries',
  tag: 'Retries',
  summary: 'Retries that were started, newest first',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of retries.',
  answer: pageOf(retrySchema).meta({ id: 'RetryPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { retries, next } = await store.retries.listRetries(
      { organizationId: organization.id, cursor: query.cursor ?? '', limit: query.limit ?? defaultPageSize },
      { signal },
    )
    return { items: retries.map(presentRetry), next: next || null }
  },
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/retries/{retry}',
  name: 'getRetry',
  tag: 'Retries',
  summary: 'How far a retry is',
  access: 'read',
  params: retryParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The retry.',
  answer: detailSchema,
  problems: [],
  async handle({ store, organization, params, signal }) {
    const { retry, later, destinations } = await store.retries.getRetry(
      { organizationId: organization.id, retryId: params.retry },
      { signal },
    )
    return {
      ...presentRetry(retry),
      later: presentLater(later),
      destinations: destinations.map(presentPlanned),
    }
  },
})

const changes = (
  [
    ['pause', ReplayState.PAUSED, 'Pause a retry'],
    ['resume', ReplayState.RUNNING, 'Go on with a retry'],
    ['cancel', ReplayState.CANCELLED, 'Cancel a retry; what was handed over is tried'],
  ] as const
).map(([verb, state, summary]) =>
  operation({
    method: 'post',
    path: `/api/v1/organizations/{slug}/retries/{retry}/${verb}`,
    name: `${verb}Retry`,
    tag: 'Retries',
    summary,
    access: 'operate',
    params: retryParams,
    query: noQuery,
    status: 200,
    answerDescription: 'The retry, as it stands now.',
    answer: retrySchema,
    problems: ['conflict'],
    async handle({ store, organization, params, change, write }) {
      const { retry } = await store.retries.changeRetry(
        { organizationId: organization.id, retryId: params.retry, state, change },
        write,
      )
      return presentRetry(retry)
    },
  }),
)

export const retryOperations = [createRetry, list, get, start, ...changes, retryIssue]

function presentRetry(retry: Retry | undefined): z.input<typeof retrySchema> {
  if (!retry) throw new TypeError('the store answered without the retry')
  return {
    id: retry.id,
    state: stateOf(retry, Date.now()),
    plannedUntil: presentTime(retry.plannedUntil),
    planned: Number(retry.planned),
    published: Number(retry.published),
    skipped: Number(retry.skipped),
    delivered: Number(retry.delivered),
    failedAgain: Number(retry.failed),
    ratePerSecond: retry.ratePerSecond,
    createdAt: presentTimeOf(retry.createdAt),
    createdBy: retry.createdBy,
    startedAt: presentTime(retry.startedAt),
    endedAt: presentTime(retry.endedAt),
    fault: retry.fault || null,
    mode: retry.mode ? presentMode(retry.mode) : null,
  }
}

function stateOf({ state, plannedUntil }: Retry, nowMs: number): State {
  if (plannedUntil && state === ReplayState.PAUSED) {
    return timestampDate(plannedUntil).getTime() < nowMs ? 'expired' : 'planned'
  }
  switch (state) {
    case ReplayState.PENDING:
      return 'pending'
    case ReplayState.RUNNING:
      return 'running'
    case ReplayState.PAUSED:
      return 'paused'
    case ReplayState.COMPLETED:
      return 'completed'
    case ReplayState.CANCELLED:
      return 'cancelled'
    case ReplayState.FAILED:
      return 'failed'
    default:
      throw new TypeError(`the store has a state of retries that is not known here: ${state}`)
  }
}

const presentLater = (later: number) => ({ count: Math.min(later, mostLater), orMore: later > mostLater })

const presentPlanned = ({ destination, destinationId, deliveries }: PlannedDestination) => ({
  destination,
  destinationId,
  deliveries: Number(deliveries),
})
