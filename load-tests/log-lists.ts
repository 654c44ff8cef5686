import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { listAttempts } from '@fairlead/store/events/attempts'
import { listDeadLetters } from '@fairlead/store/events/dead-letters'
import { listEvents } from '@fairlead/store/events/list'
import { listWaiting } from '@fairlead/store/events/waiting'
import {
  destinationOf,
  searchedPointer,
  searchedValue,
  sourceOf,
} from '@fairlead/store/fixtures/generated-log'
import { inScope } from '@fairlead/store/scope'
import { fromUuid, type OrganizationId } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import { ListAttemptsRequestSchema } from '@fairlead/wire/store/attempt'
import { ListWaitingDeliveriesRequestSchema } from '@fairlead/wire/store/delivery'
import {
  EventStatus,
  ListDeadLettersRequestSchema,
  ListEventsRequestSchema,
} from '@fairlead/wire/store/event'

type Pool = Parameters<typeof inScope>[0]

export interface Listed {
  readonly rows: readonly unknown[]
  readonly next: string
  readonly searched?: { readonly count: number }
}

/** A page of 50. */
export type List = (pool: Pool, organization: OrganizationId, cursor: string) => Promise<Listed>

const events =
  (filter: MessageInitShape<typeof ListEventsRequestSchema>, mode?: Mode): List =>
  (pool, organizationId, cursor) => {
    const request = create(ListEventsRequestSchema, { ...asked(filter), organizationId, cursor })
    return inScope(pool, organizationId, db => listEvents(db, organizationId, request, mode), { mode })
  }
const attempts =
  (filter: MessageInitShape<typeof ListAttemptsRequestSchema>, mode?: Mode): List =>
  (pool, organizationId, cursor) => {
    const request = create(ListAttemptsRequestSchema, { ...asked(filter), organizationId, cursor })
    return inScope(pool, organizationId, db => listAttempts(db, request, mode), { mode })
  }
const deadLetters =
  (filter: MessageInitShape<typeof ListDeadLettersRequestSchema>): List =>
  (pool, organizationId, cursor) => {
    const request = create(ListDeadLettersRequestSchema, { ...asked(filter), organizationId, cursor })
    return inScope(pool, organizationId, db => listDeadLetters(db, request))
  }
const waiting =
  (filter: MessageInitShape<typeof ListWaitingDeliveriesRequestSchema>): List =>
  (pool, organizationId, cursor) => {
    const request = create(ListWaitingDeliveriesRequestSchema, { ...asked(filter), organizationId, cursor })
    return inScope(pool, organizationId, db => listWaiting(db, request))
  }

const asked = (filter: object) => ({ limit: 50, ...filter })
const searched = (n: number) => [{ name: searchedPointer, text: searchedValue(n) }]
const nobody = fromUuid('dst', '00000000-0000-4000-8000-00000000ffff')
const anEvent = fromUuid('evt', '00000000-0000-4000-8000-00000000abcd')

/** Lists of a generated log, by what they are filtered by. @param nowMs about the time of its newest event */
export function listsOf(nowMs: number): Readonly<Record<string, List>> {
  const before = (daysAgo: number) => timestampFromMs(nowMs - daysAgo * 86_400_000)
  return {
    'events, first page': events({}),
    'events, live': events({}, 'live'),
    'events, test': events({}, 'test'),
    'events, of a day two weeks ago': events({ after: before(15), before: before(14) }),
    'events, failed': events({ status: EventStatus.FAILED }),
    'events, live and failed': events({ status: EventStatus.FAILED }, 'live'),
    'events, processing': events({ status: EventStatus.PROCESSING }),
    'events, of a status that none has': events({ status: EventStatus.UNROUTED }),
    'events, of a source': events({ source: sourceOf(3) }),
    'events, of a source that is not there': events({ source: 'nowhere' }),
    'events, of a type': events({ type: 'type.7' }),
    'events, of a source and a type that is not its': events({ source: sourceOf(3), type: 'type.8' }),
    'events, glob that matches nothing': events({ type: 'no*thing' }),
    'events, text that matches nothing': events({ q: 'nothing like it' }),
    'events, by id': events({ q: anEvent }),
    'events, by the id of a delivery': events({ q: anEvent.replace('evt_', 'dlv_') }),
    'events, by a declared value': events({ value: searched(8) }),
    'events, by a declared value that none has': events({ value: searched(51) }),
    'events, by a declared value, failed': events({ value: searched(8), status: EventStatus.FAILED }),
    'events, by a declared value, of no source': events({ value: searched(8), type: 'no*thing' }),
    'attempts, first page': attempts({}),
    'attempts, live': attempts({}, 'live'),
    'attempts, failed': attempts({ failed: true }),
    'attempts, live and failed': attempts({ failed: true }, 'live'),
    'attempts, of a destination': attempts({ destinationId: destinationOf(1) }),
    'attempts, of a destination without any': attempts({ destinationId: nobody }),
    'attempts, of a destination without any, live': attempts({ destinationId: nobody }, 'live'),
    'attempts, of an event': attempts({ eventId: anEvent }),
    'attempts, of an event, live': attempts({ eventId: anEvent }, 'live'),
    'attempts, outcome that matches nothing': attempts({ outcome: 'dns_failed' }),
    'attempts, outcome that matches nothing, live': attempts({ outcome: 'dns_failed' }, 'live'),
    'dead letters, first page': deadLetters({}),
    'dead letters, of a destination': deadLetters({ destinationId: destinationOf(1) }),
    'dead letters, of a source': deadLetters({ source: sourceOf(3) }),
    'dead letters, of a source that is not there': deadLetters({ source: 'nowhere' }),
    'dead letters, of a reason that none has': deadLetters({ reason: 'gone' }),
    'deliveries that wait, first page': waiting({}),
    'deliveries that wait, of a type that matches nothing': waiting({ type: 'no*thing' }),
    'deliveries that wait, of a destination without any': waiting({ destinationId: nobody }),
  }
}
