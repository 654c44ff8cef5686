import { customerOf, parentsOf } from '@fairlead/ledger/owner'
import type { Link, Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { isOfPayments, namedBy } from './payment-links.ts'
import { inPlace, type Place, placeValues } from './place.ts'
import { reviveRow } from './revive.ts'
import { type Touched, touch } from './touched.ts'

/**
 * Whose an object is. A row that names a customer is that customer's; another one is its nearest parent's that leads to a customer, such
 * as a refund its charge's. What leads to none belongs to the object at the end of its links, so that a payment without a customer is
 * projected as one, too. An owner is a text: `customer:cus_1`, `charge:ch_1`.
 */

const textOf = ({ kind, id }: Link): string => `${kind}:${id}`
const isCustomer = (owner: string): boolean => owner.startsWith('customer:')

/** What is known of an object for those that belong to it. */
interface Known {
  readonly owner: string
  readonly known: boolean
}

export interface Owned {
  readonly row: Row
  readonly owner: string
}

/** Pure. @param look at the parents, of which one that was never told of is undefined */
export function ownerOf(row: Row, look: (parent: string) => Known | undefined): string {
  const customer = customerOf(row)
  if (customer !== null) return `customer:${customer}`
  const parents = parentsOf(row).map(link => ({ text: textOf(link), found: look(textOf(link)) }))
  const owned = parents.map(({ text, found }) => ({
    owner: found?.owner ?? text,
    known: found?.known ?? false,
  }))
  const best = owned.find(({ owner }) => isCustomer(owner)) ?? owned.find(({ known }) => known) ?? owned[0]
  return best?.owner ?? textOf(row)
}

/** Kinds in an order in which parents come before what belongs to them. */
const order: readonly Row['kind'][] = [
  'account',
  'product',
  'plan',
  'coupon',
  'customer',
  'subscription',
  'order',
  'invoice',
  'discount',
  'payment_intent',
  'checkout',
  'charge',
  'invoice_payment',
  'credit_note',
  'refund',
  'dispute',
]

interface StoredObject {
  readonly kind: Row['kind']
  readonly id: string
  readonly known: boolean
  readonly owner: string
  /** Texts of what it names of the same payment; none of a parent's. */
  readonly named: readonly string[]
}

/**
 * The owners of rows that were computed anew, and of all that belongs to them and so has another owner now.
 *
 * @param rows the newest incarnation of each object
 * @returns these rows and those that moved, and every owner whose projections may be others now
 */
export async function findOwners(
  db: Db,
  place: Place,
  rows: readonly Row[],
): Promise<{ owned: Owned[]; touched: Touched }> {
  const touched: Touched = new Map()
  const settled = new Map<string, Known & { readonly row: Row }>()
  let wave = rows
  while (wave.length > 0) {
    const parents = wave.flatMap(row => parentsOf(row).map(textOf))
    const before = await readObjects(db, place, wave.map(textOf), parents)
    const changed: string[] = []
    for (const row of wave.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))) {
      const text = textOf(row)
      const owner = ownerOf(row, parent => settled.get(parent) ?? before.get(parent))
      const stored = before.get(text)
      const old = settled.get(text) ?? stored
      const objects = [text, ...(stored?.named ?? [])]
      if (old && old.owner !== owner) touch(touched, old.owner, row.kind, objects)
      if (old?.owner !== owner || old.known !== row.known) changed.push(text)
      // Nothing that is projected shows a customer's own attributes: that there is one is all that counts.
      if (row.kind !== 'customer' || !old) touch(touched, owner, row.kind, objects)
      settled.set(text, { owner, known: row.known, row })
    }
    // A row of this batch is as it was computed, and not as it is stored, if it is stored at all: its parents may have moved after it was settled.
    const moved = new Set(wave === rows ? [] : changed)
    const unstored = rows.filter(row => parentsOf(row).some(link => moved.has(textOf(link))))
    const children = [...(await readChildren(db, place, changed)), ...unstored]
    wave = [...new Map(children.map(row => [textOf(row), settled.get(textOf(row))?.row ?? row])).values()]
  }
  return { owned: [...settled.values()], touched }
}

async function readObjects(
  db: Db,
  place: Place,
  own: readonly string[],
  parents: readonly string[],
): Promise<Map<string, StoredObject>> {
  const owned = new Set(own)
  const { kinds, ids } = split([...own, ...parents])
  const { rows } = await db.query<StoredObject>(
    `select distinct on (o.kind, o.id) o.kind, o.id, o.known, o.owner, o.named from unnest($5::text[], $6::text[], $7::boolean[]) as n (kind, id, own)
     cross join lateral (
       select o.kind, o.id, o.incarnation, o.known, o.owner, case when n.own then ${namedBy('o')} else '{}' end as named
       from ledger_objects o where ${inPlace('o')} and o.kind = n.kind and o.id = n.id offset 0) o
     order by o.kind, o.id, o.incarnation desc`,
    [
      ...placeValues(place),
      kinds,
      ids,
      kinds.map((kind, index) => isOfPayments(kind) && owned.has(`${kind}:${ids[index]}`)),
    ],
  )
  return new Map(rows.map(row => [textOf(row), row]))
}

async function readChildren(db: Db, place: Place, texts: readonly string[]): Promise<Row[]> {
  if (texts.length === 0) return []
  const { kinds, ids } = split(texts)
  const { rows } = await db.query<{ fields: Record<string, unknown> }>(
    `select distinct on (o.kind, o.id) o.fields from unnest($5::text[], $6::text[]) as n (kind, id)
     cross join lateral (
       select l.kind, l.id from ledger_links l
       where ${inPlace('l')} and l.parent_kind = n.kind and l.parent_id = n.id and n.kind not in ('plan', 'coupon')
         and not (n.kind = 'charge' and l.kind = 'payment_intent') offset 0) l
     cross join lateral (
       select o.* from ledger_objects o where ${inPlace('o')} and o.kind = l.kind and o.id = l.id offset 0) o
     order by o.kind, o.id, o.incarnation desc`,
    [...placeValues(place), kinds, ids],
  )
  return rows.map(({ fields }) => reviveRow(fields))
}

function split(texts: readonly string[]): { kinds: string[]; ids: string[] } {
  const pairs = [...new Set(texts)].map(
    text => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)] as const,
  )
  return { kinds: pairs.map(([kind]) => kind), ids: pairs.map(([, id]) => id) }
}
