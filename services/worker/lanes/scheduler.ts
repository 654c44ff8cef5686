import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Gives the slots of the worker that become free to those that were refused one: organizations take turns, each as many
 * in a row as its weight, and the lanes of an organization take turns within that. Lanes in doubt, which may not have
 * every slot, stand in a line of their own; the two lines take turns too.
 */
export interface Scheduler {
  /** A lane that the worker has no slot for. It stands in line once, however often it is added. */
  add(lane: Waiting): void
  /** A slot has become free. */
  next(): void
  readonly waiting: number
}

export interface Waiting {
  readonly organization: OrganizationId
  readonly isDoubtful: boolean
  /** Starts a delivery of this lane: false if it has none that may go now, so that another lane gets the slot. */
  serve(): boolean
}

/** Lanes that are asked for one free slot: most that are refused come back to the end of their line. */
const mostAsked = 4

interface Turn {
  readonly lanes: Set<Waiting>
  /** Turns that its organization has left before the next one's. */
  left: number
}

type Line = Map<OrganizationId, Turn>

/** @param weightOf turns in a row of an organization, from 1 */
export function openScheduler(weightOf: (organization: OrganizationId) => number = () => 1): Scheduler {
  let lines: readonly [Line, Line] = [new Map(), new Map()]
  const [well, doubtful] = lines
  let waiting = 0

  function takeFrom(line: Line): Waiting | undefined {
    for (const [organization, turn] of line) {
      const [lane] = turn.lanes
      if (!lane) continue
      waiting--
      turn.lanes.delete(lane)
      turn.left--
      if (turn.lanes.size === 0) line.delete(organization)
      else if (turn.left <= 0) {
        // To the end of the line.
        line.delete(organization)
        line.set(organization, { lanes: turn.lanes, left: weightOf(organization) })
      }
      return lane
    }
    return undefined
  }

  return {
    add(lane) {
      const { organization, isDoubtful } = lane
      const line = isDoubtful ? doubtful : well
      let turn = line.get(organization)
      if (!turn) {
        turn = { lanes: new Set(), left: weightOf(organization) }
        line.set(organization, turn)
      }
      if (turn.lanes.has(lane)) return
      turn.lanes.add(lane)
      waiting++
    },
    next() {
      for (let asked = 0; asked < mostAsked && waiting > 0; asked++) {
        lines = [lines[1], lines[0]]
        const lane = takeFrom(lines[0]) ?? takeFrom(lines[1])
        if (lane?.serve()) return
      }
    },
    get waiting() {
      return waiting
    },
  }
}
