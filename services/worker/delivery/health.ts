import { blames, isOwnFault, type Outcome } from '@fairlead/webhook/outcome'
import type { Health } from '../lanes/lane.ts'

/** What an outcome says about the destination's health, and about the health of its host. Pure. */
export function healthOf(outcome: Outcome): Health {
  if (outcome.kind === 'delivered') return 'well'
  if (outcome.kind === 'throttled') return 'throttled'
  // The delivery is dead without an attempt.
  if (isOwnFault(outcome.kind)) return 'unknown'
  const blame = blames(outcome)
  switch (blame) {
    case 'destination':
      return 'failing'
    case 'host':
      return 'unreachable'
    case 'own':
      return 'faulty'
    case 'none':
      return 'unknown'
    default:
      return blame satisfies never
  }
}
