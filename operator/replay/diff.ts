import { ReplayState } from '@fairlead/wire/store/replay'
import type { ConditionReason } from './condition-types.ts'
import { type DesiredReplay, desiredReplay } from './desired.ts'
import { isFinished } from './finished.ts'
import type { Snapshot } from './observe.ts'

export type Action =
  /** Marks the resource, so that its deletion waits until it is cancelled in the store. */
  | { readonly kind: 'claim' }
  /** Counts only. */
  | { readonly kind: 'count'; readonly organizationId: string; readonly desired: DesiredReplay }
  /** Makes it, or finds the one that was made for this resource. */
  | { readonly kind: 'create'; readonly organizationId: string; readonly desired: DesiredReplay }
  | {
      readonly kind: 'pause' | 'resume' | 'cancel'
      readonly organizationId: string
      readonly replayId: string
    }
  /** Lets a deleted resource go. */
  | { readonly kind: 'release' }
  /** Its time is over: deletes the resource. */
  | { readonly kind: 'expire' }

/** Why nothing is done. */
export interface Obstacle {
  readonly reason: Extract<
    ConditionReason,
    'OrganizationMissing' | 'DestinationMissing' | 'StoreUnavailable' | 'Lost'
  >
  readonly message: string
}

export interface Plan {
  /** In this order; each is safe to repeat. */
  readonly actions: readonly Action[]
  readonly obstacle?: Obstacle
}

/**
 * Decides the actions for a Replay. Pure.
 *
 *   dryRun, or paused before it began ──▶ count, once a generation
 *   else, not in the store            ──▶ claim, create ──▶ running ⇄ paused ──▶ ended ──▶ expire after its time
 *   deleted                           ──▶ cancel, release
 */
export function diff(snapshot: Snapshot): Plan {
  const { declared, organizationId, stored, before } = snapshot
  if (declared.deleting) return takeDown(snapshot)
  if (isOver(snapshot)) return { actions: [{ kind: 'expire' }] }
  if (isFinished(before) || isCounted(snapshot)) return { actions: [] }
  const obstacle = findObstacle(snapshot)
  if (obstacle || organizationId === undefined) return { actions: [], ...(obstacle && { obstacle }) }
  const { paused, dryRun } = declared.replay.spec
  if (stored) {
    const isPaused = stored.state === ReplayState.PAUSED
    const isOpen = isPaused || stored.state === ReplayState.PENDING || stored.state === ReplayState.RUNNING
    if (!isOpen || isPaused === paused) return { actions: [] }
    return { actions: [{ kind: paused ? 'pause' : 'resume', organizationId, replayId: stored.id }] }
  }
  const desired = desiredReplay(declared, snapshot.destinations)
  return dryRun || paused
    ? { actions: [{ kind: 'count', organizationId, desired }] }
    : { actions: [{ kind: 'claim' }, { kind: 'create', organizationId, desired }] }
}

/** Whether it is only to be counted, and was counted for the present spec. */
function isCounted({ declared, before }: Snapshot): boolean {
  const { dryRun, paused } = declared.replay.spec
  return (
    (dryRun || paused) &&
    before?.replayId === undefined &&
    before?.matched !== undefined &&
    before.phase !== 'Pending' &&
    before.observedGeneration === declared.generation
  )
}

function takeDown({ organizationId, stored, unavailable }: Snapshot): Plan {
  if (unavailable) {
    const message = `it is being deleted, and is cancelled first: ${unavailable.message}`
    return { actions: [], obstacle: { reason: 'StoreUnavailable', message } }
  }
  // Without its Organization in force there is nothing left to cancel.
  const cancel: readonly Action[] =
    stored && organizationId !== undefined && !stored.endedAt
      ? [{ kind: 'cancel', organizationId, replayId: stored.id }]
      : []
  return { actions: [...cancel, { kind: 'release' }] }
}

function findObstacle({
  declared,
  organizationId,
  destinations,
  stored,
  before,
  unavailable,
}: Snapshot): Obstacle | undefined {
  if (unavailable) return { reason: 'StoreUnavailable', message: unavailable.message }
  const { organization, destinations: named } = declared.replay.spec
  if (organizationId === undefined) {
    const message = `there is no Organization ${organization} in this namespace, or it is not in force yet: make it, or see its condition Ready`
    return { reason: 'OrganizationMissing', message }
  }
  if (before?.replayId !== undefined) {
    if (stored) return undefined
    return { reason: 'Lost', message: 'the store has this Replay no more: delete it, and make another one' }
  }
  const missing = named.filter(name => !destinations.has(name))
  if (missing.length === 0) return undefined
  const message = `the Organization has no destination ${missing.join(', ')}: there are ${[...destinations.keys()].join(', ') || 'none'}`
  return { reason: 'DestinationMissing', message }
}

/** When the resource is to be deleted, Unix time in ms; undefined: it stays, or has not ended. */
export function expiresAtMs({ declared, before }: Pick<Snapshot, 'declared' | 'before'>): number | undefined {
  const ttl = declared.replay.spec.ttlSecondsAfterFinished
  const endedAt = before?.observedGeneration === declared.generation ? before.endedAt : undefined
  return ttl === undefined || endedAt === undefined ? undefined : Date.parse(endedAt) + ttl * 1_000
}

function isOver(snapshot: Snapshot): boolean {
  const atMs = expiresAtMs(snapshot)
  return atMs !== undefined && atMs <= snapshot.nowMs
}
