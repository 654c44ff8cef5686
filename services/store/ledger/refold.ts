import type { Db } from '../scope.ts'
import { foldFacts } from './fold-facts.ts'
import { type FoldedObject, headOf } from './folded-object.ts'
import { findTermsUsers, readTerms, termsOf, writeLinks } from './links.ts'
import { findOwners } from './owners.ts'
import { type InPlace, inPlace, type Place, placeValues } from './place.ts'
import { projectOwners } from './project-owners.ts'
import { readFacts } from './read-facts.ts'
import type { KnownChanges } from './read-owned.ts'
import { touch } from './touched.ts'
import { moveObjects, writeFolded, writeObjects } from './write-objects.ts'

/** What was computed anew: objects that are known, and ids of payments that came or changed. */
export interface Refolded {
  readonly objects: readonly InPlace[]
  readonly payments: readonly string[]
}

/**
 * Computes the rows of objects anew from all their facts, and then what is projected from the rows of each customer that is
 * concerned. The place is locked: no other writer comes between the reads and the writes.
 */
export async function refold(db: Db, place: Place, objects: readonly InPlace[]): Promise<Refolded> {
  const known: InPlace[] = []
  const payments = new Set<string>()
  for await (const found of readFacts(db, place, objects)) {
    const folded = await foldFacts(found)
    for (const payment of await writeRows(db, place, folded)) payments.add(payment)
    known.push(...folded.filter(one => headOf(one).known).map(({ object }) => object))
  }
  return { objects: known, payments: [...payments] }
}

async function writeRows(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<string[]> {
  const objects = folded.map(({ object }) => object)
  const before = await readTerms(db, place, objects)
  await writeFolded(db, place, folded)
  await forgetRedacted(db, place, folded)
  const { owned, moved, touched } = await findOwners(db, place, folded.map(headOf))
  await writeObjects(db, place, owned, folded)
  await moveObjects(db, place, moved)
  await writeLinks(db, place, folded)
  for (const owner of await findTermsUsers(db, place, before, termsOf(folded)))
    touch(touched, owner, 'subscription', [])
  return await projectOwners(db, place, touched, changesOf(folded))
}

const changesOf = (folded: readonly FoldedObject[]): KnownChanges =>
  new Map(
    folded
      .filter(({ object }) => object.kind === 'subscription')
      .map(({ object, folded }) => [object.objectId, folded.transitions]),
  )

/** Whose personal data is to be forgotten: it goes from the facts too, and none comes again. */
async function forgetRedacted(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<void> {
  const customers = folded.flatMap(({ object, folded }) =>
    folded.personal?.redacted ? [object.objectId] : [],
  )
  if (customers.length === 0) return
  const values = [...placeValues(place), customers]
  await db.query(
    `insert into ledger_redactions (organization_id, provider, account, mode, customer)
     select $1, $2, $3, $4, * from unnest($5::text[]) on conflict do nothing`,
    values,
  )
  await db.query(`delete from ledger_fact_personal where ${inPlace()} and customer = any($5::text[])`, values)
}
