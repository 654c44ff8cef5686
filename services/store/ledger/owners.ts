import { customerOf, parentsOf } from '@fairlead/ledger/owner'
import type { Link, Row } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { isOfPayments, namedBy } from './payment-links.ts'
import { inPlace, type Place, placeValues } from './place.ts'
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

/** What decides whose a row is: the whole of a row that was computed anew, or as much of one that is stored. */
type Belonging = Pick<Row, 'kind' | 'id' | 'known'>

export interface Owned {
  readonly row: Belonging
  readonly owner: string
}

/** Pure. @param look at the parents, of which one that was never told of is undefined */
function ownerOf(row: Belonging, look: (parent: string) => Known | undefined): string {
  const customer = customerOf(row as Row)
  if (customer !== null) return `customer:${customer}`
  const parents = parentsOf(row as Row).map(link => ({ text: textOf(link), found: look(textOf(link)) }))
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

interface Moves {
  /** Rows that were computed anew, by their text, and their owners so far. */
  readonly own: Map<string, { readonly row: Row; owner: string | undefined }>
  /** Owners of rows that are only stored, and have another one now. */
  readonly moved: Map<string, Owned>
  readonly touched: Touched
  /** What belongs to others and is in memory at one time. */
  readonly most: number
}

/** See `Moves`. */
const mostChildren = 1_000

/**
 * The owners of rows that were computed anew, and of all that belongs to them and so has another owner now. What only belongs to them is read in
 * slices, without what doesn't decide whose it is: an object may have very many that belong to it.
 *
 * @param rows the newest incarnation of each object
 * @returns the owners of these rows, those that moved besides, and every owner whose projections may be others now
 */
export async function findOwners(
  db: Db,
  place: Place,
  rows: readonly Row[],
  most = mostChildren,
): Promise<{
  owned: readonly { readonly row: Row; readonly owner: string }[]
  moved: Owned[]
  touched: Touched
}> {
  const moves: Moves = {
    own: new Map(rows.map(row => [textOf(row), { row, owner: undefined }])),
    moved: new Map(),
    touched: new Map(),
    most,
  }
  await settle(db, place, moves, rows, true)
  const owned = [...moves.own.values()].map(({ row, owner }) => ({ row, owner: owner! }))
  return { owned, moved: [...moves.moved.values()], touched: moves.touched }
}

/** Decides whose some rows are, and then whose those are that belong to the ones that changed. */
async function settle(
  db: Db,
  place: Place,
  moves: Moves,
  wave: readonly Belonging[],
  isFirst: boolean,
): Promise<void> {
  const parents = wave.flatMap(row => parentsOf(row as Row).map(textOf))
  const stored = await readObjects(db, place, wave.map(textOf), parents)
  const changed = wave
    .toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind))
    .filter(row => settleOne(moves, row, stored, isFirst))
    .map(textOf)
  if (changed.length === 0) return
  // A row of this batch is as it was computed, and not as it is stored, if it is stored at all: its parents may have moved after it was settled.
  const anew = isFirst ? [] : [...moves.own.values()].map(({ row }) => row)
  const unstored = anew.filter(row => parentsOf(row).some(link => changed.includes(textOf(link))))
  if (unstored.length > 0) await settle(db, place, moves, unstored, false)
  for await (const children of readChildren(db, place, changed, moves.most)) {
    const asComputed = children.map(row => moves.own.get(textOf(row))?.row ?? row)
    await settle(db, place, moves, asComputed, false)
  }
}

/** Answers whether what belongs to the row may have another owner now. */
function settleOne(
  { own, moved, touched }: Moves,
  row: Belonging,
  stored: ReadonlyMap<string, StoredObject>,
  isFirst: boolean,
): boolean {
  const look = (text: string): Known | undefined => {
    const anew = own.get(text)
    if (anew?.owner !== undefined) return { owner: anew.owner, known: anew.row.known }
    return movedTo(text) ?? stored.get(text)
  }
  const movedTo = (text: string): Known | undefined => {
    const found = moved.get(text)
    return found && { owner: found.owner, known: found.row.known }
  }
  const text = textOf(row)
  const owner = ownerOf(row, look)
  const before = stored.get(text)
  const old = look(text)
  const objects = [text, ...(before?.named ?? [])]
  if (old && old.owner !== owner) touch(touched, old.owner, row.kind, objects)
  const hasMoved = old?.owner !== owner
  // Nothing that is projected shows a customer's own attributes: that there is one is all that counts.
  if (isFirst ? row.kind !== 'customer' || !old : hasMoved) touch(touched, owner, row.kind, objects)
  const anew = own.get(text)
  if (anew) anew.owner = owner
  else if (hasMoved) moved.set(text, { row, owner })
  return hasMoved || old?.known !== row.known
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

/** Kinds that others belong to. */
const parentKinds: readonly string[] = [
  'charge',
  'invoice',
  'order',
  'payment_intent',
  'subscription',
] satisfies Row['kind'][]

/** What belongs to some objects, as much of it as decides whose it is, in slices. */
async function* readChildren(
  db: Db,
  place: Place,
  texts: readonly string[],
  most: number,
): AsyncGenerator<Belonging[]> {
  const { kinds, ids } = split(texts.filter(text => parentKinds.includes(text.slice(0, text.indexOf(':')))))
  if (kinds.length === 0) return
  let after: Link = { kind: '' as Link['kind'], id: '' }
  for (;;) {
    const { rows } = await db.query<Link & { known: boolean | null; fields: object | null }>(
      `select c.kind, c.id, o.known, o.fields from (
         select distinct l.kind, l.id from unnest($5::text[], $6::text[]) as n (kind, id)
         cross join lateral (
           select l.kind, l.id from ledger_links l
           where ${inPlace('l')} and l.parent_kind = n.kind and l.parent_id = n.id and (l.kind, l.id) > ($7, $8)
             and not (n.kind = 'charge' and l.kind = 'payment_intent')
           order by l.kind, l.id limit $9) l
         order by l.kind, l.id limit $9) c
       left join lateral (
         select o.known, jsonb_build_object('customer', o.fields->'customer', 'charge', o.fields->'charge',
           'paymentIntent', o.fields->'paymentIntent', 'order', o.fields->'order', 'subscription', o.fields->'subscription',
           'invoice', o.fields->'invoice') as fields
         from ledger_objects o where ${inPlace('o')} and o.kind = c.kind and o.id = c.id
         order by o.incarnation desc limit 1) o on true
       order by c.kind, c.id`,
      [...placeValues(place), kinds, ids, after.kind, after.id, most],
    )
    // A link whose object isn't there counts as a row all the same: without it a full slice would be taken for the last.
    const there = rows.filter(({ fields }) => fields !== null)
    if (there.length > 0) yield there.map(({ fields, ...row }) => ({ ...fields, ...row }) as Belonging)
    if (rows.length < most) return
    after = rows.at(-1)!
  }
}

function split(texts: readonly string[]): { kinds: string[]; ids: string[] } {
  const pairs = [...new Set(texts)].map(
    text => [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)] as const,
  )
  return { kinds: pairs.map(([kind]) => kind), ids: pairs.map(([, id]) => id) }
}
