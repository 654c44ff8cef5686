import type { ListChangedEventsResponse } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { presentDeliverySummary } from './delivery.ts'
import { eventFilterQuery, presentEvent, readEventFilter } from './events.ts'
import { type Call, operation } from './operation.ts'
import { ApiError } from './problem.ts'
import { organizationParams } from './query.ts'
import type { Streamed } from './stream.ts'

/** How long a client waits before it connects again, ms. */
const retryMs = 2_000

const positionForm = /^\d{1,18}(\.evt_[0-9a-z]{26})?$/

const query = z.strictObject({
  ...eventFilterQuery,
  position: z.string().regex(positionForm, 'is not one of ours').optional().meta({
    description: '`position` of a list’s first page: the stream begins where that list ends. Default: now.',
  }),
  deliveries: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: '`true`: also each delivery of an event, as it stands.' }),
})

/** Live events. */
export const streamEvents = operation({
  method: 'get',
  path: '/api/v1/organizations/{slug}/events/stream',
  name: 'streamEvents',
  tag: 'Events',
  summary: 'Events as they are written and change',
  description:
    'Server-sent events. `event`: an event of the list that is new or whose status changed; `delivery`: one of its deliveries; `heartbeat`: every 15 s at least; `reset`: the position is more than 10,000 changes old, or none of ours: read the list anew, the stream goes on from now; `end`: the key or its rights are gone. The `id` of each is a position: a client that connects again sends the last one as `Last-Event-ID` and misses nothing, and gets nothing twice.',
  access: 'read',
  params: organizationParams,
  query,
  status: 200,
  answerDescription: 'The stream; it ends when the caller loses its rights, or the server stops.',
  streams: ['text/event-stream'],
  problems: [],
  async handle(call) {
    const streamed: Streamed = { contentType: 'text/event-stream; charset=utf-8', chunks: follow(call) }
    return streamed as never
  },
})

type Query = z.output<typeof query>

async function* follow(call: Call<unknown, Query>): AsyncGenerator<string> {
  using open = call.takeStream()
  const last = call.lastEventId ?? ''
  const isOurs = positionForm.test(last)
  let position = isOurs ? last : last === '' ? (call.query.position ?? '') : ''
  if (position === '') position = (await ask(call, '', 0)).position
  yield `retry: ${retryMs}\n\n`
  // Who asks to go on from a place that is none may have missed something.
  if (last !== '' && !isOurs) yield message('reset', {}, position)
  let beatMs = performance.now() + open.heartbeatMs
  while (!call.signal.aborted) {
    const changes = await ask(call, position, Math.max(0, beatMs - performance.now()))
    if (changes.reset) {
      position = (await ask(call, '', 0)).position
      yield message('reset', {}, position)
    } else {
      position = changes.position
      for (const piece of piecesOf(changes)) yield piece
    }
    if (performance.now() < beatMs) continue
    const lost = await lostRights(call)
    if (lost) {
      yield message('end', { reason: lost })
      return
    }
    yield message('heartbeat', { at: new Date().toISOString() }, position)
    beatMs = performance.now() + open.heartbeatMs
  }
}

/** Why the caller may see no more of it, or undefined. */
async function lostRights({ reauthorize }: Call<unknown, Query>): Promise<string | undefined> {
  try {
    await reauthorize()
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

function ask(
  call: Call<unknown, Query>,
  position: string,
  waitMs: number,
): Promise<ListChangedEventsResponse> {
  const { store, organization, query, signal } = call
  const wholeMs = Math.round(waitMs)
  return store.events.listChangedEvents(
    {
      organizationId: organization.id,
      filter: readEventFilter(query),
      position,
      waitMs: wholeMs,
      deliveries: query.deliveries === 'true',
    },
    { signal, timeoutMs: wholeMs + 10_000 },
  )
}

/** Only the last message of an event carries its position: a client that has this position has the whole event. */
function* piecesOf(changes: ListChangedEventsResponse): Generator<string> {
  for (const { event, deliveries, position } of changes.events) {
    if (!event) continue
    const last = deliveries.length === 0
    yield message('event', presentEvent(event), last ? position : undefined)
    for (const [i, delivery] of deliveries.entries()) {
      const shown = { eventId: event.id, ...presentDeliverySummary(delivery) }
      yield message('delivery', shown, i === deliveries.length - 1 ? position : undefined)
    }
  }
}

function message(event: string, data: object, id?: string): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}
