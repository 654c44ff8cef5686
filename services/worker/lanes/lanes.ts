import type { DestinationId, OrganizationId } from '@fairlead/webhook/id'
import type { Destination, Organization } from '../directory.ts'
import type { Engine } from '../engine.ts'
import { type Breaker, openBreaker } from './breaker.ts'
import {
  type Admission,
  type Health,
  type Lane,
  type LaneKind,
  laneBreaker,
  momentMs,
  openLane,
} from './lane.ts'

/** The lanes of one partition. A lane exists while it has something in it or something to remember. */
export interface Lanes {
  /** Asks lane and worker for a slot. What is granted must be given back by `finish`. */
  admit(destination: Destination, kind: LaneKind, bytes: number): Admission
  /** For a new delivery whose lane is full: waits for a slot, where the lane moves on. Undefined: it isn't worth waiting. */
  admitSoon(destination: Destination, bytes: number): Soon | undefined
  finish(destination: Destination, kind: LaneKind, bytes: number, health: Health, retryAfterMs?: number): void
  /** Deliveries of this lane that were parked (1) or have left the park (-1), or all that a count found. */
  parked(organization: OrganizationId, id: DestinationId, change: number): void
  waiting(id: DestinationId): number
  /** A lane that is forgotten is well. */
  state(id: DestinationId): Lane['state']
  /** The configuration of an organization has changed. */
  changed(organization: Organization): void
  states(): Iterable<{ state: Lane['state']; waiting: number }>
  close(): void
}

export interface Soon {
  /** After `momentMs` at most. False: it got no slot. */
  readonly granted: Promise<boolean>
  /**
   * Whether the next event should wait for that. Processors are short, the lane is brisk, and no other organization's
   * events come here: then only its own organization waits, and would wait longer if this were parked.
   */
  readonly holds: boolean
}

/** New deliveries that wait for a moment, for each slot of their lane. */
const queuedPerSlot = 4
/** Where new deliveries of another organization came in the last so many ms, they may come again. */
const sharedMs = 60_000
/**
 * After so long without another attempt, ms, a breaker that is closed counts anew: so few attempts burden no one, and
 * follow their retry schedule.
 */
const countedMs = 2_000
/** More are forgotten, oldest first. */
const mostFailed = 10_000

/** @param drain starts to empty the park of a lane, if it has room; called often, and cheap when there is nothing to do */
export function openLanes(
  engine: Pick<Engine, 'directory' | 'hosts' | 'slots' | 'queuedBytes' | 'shortage' | 'hungry' | 'now'>,
  drain: (organization: OrganizationId, id: DestinationId) => void,
): Lanes {
  interface Entry {
    readonly lane: Lane
    readonly breaker: Breaker
    readonly organization: OrganizationId
    /** Always the same function, so that a queue can hold it once. */
    readonly resume: () => void
    /** Deliveries that wait for a moment, oldest first. */
    readonly queued: Set<Queued>
    timer?: NodeJS.Timeout | undefined
  }
  interface Queued {
    /** Asks once more; whether there was a slot. */
    ask(): boolean
    giveUp(): void
  }
  const lanes = new Map<DestinationId, Entry>()
  /** Destinations whose last attempt failed, with what their breaker counts: remembered when the lane is forgotten. */
  const failed = new Map<DestinationId, { readonly breaker: Breaker; readonly atMs: number }>()
  let closed = false
  /** Whose new delivery came last. */
  let latest: OrganizationId | undefined
  /** Until then this partition counts as shared by several organizations. */
  let sharedUntilMs = 0

  function came(organization: OrganizationId): void {
    if (latest !== undefined && latest !== organization) sharedUntilMs = engine.now() + sharedMs
    latest = organization
  }

  function entryOf(id: DestinationId, organization: OrganizationId): Entry {
    const known = lanes.get(id)
    if (known) return known
    const destination = engine.directory.destination(organization, id)
    const limits = destination?.config ?? { concurrency: 1, paused: false }
    const last = failed.get(id)
    const counts = last && engine.now() - last.atMs < countedMs
    const breaker = counts ? last.breaker : openBreaker(laneBreaker)
    const lane = openLane(limits, engine.hosts.breaker(destination?.host ?? ''), breaker)
    const resume = () => drain(organization, id)
    const entry: Entry = { lane, breaker, organization, resume, queued: new Set() }
    lanes.set(id, entry)
    return entry
  }

  function remember(id: DestinationId, breaker: Breaker, health: Health): void {
    if (health === 'well' || health === 'throttled') failed.delete(id)
    if (health !== 'failing' && health !== 'unreachable') return
    failed.set(id, { breaker, atMs: engine.now() })
    const [oldest] = failed.keys()
    if (failed.size > mostFailed && oldest) failed.delete(oldest)
  }

  /** Asks again when there is reason to hope; one timer a lane. */
  function later(id: DestinationId, organization: OrganizationId, untilMs: number): void {
    const entry = entryOf(id, organization)
    if (entry.timer || closed) return
    entry.timer = setTimeout(
      () => {
        entry.timer = undefined
        entry.resume()
      },
      Math.max(1, untilMs - engine.now()),
    )
  }

  const lanesOfPartition: Lanes = {
    admit(destination, kind, bytes) {
      const { id, organization } = destination
      const { lane, resume } = entryOf(id, organization.id)
      if (kind === 'new') came(organization.id)
      const doubtful = failed.has(id) || lane.mayHang(engine.now())
      if (!engine.slots.take(organization.id, bytes, doubtful)) {
        engine.hungry.add(organization.id, resume, doubtful)
        return { kind: 'wait', why: 'no_slot' }
      }
      const admission = lane.admit(kind, engine.now())
      if (admission.kind === 'wait') {
        engine.slots.give(organization.id, bytes)
        // This turn was of no use to it: the next that waits for a slot gets it. Not now, so that turns don't nest.
        setImmediate(engine.hungry.next)
        if (admission.untilMs !== undefined) later(id, organization.id, admission.untilMs)
      }
      return admission
    },
    admitSoon(destination, bytes) {
      const { id, organization } = destination
      const { lane, queued } = entryOf(id, organization.id)
      const nowMs = engine.now()
      if (closed || failed.has(id) || !lane.movesOn(nowMs)) {
        if (queued.size === 0) return undefined
        // Those that wait are parked first, or it would come before them.
        for (const { giveUp } of queued) giveUp()
        return { granted: Promise.resolve(false), holds: false }
      }
      if (!engine.queuedBytes.take(organization.id, bytes)) return undefined
      // The oldest, so that they are parked in their order.
      const [oldest] = queued
      if (queued.size >= queuedPerSlot * lane.room) oldest?.giveUp()
      const granted = new Promise<boolean>(resolve => {
        function leave(granted: boolean): void {
          clearTimeout(timer)
          queued.delete(own)
          engine.queuedBytes.give(organization.id, bytes)
          resolve(granted)
        }
        const own: Queued = {
          ask() {
            const granted = lanesOfPartition.admit(destination, 'new', bytes).kind === 'go'
            if (granted) leave(true)
            return granted
          },
          giveUp: () => leave(false),
        }
        const timer = setTimeout(own.giveUp, momentMs)
        queued.add(own)
      })
      return { granted, holds: engine.shortage.lasts && lane.brisk && nowMs >= sharedUntilMs }
    },
    finish(destination, kind, bytes, health, retryAfterMs) {
      const { id, organization } = destination
      const { lane, breaker, queued } = entryOf(id, organization.id)
      lane.finish(kind, health, engine.now(), retryAfterMs)
      remember(id, breaker, health)
      engine.slots.give(organization.id, bytes)
      for (const { ask } of queued) if (!ask()) break
      if (lane.waiting > 0) drain(organization.id, id)
      else if (lane.idle && queued.size === 0) lanes.delete(id)
      engine.hungry.next()
    },
    parked(organization, id, change) {
      const { lane, queued } = entryOf(id, organization)
      lane.waiting = Math.max(0, lane.waiting + change)
      if (lane.idle && queued.size === 0) lanes.delete(id)
    },
    waiting: id => lanes.get(id)?.lane.waiting ?? 0,
    state: id => lanes.get(id)?.lane.state ?? 'well',
    changed(organization) {
      for (const [id, entry] of lanes) {
        if (entry.organization !== organization.id) continue
        const destination = organization.destinations.get(id)
        if (destination) entry.lane.change(destination.config)
        else if (entry.lane.inFlight === 0 && entry.lane.waiting === 0) lanes.delete(id)
        entry.resume()
      }
    },
    *states() {
      for (const { lane } of lanes.values()) yield { state: lane.state, waiting: lane.waiting }
    },
    close() {
      closed = true
      for (const { timer, queued } of lanes.values()) {
        clearTimeout(timer)
        for (const { giveUp } of queued) giveUp()
      }
    },
  }
  return lanesOfPartition
}
