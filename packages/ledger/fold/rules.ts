import type { AttributesOf, ObjectKind } from '../attributes.ts'

type KeyOf<K extends ObjectKind> = Extract<keyof AttributesOf[K], string>

/** How the facts of one kind of object become its row. Attributes that no list names are those of the last snapshot that tells them. */
export interface Rules<K extends ObjectKind> {
  /** The attributes of a placeholder. */
  readonly blank: AttributesOf[K]
  /** Statuses and where they stand. Empty for kinds without one. */
  readonly positions: Readonly<Record<string, number>>
  /** Statuses that no other follows. */
  readonly ends: readonly string[]
  /** The status never falls to a lower position, in whatever order the snapshots are: it is a join in a lattice. */
  readonly lattice: boolean
  /** Which of two different statuses of one position counts. The other is an anomaly if the first counts. */
  readonly tie: 'first' | 'last'
  /** Never change once they have a value. */
  readonly setOnce: readonly KeyOf<K>[]
  /** Keep the greatest value: amounts and counts that only grow. */
  readonly greatest: readonly KeyOf<K>[]
  /** Stay true. */
  readonly sticky: readonly KeyOf<K>[]
  /** A null of a later snapshot doesn't erase them once the object has ended. */
  readonly keptAfterEnd: readonly KeyOf<K>[]
  /** A list that is final from a position on: a cut-short list of a later snapshot doesn't replace the whole one. */
  readonly finalList: { readonly key: KeyOf<K>; readonly from: number } | null
  /** What makes a transition. */
  readonly compared: readonly KeyOf<K>[]
  /** Status → those that the provider's documents let follow. Null where all may. */
  readonly legal: Readonly<Record<string, readonly string[]>> | null
  /** Attributes that are money. */
  readonly money: readonly KeyOf<K>[]
}

/** Rules of any kind: what code that serves all kinds reads. */
export type AnyRules = Pick<Rules<ObjectKind>, WithoutStatus> & {
  readonly blank: object
  readonly setOnce: readonly string[]
  readonly greatest: readonly string[]
  readonly sticky: readonly string[]
  readonly keptAfterEnd: readonly string[]
  readonly finalList: { readonly key: string; readonly from: number } | null
  readonly compared: readonly string[]
  readonly money: readonly string[]
}

type WithoutStatus = 'positions' | 'ends' | 'lattice' | 'tie' | 'legal'
type Optional = 'greatest' | 'sticky' | 'keptAfterEnd' | 'finalList' | 'money'

/** Rules with what most kinds don't need left out. */
export function rulesOf<K extends ObjectKind>(
  rules: Omit<Rules<K>, Optional> & Partial<Pick<Rules<K>, Optional>>,
): Rules<K> {
  return { greatest: [], sticky: [], keptAfterEnd: [], finalList: null, money: [], ...rules }
}

/** Of kinds that have no status. */
export const noStatus: Pick<Rules<ObjectKind>, WithoutStatus> = {
  positions: {},
  ends: [],
  lattice: false,
  tie: 'last',
  legal: null,
}
