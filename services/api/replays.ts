import { EventStatus } from '@fairlead/wire/store/event'
import { type Replay, type ReplaySelector, ReplayState } from '@fairlead/wire/store/replay'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { nameOf } from './caller.ts'
import { endedStates, presentState, stateOf } from './delivery.ts'
import { findDestinationId } from './destinations.ts'
import { presentStatus, status, statuses } from './events.ts'
import { findAndWrite } from './find-and-write.ts'
import { modeSchema, presentMode } from './mode.ts'
import { operation } from './operation.ts'
import {
  cursor,
  defaultPageSize,
  limit,
  noQuery,
  organizationParams,
  pageOf,
  plainText,
  replayParams,
  time,
} from './query.ts'
import { presentTime, presentTimeOf, timeText } from './time.ts'

const states = {
  pending: ReplayState.PENDING,
  running: ReplayState.RUNNING,
  paused: ReplayState.PAUSED,
  completed: ReplayState.COMPLETED,
  cancelled: ReplayState.CANCELLED,
  failed: ReplayState.FAILED,
} as const
type State = keyof typeof states

const selectorSchema = z
  .object({
    sources: z.array(z.string()),
    types: z.array(z.string()),
    after: timeText.nullable(),
    before: timeText,
    status: status.nullable(),
    states: z.array(z.string()),
    reasons: z.array(z.string()),
    diedAfter: timeText.nullable(),
    diedBefore: timeText.nullable(),
  })
  .meta({ id: 'ReplaySelector', description: 'As it was asked for, with `before` filled in.' })

export const replaySchema = z
  .object({
    id: z.string().nullable().meta({
      description: 'Null: this was a dry run, of which nothing is kept.',
      example: 'rpl_01jd3k5t9vexqa7w2m8zr4c6hs',
    }),
    state: z.enum(Object.keys(states) as [State, ...State[]]),
    selector: selectorSchema,
    destinations: z
      .array(z.string())
      .meta({ description: 'Names. Empty: each event goes where it has a delivery already.' }),
    ratePerSecond: z.int(),
    matchedEvents: z.int().meta({ description: 'Events with a delivery to make, counted at the start.' }),
    matched: z.int().meta({ description: 'Deliveries to make, counted at the start.' }),
    expired: z
      .int()
      .meta({ description: 'Deliveries that can not be made because the body is no longer kept.' }),
    published: z.int().meta({ description: 'Deliveries made due so far.' }),
    skipped: z
      .int()
      .meta({ description: 'Deliveries passed over: the body is gone, or someone retried them meanwhile.' }),
    delivered: z.int(),
    failed: z.int(),
    createdBy: z.string(),
    createdAt: timeText,
    startedAt: timeText.nullable(),
    endedAt: timeText.nullable(),
    fault: z.string().nullable().meta({ description: 'Why it failed.' }),
    mode: modeSchema.nullable().meta({ description: 'Null: of events of both modes.' }),
  })
  .meta({ id: 'Replay', description: 'A selection of events that is delivered again.' })

/** To count a million deliveries takes Postgres a while; in milliseconds. */
export const countTimeoutMs = 60_000

/** Shared with the retry of dead letters by filter. */
export const ratePerSecond = z
  .int()
  .min(1)
  .max(1_000)
  .optional()
  .meta({ description: 'Deliveries a second, at most. Default 50.', example: 50 })
export const dryRun = z
  .boolean()
  .optional()
  .meta({ description: 'True: count only. What is counted is exactly what would be made.' })

const list = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/replays',
  name: 'listReplays',
  tag: 'Replays',
  summary: 'Replays, newest first',
  description: 'Their progress is up to five seconds old; that of a single one is as of now.',
  access: 'read',
  params: organizationParams,
  query: z.strictObject({ cursor, limit }),
  status: 200,
  answerDescription: 'A page of Replays.',
  answer: pageOf(replaySchema).meta({ id: 'ReplayPage' }),
  problems: ['cursor_invalid'],
  async handle({ store, organization, query, signal }) {
    const { replays, next } = await store.replays.listReplays(
      {
        organizationId: organization.id,
        cursor: query.cursor ?? '',
        limit: query.limit ?? defaultPageSize,
      },
      { signal },
    )
    return { items: replays.map(presentReplay), next: next || null }
  },
})

const get = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/replays/{replay}',
  name: 'getReplay',
  tag: 'Replays',
  summary: 'One Replay, with its progress as of now',
  access: 'read',
  params: replayParams,
  query: noQuery,
  status: 200,
  answerDescription: 'The Replay.',
  answer: replaySchema,
  problems: [],
  async handle({ store, organization, params, signal }) {
    const which = { organizationId: organization.id, replayId: params.replay }
    return presentAnswer(await store.replays.getReplay(which, { signal }))
  },
})

const names = z.array(plainText(63)).max(100).optional()

const create = operation({
  method: 'post',
  path: '/api/v1/organizations/{slug}/replays',
  name: 'createReplay',
  tag: 'Replays',
  summary: 'Deliver a selection of events again, or count it',
  description:
    'All conditions hold together; of a list any value will do. Nothing goes to a destination that was not chosen; with none chosen, each event goes where it has a delivery already. A delivery that has not ended is left alone. Deliveries made again keep the event’s id and carry `fairlead-trigger: replay` and `fairlead-replay-id`.',
  access: 'operate',
  params: organizationParams,
  query: noQuery,
  body: z.strictObject({
    sources: names.meta({ description: 'Names of sources.', example: ['stripe'] }),
    types: z
      .array(plainText(256))
      .max(100)
      .optional()
      .meta({ description: 'Types, or globs of types.', example: ['invoice.*'] }),
    after: time
      .optional()
      .meta({ description: 'Received at this time or later.', example: '2026-03-01T00:00:00Z' }),
    before: time.optional().meta({ description: 'Received before this time. Default: now.' }),
    status: status.optional().meta({ description: 'Where the event stands.' }),
    states: z
      .array(z.enum(endedStates))
      .optional()
      .meta({ description: 'Where the delivery stands. Default: wherever it has ended.' }),
    reasons: z.array(plainText(63)).max(100).optional().meta({ description: 'Why the delivery died.' }),
    destinations: names.meta({
      description:
        'Names or ids of destinations, also such that an event was never delivered to. Default: those that it was.',
      example: ['billing'],
    }),
    ratePerSecond,
    dryRun,
  }),
  status: 200,
  answerDescription: 'The Replay, or what it would be.',
  answer: replaySchema,
  problems: ['conflict'],
  async handle(call) {
    const { store, organization, body, caller, signal, write } = call
    const { destinations = [], ratePerSecond: rate, dryRun: isDry } = body
    const request = {
      organizationId: organization.id,
      selector: {
        sources: body.sources ?? [],
        types: body.types ?? [],
        reasons: body.reasons ?? [],
        states: (body.states ?? []).map(stateOf),
        status: body.status ? statuses[body.status] : EventStatus.UNSPECIFIED,
        ...(body.after && { after: body.after }),
        ...(body.before && { before: body.before }),
      },
      ratePerSecond: rate ?? 0,
      dryRun: isDry ?? false,
      createdBy: nameOf(caller),
    }
    const replay = await findAndWrite(
      call,
      () => Promise.all(destinations.map(name => findDestinationId(store, organization.id, name, signal))),
      (destinationIds = [], change) =>
        store.replays.createReplay(
          { ...request, destinationIds, change },
          { ...write, timeoutMs: countTimeoutMs },
        ),
    )
    return presentAnswer(replay)
  },
})

type Verb = 'pause' | 'resume' | 'cancel'

const change = (
  verb: Verb,
  words: {
    readonly summary: string
  },
  call: (store: StoreClient) => StoreClient['replays'][`${Verb}Replay`],
) =>
  operation({
    method: 'post',
    path: `/api/v1/organizations/{slug}/replays/{replay}/${verb}`,
    name: `${verb}Replay`,
    tag: 'Replays',
    summary: words.summary,
    description: 'Takes hold within a quarter of a second; what was made due goes on. Safe to repeat.',
    access: 'operate',
    params: replayParams,
    query: noQuery,
    status: 200,
    answerDescription: 'The Replay as it stands now.',
    answer: replaySchema,
    problems: ['conflict'],
    async handle({ store, organization, params, change: asked, write }) {
      const which = { organizationId: organization.id, replayId: params.replay }
      return presentAnswer(await call(store)({ ...which, change: asked }, write))
    },
  })

export const replayOperations = [
  list,
  get,
  create,
  change('pause', { summary: 'Stop a Replay for the time being' }, store => store.replays.pauseReplay),
  change('resume', { summary: 'Let a paused Replay go on' }, store => store.replays.resumeReplay),
  change('cancel', { summary: 'End a Replay' }, store => store.replays.cancelReplay),
]

/** Throws a TypeError where the store left the Replay out. */
export function presentAnswer({ replay }: { readonly replay?: Replay | undefined }) {
  if (!replay) throw new TypeError('the store answered without the Replay')
  return presentReplay(replay)
}

function presentReplay(replay: Replay): z.input<typeof replaySchema> {
  return {
    id: replay.id || null,
    state: presentReplayState(replay.state),
    selector: presentSelector(replay.selector),
    destinations: replay.destinations,
    ratePerSecond: replay.ratePerSecond,
    matchedEvents: Number(replay.matchedEvents),
    matched: Number(replay.matched),
    expired: Number(replay.expired),
    published: Number(replay.published),
    skipped: Number(replay.skipped),
    delivered: Number(replay.delivered),
    failed: Number(replay.failed),
    createdBy: replay.createdBy,
    createdAt: presentTimeOf(replay.createdAt),
    startedAt: presentTime(replay.startedAt),
    endedAt: presentTime(replay.endedAt),
    fault: replay.fault || null,
    mode: replay.mode ? presentMode(replay.mode) : null,
  }
}

function presentSelector(selector: ReplaySelector | undefined): z.input<typeof selectorSchema> {
  if (!selector) throw new TypeError('the store left out what a Replay selects')
  return {
    sources: selector.sources,
    types: selector.types,
    after: presentTime(selector.after),
    before: presentTimeOf(selector.before),
    status: selector.status === EventStatus.UNSPECIFIED ? null : presentStatus(selector.status),
    states: selector.states.map(presentState),
    reasons: selector.reasons,
    diedAfter: presentTime(selector.diedAfter),
    diedBefore: presentTime(selector.diedBefore),
  }
}

function presentReplayState(state: ReplayState): State {
  for (const name of Object.keys(states) as State[]) if (states[name] === state) return name
  throw new TypeError(`the store has a state of Replays that is not known here: ${state}`)
}
