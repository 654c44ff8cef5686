import type { AttributesOf, ObjectKind } from './attributes.ts'
import { digestOf, sameJson } from './canonical.ts'
import {
  type Fact,
  type FactOf,
  mentionEventId,
  type ObjectKey,
  type PersonalFields,
  termsEventId,
} from './facts.ts'
import type { Link } from './rows.ts'

/** What a normalizer reads from an object of a provider, before it knows of which event. */
export interface Draft<K extends ObjectKind = ObjectKind> {
  readonly kind: K
  readonly objectId: string
  readonly incarnation: string
  readonly attributes: Partial<AttributesOf[K]>
  readonly complete: boolean
  readonly personal?: PersonalFields
  /** Objects that this one names. */
  readonly links: readonly Link[]
  /** What can't change of other objects, where the provider repeats it within this one. */
  readonly terms: readonly Terms[]
  /** Whole objects within this one, of kinds whose status is a join: their own events may never come. */
  readonly embedded?: readonly Draft[]
}

export type Terms = { [K in 'plan' | 'coupon']: TermsOf<K> }['plan' | 'coupon']

export interface TermsOf<K extends 'plan' | 'coupon'> {
  readonly kind: K
  readonly objectId: string
  readonly incarnation: string
  readonly createdAt: number | null
  readonly attributes: Partial<AttributesOf[K]>
}

/** What an event says besides its object. */
export interface Occasion extends Pick<ObjectKey, 'provider' | 'account' | 'mode'> {
  readonly eventId: string
  readonly occurredAt: number
  readonly type: string
  readonly apiVersion: string
}

/**
 * The facts of an event: the snapshot, the terms within it, and a mention of each object that it names.
 * @param previous the same object before the event; absent where the event doesn't tell
 */
export function factsFrom(occasion: Occasion, draft: Draft, previous?: Draft): Fact[] {
  const { kind, objectId, incarnation, attributes: after, complete } = draft
  const before = previous && changedFrom(previous.attributes, after)
  const personal = draft.personal && {
    after: draft.personal,
    ...(previous?.personal && { before: changedFrom(previous.personal, draft.personal) }),
  }
  const snapshot = sealed({
    ...occasion,
    kind,
    objectId,
    incarnation,
    ...(before && { before }),
    after,
    complete,
    ...(personal && { personal }),
  })
  return [snapshot, ...draft.terms.map(terms => termsFact(occasion, terms)), ...mentions(occasion, draft)]
}

/** A thin event: the object changed, and the event doesn't say how. */
export function noticeFrom(occasion: Occasion, { kind, id }: Link): Fact {
  return sealed({ ...occasion, kind, objectId: id, incarnation: '', after: null, complete: false })
}

/** Of the attributes that differ, the values before. */
function changedFrom<T extends object>(previous: T, after: T): Partial<T> {
  const now = new Map(Object.entries(after))
  const changed = Object.entries(previous).filter(([key, value]) => !sameJson(value, now.get(key)))
  return Object.fromEntries(changed) as Partial<T>
}

function mentions(occasion: Occasion, { links, kind, objectId }: Draft): Fact[] {
  const others = links.filter(link => link.kind !== kind || link.id !== objectId)
  const distinct = new Map(others.map(link => [`${link.kind} ${link.id}`, link]))
  return [...distinct.values()].map(link =>
    sealed({
      ...keyOf(occasion),
      eventId: mentionEventId,
      occurredAt: 0,
      type: mentionEventId,
      apiVersion: '',
      kind: link.kind,
      objectId: link.id,
      incarnation: '',
      after: null,
      complete: true,
    }),
  )
}

function termsFact(occasion: Occasion, { kind, objectId, incarnation, createdAt, attributes }: Terms): Fact {
  return sealed({
    ...keyOf(occasion),
    eventId: termsEventId,
    occurredAt: createdAt ?? 0,
    type: termsEventId,
    apiVersion: occasion.apiVersion,
    kind,
    objectId,
    incarnation,
    after: attributes,
    complete: true,
  })
}

function keyOf({ provider, account, mode }: Occasion): Pick<Occasion, 'provider' | 'account' | 'mode'> {
  return { provider, account, mode }
}

type Unsealed = Omit<FactOf<ObjectKind>, 'digest'>

function sealed(fact: Unsealed): Fact {
  const { personal: _, ...digested } = fact
  return { ...fact, digest: digestOf(digested) } as Fact
}
