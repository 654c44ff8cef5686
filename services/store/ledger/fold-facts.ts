import { foldInSteps } from '@fairlead/ledger/fold/fold'
import type { FoldedObject } from './folded-object.ts'
import { openPauses } from './pause.ts'
import type { FoldableObject } from './read-facts.ts'

/** The rows of objects, computed in slices: facts of one organization that are laborious to fold keep no other one waiting. */
export async function foldFacts(objects: readonly FoldableObject[]): Promise<FoldedObject[]> {
  const pauses = openPauses()
  const folded: FoldedObject[] = []
  for (const { object, ...foldable } of objects) {
    const folding = foldInSteps(object.kind, foldable)
    let step = folding.next()
    while (!step.done) {
      if (pauses.isDue()) await pauses.take()
      step = folding.next()
    }
    folded.push({ object, folded: step.value })
    if (pauses.isDue()) await pauses.take()
  }
  return folded
}
