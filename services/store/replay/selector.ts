import { timestampDate } from '@bufbuild/protobuf/wkt'
import type { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import type { ReplaySelector } from '@fairlead/wire/store/replay'
import { z } from 'zod'
import { stateMessage, statusMessage, wordOf } from '../events/rows.ts'
import { StoreError } from '../store-error.ts'

/** Which deliveries a Replay makes again, as its row keeps it. A list matches by any of its values; an empty list sets no condition. */
const schema = z.object({
  sources: z.array(z.string()),
  /** Types, or globs of types. */
  types: z.array(z.string()),
  /** Received at this time or later. */
  after: z.coerce.date().optional(),
  /** Received before this time: never open, so that what comes in meanwhile is not part of it. */
  before: z.coerce.date(),
  status: z.enum(['pending', 'processing', 'success', 'failed', 'unrouted']).optional(),
  /** Never `waiting`: such a delivery is on its way. */
  states: z.array(z.enum(['delivered', 'dead', 'discarded'])),
  /** Why a delivery died. */
  reasons: z.array(z.string()),
  diedAfter: z.coerce.date().optional(),
  diedBefore: z.coerce.date().optional(),
})

export type Selector = z.infer<typeof schema>

/** Of a row's column. Throws a ZodError: a fault of ours. */
export const readSelector = (stored: unknown): Selector => schema.parse(stored)

const maxValues = 100
const maxLength = 256

/** Checks a request's selector. Throws a StoreError `invalid_field`. */
export function selectorOf(request: ReplaySelector | undefined, nowMs: number): Selector {
  const { sources = [], types = [], reasons = [] } = request ?? {}
  for (const [name, values] of Object.entries({ sources, types, reasons })) {
    if (values.length > maxValues) throw invalid(name, `at most ${maxValues}`)
    if (values.some(value => value.length < 1 || value.length > maxLength || value.includes('\0'))) {
      throw invalid(name, `each must have 1 to ${maxLength} characters`)
    }
  }
  const asked = request?.before ? timestampDate(request.before) : new Date(nowMs)
  const before = asked.getTime() > nowMs ? new Date(nowMs) : asked
  if (request?.after && timestampDate(request.after) >= before) {
    throw invalid('after', 'must be earlier than `before`, and in the past')
  }
  const { diedAfter, diedBefore } = request ?? {}
  if (diedAfter && diedBefore && timestampDate(diedAfter) >= timestampDate(diedBefore)) {
    throw invalid('died_after', 'must be earlier than `diedBefore`')
  }
  return {
    sources,
    types,
    reasons,
    before,
    states: (request?.states ?? []).map(readState),
    ...(request?.after && { after: timestampDate(request.after) }),
    ...(request?.status && { status: readStatus(request.status) }),
    ...(diedAfter && { diedAfter: timestampDate(diedAfter) }),
    ...(diedBefore && { diedBefore: timestampDate(diedBefore) }),
  }
}

function readState(state: DeliveryState): Selector['states'][number] {
  const word = wordOf(stateMessage, state)
  if (word && word !== 'waiting') return word
  throw invalid('states', 'must be DELIVERED, DEAD or DISCARDED: what waits is on its way already')
}

function readStatus(status: EventStatus): NonNullable<Selector['status']> {
  const word = wordOf(statusMessage, status)
  if (word) return word
  throw invalid('status', 'is not known')
}

const invalid = (field: string, message: string) =>
  new StoreError('invalid_field', `selector.${field}: ${message}`, { field: `selector.${field}` })
