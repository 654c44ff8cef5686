import type { Folded, Row } from '@fairlead/ledger/rows'
import type { InPlace } from './place.ts'

/** An object with what its fold gave. */
export interface FoldedObject {
  readonly object: InPlace
  readonly folded: Folded
}

/** The incarnation in force: the newest. */
export const headOf = ({ folded }: FoldedObject): Row => folded.rows.at(-1) as Row
