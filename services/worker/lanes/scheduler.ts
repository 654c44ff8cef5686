import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * Offers free slots of the worker to lanes that were refused a slot. Organizations take turns, each with as many turns in
 * a row as its weight, and an organization's lanes take turns within these. Lanes in doubt, which may not use every slot,
 * stand in a line of their own; the two lines take turns too.
 */
export interface Scheduler {
  /** Puts a lane that was refused a slot in line. It stands in line once, however often it is added. */
  add(lane: Waiting): void
  /** A slot has become free. */
  next(): void
  readonly waiting: number
}

export interface Waiting {
  readonly organization: OrganizationId
  readonly isDoubtful: boolean
  /** Starts a delivery of this lane. False if none may start now: the slot is then offered to another lane. */
  serve(): boolean
}

/** Lanes to which one free slot is offered, at most. */
const mostAsked = 4

interface Turn {
  readonly lanes: Set<Waiting>
  /** Turns that the organization has left before the next organization's turn. */
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
