import { canonicalJson } from '@fairlead/ledger/canonical'
import { parentsOf } from '@fairlead/ledger/owner'
import type { Link, TransitionRow } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { jsonOf, replaceRows } from './columns.ts'
import { type FoldedObject, headOf } from './folded-object.ts'
import { type InPlace, inPlace, type Place, placeColumns, placeValues } from './place.ts'

/**
 * Writes what objects belong to, the plans and coupons by which a subscription's revenue is computed, of its past too, and the charges that
 * intents name.
 */
export async function writeLinks(db: Db, place: Place, written: readonly FoldedObject[]): Promise<void> {
  const folded = written.filter(({ object }) => !withoutLinks.includes(object.kind))
  if (folded.length === 0) return
  await replaceRows(db, {
    table: 'ledger_links',
    place,
    by: {
      kind: folded.map(({ object }) => object.kind),
      id: folded.map(({ object }) => object.objectId),
    },
    key: ['parent_kind', 'parent_id', 'kind', 'id'],
    rows: folded.flatMap(one =>
      linksOf(one).map(({ kind, id }) => ({
        ...placeColumns(place),
        parent_kind: kind,
        parent_id: id,
        kind: one.object.kind,
        id: one.object.objectId,
      })),
    ),
  })
}

/** Kinds whose objects belong to no other one, whatever is told of them. */
const withoutLinks: readonly InPlace['kind'][] = ['account', 'coupon', 'customer', 'order', 'plan', 'product']

function linksOf(one: FoldedObject): Link[] {
  const head = headOf(one)
  const links: Link[] = [...parentsOf(head)]
  if (head.kind === 'discount' && head.coupon !== null) links.push({ kind: 'coupon', id: head.coupon })
  // A charge may name no intent, whose payment it is all the same.
  if (head.kind === 'payment_intent' && head.latestCharge !== null)
    links.push({ kind: 'charge', id: head.latestCharge })
  if (head.kind === 'subscription') {
    const plans = plansOf(one.folded.transitions, head.items)
    links.push(...[...plans].map(id => ({ kind: 'plan' as const, id })))
  }
  return [...new Map(links.map(link => [`${link.kind} ${link.id}`, link])).values()]
}

/** Plans that a subscription has, or had at any time. */
export function plansOf(
  transitions: readonly Pick<TransitionRow, 'to'>[],
  items: readonly { readonly plan: string | null }[],
): Set<string> {
  const named = [...items, ...transitions.flatMap(({ to }) => itemsOf(to.items))]
  return new Set(named.flatMap(({ plan }) => (plan === null ? [] : [plan])))
}

const itemsOf = (items: unknown): { readonly plan: string | null }[] =>
  Array.isArray(items)
    ? items.map((item: unknown) => {
        const plan = typeof item === 'object' && item !== null && 'plan' in item ? item.plan : null
        return { plan: typeof plan === 'string' ? plan : null }
      })
    : []

/** What of a plan or coupon counts in what is computed from it. A price's name may change with a million subscriptions on it. */
const termFields: readonly string[] = [
  'known',
  'product',
  'currency',
  'unitAmount',
  'scheme',
  'usage',
  'interval',
  'intervalCount',
  'transform',
  'percentOff',
  'amountOff',
  'duration',
  'durationMonths',
]

/**
 * One incarnation's terms. Of a price's tax only `inclusive` counts in revenue. Terms that other objects tell leave the other words out,
 * so that with them the first event of the price itself would seem to change it.
 * @param prices what the plan cost at which time
 */
export function termsText(fields: Readonly<Record<string, unknown>> | null, prices: unknown): string {
  const told = termFields.map(field => fields?.[field] ?? null)
  return canonicalJson([...told, fields?.tax === 'inclusive', prices])
}

export interface Terms extends InPlace {
  /** The terms of every incarnation. */
  readonly text: string
}

/** The terms of plans and coupons among these objects, as they were folded. */
export function termsOf(folded: readonly FoldedObject[]): Terms[] {
  const terms = folded.filter(({ object: { kind } }) => kind === 'plan' || kind === 'coupon')
  return terms.map(({ object, folded: { rows, transitions } }) => {
    const ordered = rows.toSorted((a, b) => (a.incarnation < b.incarnation ? -1 : 1))
    const texts = ordered.map(row => {
      const prices = transitions
        .filter(
          ({ incarnation, changes }) => incarnation === row.incarnation && changes.includes('unitAmount'),
        )
        .map(({ at, eventId, from, to }) => [at, eventId, from?.unitAmount ?? null, to.unitAmount ?? null])
      const fields = jsonOf(row) as Readonly<Record<string, unknown>>
      return termsText(fields, prices.length > 0 ? prices : null)
    })
    return { ...object, text: texts.join('') }
  })
}

/** The terms of plans and coupons among these objects, as they are stored. */
export async function readTerms(db: Db, place: Place, objects: readonly InPlace[]): Promise<Terms[]> {
  const terms = objects.filter(({ kind }) => kind === 'plan' || kind === 'coupon')
  if (terms.length === 0) return []
  const { rows } = await db.query<{
    kind: 'plan' | 'coupon'
    id: string
    fields: Record<string, unknown> | null
    prices: unknown
  }>(
    `select n.kind, n.id, o.fields, (
       select jsonb_agg(jsonb_build_array(t.at_ms, t.event_id, t."from"->'unitAmount', t."to"->'unitAmount') order by t.position)
       from ledger_transitions t where ${inPlace('t')} and t.kind = n.kind and t.id = n.id and t.incarnation = o.incarnation
         and t.changes ? 'unitAmount') as prices
     from unnest($5::text[], $6::text[]) as n (kind, id)
     left join ledger_objects o on ${inPlace('o')} and o.kind = n.kind and o.id = n.id
     order by o.incarnation`,
    [...placeValues(place), terms.map(({ kind }) => kind), terms.map(({ objectId }) => objectId)],
  )
  const texts = new Map<string, Terms>()
  for (const { kind, id, fields, prices } of rows) {
    const text = termsText(fields, prices)
    const known = texts.get(`${kind} ${id}`)
    texts.set(`${kind} ${id}`, { kind, objectId: id, text: (known?.text ?? '') + text })
  }
  return [...texts.values()]
}

/** Owners of subscriptions and discounts by plans and coupons whose terms have changed. */
export async function findTermsUsers(
  db: Db,
  place: Place,
  before: readonly Terms[],
  after: readonly Terms[],
): Promise<string[]> {
  const old = new Map(before.map(({ kind, objectId, text }) => [`${kind} ${objectId}`, text]))
  const changed = after.filter(({ kind, objectId, text }) => old.get(`${kind} ${objectId}`) !== text)
  if (changed.length === 0) return []
  const { rows } = await db.query<{ owner: string }>(
    // Each step by its index, whatever Postgres knows of the tables so far: other orders took seconds on new ones.
    `select distinct o.owner from unnest($5::text[], $6::text[]) as n (kind, id)
     cross join lateral (
       select l.kind, l.id from ledger_links l
       where ${inPlace('l')} and l.parent_kind = n.kind and l.parent_id = n.id offset 0) l
     cross join lateral (
       select o.owner from ledger_objects o where ${inPlace('o')} and o.kind = l.kind and o.id = l.id offset 0) o`,
    [...placeValues(place), changed.map(({ kind }) => kind), changed.map(({ objectId }) => objectId)],
  )
  return rows.map(({ owner }) => owner)
}
