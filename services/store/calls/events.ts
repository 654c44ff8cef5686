import { create } from '@bufbuild/protobuf'
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect'
import { fromUuid, toUuid } from '@fairlead/webhook/id'
import {
  DiscardDeadLetterResponseSchema,
  DiscardDeadLettersResponseSchema,
  EventFilterSchema,
  type EventService,
  type ListEventsRequest,
  RetryDeadLetterResponseSchema,
  RetryEventResponseSchema,
} from '@fairlead/wire/store/event'
import {
  awaitChanges,
  positionOf,
  positionText,
  readChanges,
  readDeliveriesOf,
  readLatest,
  readPositionText,
} from '../events/changes.ts'
import { findContent } from '../events/content.ts'
import { createEvent, createEvents } from '../events/create.ts'
import { discardDeadLetters, listDeadLetters } from '../events/dead-letters.ts'
import { readSearch, type WantedValues } from '../events/filter.ts'
import { listEvents } from '../events/list.ts'
import { lockDeliveries, readAttempts, readDeliveries, readEndedBadly, readEvent } from '../events/read.ts'
import { recountEvents } from '../events/recount.ts'
import { chooseDeliveries, retryDeliveries } from '../events/retry.ts'
import {
  type DeliveryRow,
  deadLetterMessage,
  deliveryMessage,
  type EventRow,
  eventMessage,
} from '../events/rows.ts'
import { openContentTurns, searchContent, stepSize } from '../events/search-content.ts'
import { pageSize } from '../page.ts'
import { requireId } from '../parse-request.ts'
import type { ScannedPage } from '../scan.ts'
import { StoreError } from '../store-error.ts'
import { searchedOf } from './attempts.ts'
import { type Calls, modeOf, transact } from './calls.ts'
import { write } from './write.ts'

/** The longest wait for a change, ms: callers' own deadlines are longer. */
const mostWaitMs = 20_000
const noFilter = create(EventFilterSchema)
const noPage: ScannedPage<EventRow> = { rows: [], next: '' }
const isNothing = ({ pointers, headers }: WantedValues) => pointers.length + headers.length === 0

export function eventCalls(calls: Calls): ServiceImpl<typeof EventService> {
  const idsOf = (request: { organizationId: string; eventId: string }) => ({
    organization: requireId('org', request.organizationId, 'organization_id'),
    event: requireId('evt', request.eventId, 'event_id'),
  })

  const takeSearch = openContentTurns()
  async function search(request: ListEventsRequest, context: HandlerContext, wanted: WantedValues) {
    const organization = requireId('org', request.organizationId, 'organization_id')
    using _turn = await takeSearch(organization)
    return await searchContent({
      read: row => findContent(calls.nats, fromUuid('evt', row.id), row, []),
      wanted,
      limit: pageSize(request.limit, 50, 500),
      cursor: request.cursor,
      list: cursor =>
        transact(calls, context, organization, db =>
          listEvents(db, organization, { ...request, cursor, limit: stepSize }, modeOf(context)),
        ),
      now: calls.now,
      signal: context.signal,
    })
  }

  return {
    async createEvent(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const { event, created } = await transact(calls, context, organization, db =>
        createEvent(db, organization, request, calls.now()),
      )
      return { event: eventMessage(event), created }
    },

    async createEvents(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const created = await transact(calls, context, organization, db =>
        createEvents(db, organization, request.events, calls.now()),
      )
      return { created }
    },

    async getEvent(request, context) {
      const ids = idsOf(request)
      return transact(calls, context, ids.organization, async db => {
        const event = await readEvent(db, ids.organization, ids.event)
        const deliveries = await readDeliveries(db, event)
        const attempts = await readAttempts(db, event)
        const of = (row: DeliveryRow) =>
          attempts.filter(({ destination_id }) => destination_id === row.destination_id)
        return {
          event: eventMessage(event),
          deliveries: deliveries.map(row => deliveryMessage(row, of(row))),
        }
      })
    },

    async listEvents(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const { position, undeclared, ...page } = await transact(calls, context, organization, async db => {
        // List and position are of one moment: nothing falls between them.
        await db.query('set transaction isolation level repeatable read')
        const { undeclared } = await readSearch(db, organization, { filter: request, mode: modeOf(context) })
        const page = isNothing(undeclared)
          ? await listEvents(db, organization, request, modeOf(context))
          : noPage
        const position = request.cursor
          ? ''
          : positionText(await readLatest(db, organization, modeOf(context)))
        return { ...page, undeclared, position }
      })
      const shown = isNothing(undeclared) ? page : await search(request, context, undeclared)
      return { events: shown.rows.map(eventMessage), next: shown.next, position, ...searchedOf(shown) }
    },

    async listChangedEvents(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const { filter = noFilter } = request
      if (request.position === '') {
        const latest = await transact(calls, context, organization, db =>
          readLatest(db, organization, modeOf(context)),
        )
        return { position: positionText(latest) }
      }
      const after = readPositionText(request.position)
      const look = () =>
        transact(calls, context, organization, async db => {
          await db.query('set transaction isolation level repeatable read')
          const changes = await readChanges(db, organization, { filter, mode: modeOf(context) }, after)
          const deliveries = request.deliveries ? await readDeliveriesOf(db, changes.events) : []
          return { ...changes, deliveries }
        })
      const changes = await awaitChanges(look, Math.min(request.waitMs, mostWaitMs), context.signal)
      const events = changes.events.map(row => ({
        event: eventMessage(row),
        position: positionText(positionOf(row)),
        deliveries: changes.deliveries
          .filter(({ event_id }) => event_id === row.id)
          .map(of => deliveryMessage(of)),
      }))
      return { events, position: positionText(changes.position), reset: changes.reset }
    },

    async getEventContent(request, context) {
      const ids = idsOf(request)
      const [event, deliveries] = await transact(calls, context, ids.organization, async db => {
        const row = await readEvent(db, ids.organization, ids.event)
        return [row, await readDeliveries(db, row)] as const
      })
      const content = await findContent(calls.nats, ids.event, event, deliveries)
      if (!content) return { expired: true }
      const { headers } = content.meta
      const pairs = Array.from({ length: headers.length / 2 }, (_, i) => ({
        name: headers[2 * i] ?? '',
        value: headers[2 * i + 1] ?? '',
      }))
      return { expired: false, headers: pairs, body: content.body }
    },

    async retryEvent(request, context) {
      const ids = idsOf(request)
      const destinations = request.destinationIds.map((id, i) =>
        toUuid(requireId('dst', id, `destination_ids[${i}]`)),
      )
      return write(calls, context, request, RetryEventResponseSchema, async db => {
        const event = await readEvent(db, ids.organization, ids.event)
        const chosen = chooseDeliveries(await lockDeliveries(db, event), destinations)
        const retried = await retryDeliveries(db, calls.nats, event, chosen)
        const names = retried.map(row => row.destination ?? '')
        return {
          answer: { deliveries: retried.map(row => deliveryMessage(row)) },
          entry: {
            action: 'event.retried',
            subjectId: ids.event,
            details: { destinations: names, ...(destinations.length > 0 && { asked: names }) },
          },
        }
      })
    },

    async listDeadLetters(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const page = await transact(calls, context, organization, db => listDeadLetters(db, request))
      return { deadLetters: page.rows.map(deadLetterMessage), next: page.next, ...searchedOf(page) }
    },

    async retryDeadLetter(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const delivery = requireId('dlv', request.deliveryId, 'delivery_id')
      return write(calls, context, request, RetryDeadLetterResponseSchema, async db => {
        const row = await readEndedBadly(db, organization, delivery)
        if (row.state === 'discarded') throw new StoreError('not_found', 'this dead letter was discarded')
        const event = await readEvent(db, organization, fromUuid('evt', row.event_id))
        const [retried] = await retryDeliveries(db, calls.nats, event, chooseDeliveries([row], []))
        return {
          answer: { delivery: deliveryMessage(retried!) },
          entry: {
            action: 'dead_letter.retried',
            subjectId: delivery,
            details: { destination: row.destination ?? '' },
          },
        }
      })
    },

    async discardDeadLetter(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      const delivery = requireId('dlv', request.deliveryId, 'delivery_id')
      requireReason(request.reason)
      return write(calls, context, request, DiscardDeadLetterResponseSchema, async db => {
        const row = await readEndedBadly(db, organization, delivery)
        const entry = {
          action: 'dead_letter.discarded',
          subjectId: delivery,
          details: { destination: row.destination ?? '', reason: request.reason },
        } as const
        if (row.state === 'discarded') return { answer: { delivery: deliveryMessage(row) }, entry }
        await db.query(
          `update deliveries set state = 'discarded', discard_reason = $5
           where organization_id = $1 and event_id = $2 and destination_id = $3 and received_at = $4`,
          [row.organization_id, row.event_id, row.destination_id, row.received_at, request.reason],
        )
        const id = fromUuid('evt', row.event_id)
        await recountEvents(db, [{ organization, id, receivedAt: row.received_at.getTime() }])
        const discarded = { ...row, state: 'discarded' as const, discard_reason: request.reason }
        return { answer: { delivery: deliveryMessage(discarded) }, entry }
      })
    },

    async discardDeadLetters(request, context) {
      const organization = requireId('org', request.organizationId, 'organization_id')
      if (!request.dryRun) requireReason(request.reason)
      return write(calls, context, request, DiscardDeadLettersResponseSchema, async db => {
        const answer = await discardDeadLetters(db, request)
        if (request.dryRun) return { answer }
        const { source, type, reason } = request
        const details = {
          discarded: answer.discarded,
          reason,
          ...(source && { source }),
          ...(type && { type }),
        }
        return { answer, entry: { action: 'dead_letter.all_discarded', subjectId: organization, details } }
      })
    },
  }
}

function requireReason(reason: string): void {
  if (reason.length >= 1 && reason.length <= 500) return
  throw new StoreError('invalid_field', 'reason: must have 1 to 500 characters', { field: 'reason' })
}
