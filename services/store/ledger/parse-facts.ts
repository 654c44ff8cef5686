import { type Fact, modes, type PersonalChange, providers } from '@fairlead/ledger/facts'
import { parseId, toUuid } from '@fairlead/webhook/id'
import type { LedgerEvent, LedgerFact, RecordFactsRequest } from '@fairlead/wire/store/ledger'
import { z } from 'zod'
import { StoreError } from '../store-error.ts'

/** Facts of one request, checked, with the events that brought them. */

export interface GivenFact {
  readonly fact: Fact
  readonly personal: PersonalChange | undefined
  /** UUID and source of the event that brought it. */
  readonly event: string | undefined
  readonly source: string
}

export interface QuarantinedEvent {
  readonly event: string
  readonly source: string
  readonly provider: string
  readonly type: string
  readonly mode: 'live' | 'test'
  readonly reason: string
}

export interface GivenFacts {
  readonly facts: readonly GivenFact[]
  readonly quarantined: readonly QuarantinedEvent[]
}

export const mostEvents = 500
const kinds = [
  'product',
  'plan',
  'customer',
  'coupon',
  'discount',
  'subscription',
  'invoice',
  'invoice_payment',
  'payment_intent',
  'charge',
  'refund',
  'dispute',
  'credit_note',
  'checkout',
  'order',
  'account',
] as const satisfies readonly Fact['kind'][]

const id = z.string().min(1).max(255)
/** Attributes are the normalizer's to say: the worker's version may be newer than the store's. What was parsed is JSON already. */
const attributes = z.record(z.string(), z.unknown())
const factSchema = z.object({
  provider: z.enum(providers),
  account: z.string().max(255),
  mode: z.enum(modes),
  kind: z.enum(kinds),
  objectId: id,
  incarnation: z.string().max(32),
  eventId: id,
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  occurredAt: z.int().nonnegative(),
  type: z.string().max(255),
  apiVersion: z.string().max(64),
  before: attributes.optional(),
  after: attributes.nullable(),
  complete: z.boolean(),
})
const text = z.string().max(1_024).nullable()
const personalFields = z.object({ email: text, name: text, phone: text, country: text })
const personalSchema = z.object({ after: personalFields, before: personalFields.partial().optional() })

/** Throws a StoreError `invalid_field`. */
export function readGivenFacts({ events }: RecordFactsRequest): GivenFacts {
  if (events.length === 0 || events.length > mostEvents) throw invalid('events', `must be 1 to ${mostEvents}`)
  const facts: GivenFact[] = []
  const quarantined: QuarantinedEvent[] = []
  for (const [index, event] of events.entries()) {
    const at = `events[${index}]`
    const eventId = eventOf(event, at)
    if (event.quarantined !== '') quarantined.push(quarantinedOf(event, eventId, at))
    for (const [place, fact] of event.facts.entries()) {
      facts.push({ ...readFact(fact, `${at}.facts[${place}]`), event: eventId, source: event.source })
    }
  }
  return { facts, quarantined }
}

function eventOf({ eventId }: LedgerEvent, at: string): string | undefined {
  if (eventId === '') return undefined
  const parsed = parseId('evt', eventId)
  if (!parsed) throw invalid(`${at}.event_id`, 'must be an id that starts with evt_')
  return toUuid(parsed)
}

function quarantinedOf(event: LedgerEvent, eventId: string | undefined, at: string): QuarantinedEvent {
  if (!eventId) throw invalid(`${at}.event_id`, 'is missing')
  const { source, provider, type, mode, quarantined: reason } = event
  return {
    event: eventId,
    source: clean(source),
    provider: clean(provider),
    type: clean(type).slice(0, 255),
    mode: mode === 'test' ? 'test' : 'live',
    reason: clean(reason).slice(0, 255),
  }
}

function readFact(given: LedgerFact, at: string): Pick<GivenFact, 'fact' | 'personal'> {
  const fact = factSchema.safeParse(readJson(given.json, `${at}.json`))
  if (!fact.success) {
    const [issue] = fact.error.issues
    throw invalid(`${at}.json`, `${issue?.path.join('.')}: ${issue?.message}`)
  }
  const personal =
    given.personalJson === ''
      ? undefined
      : personalSchema.safeParse(readJson(given.personalJson, `${at}.personal_json`))
  if (personal && !personal.success) throw invalid(`${at}.personal_json`, 'is not as it should be')
  return { fact: fact.data as unknown as Fact, personal: personal?.data as PersonalChange | undefined }
}

function readJson(given: string, field: string): unknown {
  try {
    // Only an escape can write what is cleaned away: the message's text itself is UTF-8, and JSON takes no control characters as they are.
    if (!given.includes('\\u')) return JSON.parse(given)
    return JSON.parse(given, (_, value: unknown) => (typeof value === 'string' ? clean(value) : value))
  } catch {
    throw invalid(field, 'is no JSON')
  }
}

/** Postgres takes neither U+0000 nor half of a surrogate pair in a text: a provider's customer may have named himself so. */
const clean = (given: string): string => given.replaceAll('\u0000', '\ufffd').toWellFormed()

const invalid = (field: string, message: string): StoreError =>
  new StoreError('invalid_field', `${field}: ${message}`, { field })
