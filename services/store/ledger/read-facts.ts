import type { Fact } from '@fairlead/ledger/facts'
import type { Foldable } from '@fairlead/ledger/fold/fold'
import { mostFolded } from '@fairlead/ledger/weight'
import type { Db } from '../scope.ts'
import { type InPlace, inPlace, type Place, placeValues } from './place.ts'

/** The bytes of one object's attributes that are folded, at most. */
const mostBytes = 1024 ** 2
/** The bytes of attributes that are in memory at one time. */
const roundBytes = 4 * 1024 ** 2

interface FactRow {
  kind: Fact['kind']
  object_id: string
  incarnation: string
  event_id: string
  digest: string
  occurred_ms: string
  type: string
  api_version: string
  before: object | null
  after: object | null
  complete: boolean
  personal: Fact['personal'] | null
}

interface RankedRow extends FactRow {
  /** There is a fact beside those that were read which might change the row. */
  readonly cut: boolean
}

/** Facts of an object that are folded. */
export interface FoldableObject extends Foldable {
  readonly object: InPlace
}

/**
 * The facts of these objects that are folded, by object, in no order: their fold finds one. In rounds, so that what is in memory has a
 * bound. Of an object with too many, those that count most: see `weightOf`.
 */
export async function* readFacts(
  db: Db,
  place: Place,
  objects: readonly InPlace[],
): AsyncGenerator<FoldableObject[]> {
  let left = objects
  while (left.length > 0) {
    const found = await readRound(db, place, left)
    if (found.length === 0) return
    yield found
    const read = new Set(found.map(({ object }) => textOf(object)))
    left = left.filter(object => !read.has(textOf(object)))
  }
}

const textOf = ({ kind, objectId }: InPlace): string => `${kind} ${objectId}`

/** In the order of the index by weight, from which Postgres reads no more than is folded. */
async function readRound(db: Db, place: Place, objects: readonly InPlace[]): Promise<FoldableObject[]> {
  const { rows } = await db.query<RankedRow>(
    `select f.kind, f.object_id, f.incarnation, f.event_id, encode(f.digest, 'hex') as digest, f.occurred_ms, f.type, f.api_version,
       f.before, f.after, f.complete, p.personal, f.cut
     from (
       select r.*, bool_or(r.weight > 0 and not r.folded) over (partition by r.n) as cut,
         sum(r.bytes) filter (where r.folded) over (order by r.n) as total
       from unnest($5::text[], $6::text[]) with ordinality as o (kind, object_id, n)
       cross join lateral (
         select w.*, o.n, w.place <= $7 and (w.upto <= $8 or w.place = 1) as folded
         from (
           select x.*, row_number() over by_weight as place, sum(x.bytes) over by_weight as upto
           from ledger_facts x where ${inPlace('x')} and x.kind = o.kind and x.object_id = o.object_id
           window by_weight as (order by x.weight desc, x.occurred_ms desc, x.event_id, x.incarnation, x.digest
             rows unbounded preceding)
           order by x.weight desc, x.occurred_ms desc, x.event_id, x.incarnation, x.digest limit $7 + 1
         ) w
       ) r
     ) f
     left join ledger_fact_personal p on ${inPlace('p')} and f.kind = 'customer' and p.customer = f.object_id
       and p.event_id = f.event_id and p.digest = f.digest
     where f.folded and (f.total <= $9 or f.n = 1)`,
    [
      ...placeValues(place),
      objects.map(({ kind }) => kind),
      objects.map(({ objectId }) => objectId),
      mostFolded,
      mostBytes,
      roundBytes,
    ],
  )
  const found = new Map<string, { object: InPlace; facts: Fact[]; cut: boolean }>()
  for (const row of rows) {
    const object = { kind: row.kind, objectId: row.object_id }
    const known = found.get(textOf(object)) ?? { object, facts: [], cut: row.cut }
    known.facts.push(factOf(place, row))
    found.set(textOf(object), known)
  }
  return [...found.values()]
}

function factOf({ provider, account, mode }: Place, row: FactRow): Fact {
  const { kind, object_id: objectId, incarnation, event_id: eventId, digest, type, complete } = row
  return {
    provider,
    account,
    mode,
    kind,
    objectId,
    incarnation,
    eventId,
    digest,
    occurredAt: Number(row.occurred_ms),
    type,
    apiVersion: row.api_version,
    ...(row.before && { before: row.before }),
    after: row.after,
    complete,
    ...(row.personal && { personal: row.personal }),
    // The columns were written from a fact.
  } as Fact
}
