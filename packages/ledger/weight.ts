import { type Fact, formOf, type PersonalChange } from './facts.ts'
import { rules } from './fold/fold.ts'
import type { AnyRules } from './fold/rules.ts'

/**
 * How much a fact counts where its object has more facts than are folded: those of greater weight are, and of equal ones the later.
 *
 * | weight | fact |
 * | --- | --- |
 * | 2 | nothing later undoes it: a deletion, an erasure, an end |
 * | 1 | it may change the row |
 * | 0 | the provider's before-image says that nothing changed that the ledger keeps, such as an update of metadata, also after an end |
 *
 * It depends on the fact alone, so that which facts are folded depends on the set of facts alone.
 */
export type Weight = 0 | 1 | 2

/** The most facts of one object that are folded. */
export const mostFolded = 1_000

/** @param personal what the fact says of a customer's personal data, which stands beside it */
export function weightOf(
  fact: Pick<Fact, 'kind' | 'after' | 'before' | 'complete' | 'eventId'>,
  personal: PersonalChange | undefined,
): Weight {
  if (formOf(fact) !== 'snapshot') return 1
  const changed = [...Object.keys(fact.before ?? { '': 0 }), ...Object.keys(personal?.before ?? {})]
  // First: an invoice that is paid may be updated a thousand times, and each update says that it is paid. A deletion has no before-image.
  if (changed.length === 0) return 0
  const { status, deleted, redacted }: Readonly<Record<string, unknown>> = { ...fact.after }
  const { ends }: AnyRules = rules[fact.kind]
  if (deleted === true || redacted === true || (typeof status === 'string' && ends.includes(status))) return 2
  return 1
}
