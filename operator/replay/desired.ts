import type { MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import type { CreateReplayRequestSchema } from '@fairlead/wire/store/replay'
import type { Declared } from './declared.ts'

/** The request to the store to make or count a Replay, without the organization, which the caller adds. */
export type DesiredReplay = Omit<
  MessageInitShape<typeof CreateReplayRequestSchema>,
  'organizationId' | 'dryRun' | '$typeName'
>

/**
 * Says to the store what a spec says.
 *
 * Without `to`, events until the resource was made: the API server's time has whole seconds, so to the next one. It is
 * the same whenever the store is asked, and a dry run counts what is delivered later.
 */
export function desiredReplay(declared: Declared, destinations: ReadonlyMap<string, string>): DesiredReplay {
  const { spec } = declared.replay
  const { sources, eventTypes, from, to, status, deliveryStates, reasons } = spec.selector
  return {
    selector: {
      sources,
      types: eventTypes,
      ...(from === undefined ? {} : { after: timestampFromMs(Date.parse(from)) }),
      before: timestampFromMs(to === undefined ? declared.createdAtMs + 1_000 : Date.parse(to)),
      ...(status === undefined ? {} : { status: statuses[status] }),
      states: deliveryStates.map(state => states[state]),
      reasons,
    },
    destinationIds: spec.destinations.flatMap(name => destinations.get(name) ?? []),
    ratePerSecond: spec.ratePerSecond,
    createdBy: createdBy(declared),
    requestId: declared.uid,
  }
}

/** For people, and to find it again by. At most 200 characters. */
export function createdBy({ replay, uid }: Pick<Declared, 'replay' | 'uid'>): string {
  return `kubernetes ${uid} ${replay.metadata.namespace}/${replay.metadata.name}`.slice(0, 200)
}

const statuses = {
  pending: EventStatus.PENDING,
  processing: EventStatus.PROCESSING,
  unrouted: EventStatus.UNROUTED,
  success: EventStatus.SUCCESS,
  failed: EventStatus.FAILED,
} as const

const states = {
  delivered: DeliveryState.DELIVERED,
  dead: DeliveryState.DEAD,
  discarded: DeliveryState.DISCARDED,
} as const
