import { createHash } from 'node:crypto'
import { canonicalJson } from '@fairlead/ledger/canonical'
import type { TransitionRow } from '@fairlead/ledger/rows'
import type { Db } from '../scope.ts'
import { columnsOf, putRows } from './columns.ts'
import type { FoldedObject } from './folded-object.ts'
import { inPlace, type Place, placeColumns, placeValues } from './place.ts'

/*
 * An object's history grows with its life, and a fact adds a change or none to it. So its changes are compared with the stored ones by
 * digests, and only those that differ go to Postgres.
 */

type Key = Pick<TransitionRow, 'kind' | 'id' | 'incarnation' | 'position'>

const textOf = ({ kind, id, incarnation, position }: Key): string =>
  JSON.stringify([kind, id, incarnation, position])

/** Makes the histories of objects these, and no others. The place is locked: no other writer comes between look and write. */
export async function writeTransitions(db: Db, place: Place, folded: readonly FoldedObject[]): Promise<void> {
  if (folded.length === 0) return
  const stored = await readDigests(db, place, folded)
  const written = folded.flatMap(({ folded: { transitions } }) => withDigests(transitions))
  const changed = written.filter(({ row, digest }) => stored.get(textOf(row))?.digest !== digest)
  for (const { row } of written) stored.delete(textOf(row))
  await remove(db, place, [...stored.values()])
  await putRows(
    db,
    'ledger_transitions',
    ['kind', 'id', 'incarnation', 'position'],
    changed.map(({ row, digest }) => ({
      ...columnsOf(row),
      digest: `\\x${digest}`,
      ...placeColumns(place),
    })),
  )
}

/** Each change with a digest of itself and of those before it, whose last state is the one that it begins with. */
function withDigests(transitions: readonly TransitionRow[]): { row: TransitionRow; digest: string }[] {
  const last = new Map<string, string>()
  return transitions.map(row => {
    const { incarnation, position, at, eventId, type, changes, to, legal, gap } = row
    const text = canonicalJson([position, at, eventId, type, changes, to, legal, gap])
    const digest = createHash('sha256')
      .update(`${last.get(incarnation) ?? ''}\n${text}`)
      .digest('hex')
      .slice(0, 32)
    last.set(incarnation, digest)
    return { row, digest }
  })
}

interface Stored extends Key {
  readonly digest: string | null
}

async function readDigests(
  db: Db,
  place: Place,
  folded: readonly FoldedObject[],
): Promise<Map<string, Stored>> {
  const { rows } = await db.query<Stored>(
    `select t.kind, t.id, t.incarnation, t.position, encode(t.digest, 'hex') as digest
     from unnest($5::text[], $6::text[]) as n (kind, id) cross join lateral (
       select t.kind, t.id, t.incarnation, t.position, t.digest from ledger_transitions t
       where ${inPlace('t')} and t.kind = n.kind and t.id = n.id offset 0) t`,
    [
      ...placeValues(place),
      folded.map(({ object }) => object.kind),
      folded.map(({ object }) => object.objectId),
    ],
  )
  return new Map(rows.map(row => [textOf(row), row]))
}

async function remove(db: Db, place: Place, gone: readonly Key[]): Promise<void> {
  if (gone.length === 0) return
  await db.query(
    `delete from ledger_transitions t using unnest($5::text[], $6::text[], $7::text[], $8::int[]) as n (kind, id, incarnation, position)
     where ${inPlace('t')} and t.kind = n.kind and t.id = n.id and t.incarnation = n.incarnation and t.position = n.position`,
    [
      ...placeValues(place),
      gone.map(({ kind }) => kind),
      gone.map(({ id }) => id),
      gone.map(({ incarnation }) => incarnation),
      gone.map(({ position }) => position),
    ],
  )
}
