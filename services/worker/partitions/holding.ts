import { setTimeout as delay } from 'node:timers/promises'
import type { Claim, Claims } from './claims.ts'

/**
 * One partition in this worker, as one state that one step at a time changes. So a partition can't be opened twice, and
 * no claim is forgotten before its deletion is sure.
 *
 *   idle ─claim─▶ claimed ─open─▶ running ─drain──┐
 *    ▲ ▲             │               │            │
 *    │ └── release ◀─┴───────────────┼────────────┤  the claim is still ours, and not wanted
 *    └───────────── abandon ◀────────┴────────────┘  another worker's claim replaced ours
 *
 * Each opening follows a write of its own to the bucket, and holds for that revision alone: whatever replaces the entry,
 * a late write of this worker's former life too, ends it.
 */

/** What is run for each partition that is held. */
export interface HeldPartition {
  /** Finishes what is in hand, so that little is repeated by the next owner, and closes. Must not reject. */
  drain(): Promise<void>
  /** Another worker has it already: stops at once and closes. Must not reject. */
  abandon(): Promise<void>
}

export type HoldingState<Held> =
  | { readonly kind: 'idle' }
  | { readonly kind: 'claiming' }
  | { readonly kind: 'claimed'; readonly revision: number }
  | { readonly kind: 'opening'; readonly revision: number; readonly lost: AbortController }
  | {
      readonly kind: 'running'
      readonly revision: number
      readonly lost: AbortController
      readonly held: Held
    }
  | {
      readonly kind: 'draining'
      readonly revision: number
      readonly lost: AbortController
      readonly held: Held
    }
  | { readonly kind: 'abandoning'; readonly held: Held }
  | { readonly kind: 'releasing' }

/** What the worker's plan says of a partition. A claim that is wanted may replace that revision alone. */
export type Wish = { readonly kind: 'unwanted' } | { readonly kind: 'wanted'; readonly replacing: number }

export type Step = 'rest' | 'read' | 'claim' | 'open' | 'drain' | 'abandon' | 'release'

export interface HoldingView {
  readonly state: HoldingState<unknown>['kind']
  /** The revision of our claim, where the state has one. */
  readonly revision: number | undefined
  readonly wish: Wish
  readonly claim: Claim
  readonly inDoubt: boolean
  readonly me: string
}

/** Decides what is to be done with a partition. Pure. */
export function nextStep({ state, revision, wish, claim, inDoubt, me }: HoldingView): Step {
  const isOurs = claim.owner === me
  switch (state) {
    case 'idle':
      if (inDoubt) return 'read'
      if (wish.kind === 'wanted') return claim.revision === wish.replacing ? 'claim' : 'rest'
      return isOurs ? 'release' : 'rest'
    case 'claimed':
      if (!isOurs || claim.revision !== revision) return 'abandon'
      return wish.kind === 'wanted' ? 'open' : 'release'
    case 'running':
      if (!isOurs || claim.revision !== revision) return 'abandon'
      return wish.kind === 'wanted' ? 'rest' : 'drain'
    case 'claiming':
    case 'opening':
    case 'draining':
    case 'abandoning':
    case 'releasing':
      return 'rest'
    default:
      return state satisfies never
  }
}

const retryMs = 250

export interface HoldingOptions<Held> {
  readonly me: string
  readonly claims: Claims
  /** Opens the partition. `lost` aborts when the worker ends, or another one has it: then opening rejects, and what runs stops at once. */
  open(partition: number, lost: AbortSignal): Promise<Held>
  moved(partition: number, change: 'claimed' | 'released' | 'lost'): void
  /** A step failed, and is tried again. */
  failed(error: unknown): void
}

export interface Holding<Held> {
  readonly state: HoldingState<Held>
  /** Since when a claimed partition does not run although it should, on the clock of `performance.now()`. */
  readonly overdueSinceMs: number | undefined
  wish(wish: Wish): void
  /** Something that the next step depends on may have changed. */
  look(): void
  /** Drains and releases the partition: resolves when it is sure that the bucket does not name this worker, or the signal aborts. */
  leave(signal: AbortSignal): Promise<void>
}

export function openHolding<Held extends HeldPartition>(
  partition: number,
  options: HoldingOptions<Held>,
): Holding<Held> {
  const { me, claims, failed } = options
  let state: HoldingState<Held> = { kind: 'idle' }
  let wish: Wish = { kind: 'unwanted' }
  let overdueSinceMs: number | undefined
  let stepping = false
  let steps = Promise.resolve()

  function next(): Step {
    const revision = 'revision' in state ? state.revision : undefined
    return nextStep({
      state: state.kind,
      revision,
      wish,
      claim: claims.of(partition),
      inDoubt: claims.inDoubt(partition),
      me,
    })
  }

  /** Takes steps until there is nothing to do, or one failed: the next look tries again. */
  function proceed(): Promise<void> {
    if (!stepping) steps = takeSteps()
    return steps
  }

  async function takeSteps(): Promise<void> {
    stepping = true
    try {
      for (let step = next(); step !== 'rest'; step = next()) await take(step)
    } catch (error) {
      overdueSinceMs ??= performance.now()
      failed(error)
    }
    stepping = false
  }

  async function take(step: Exclude<Step, 'rest'>): Promise<void> {
    switch (step) {
      case 'read':
        return claims.read(partition)
      case 'claim':
        return claim()
      case 'open':
        return open()
      case 'drain':
        return drain()
      case 'abandon':
        return abandon()
      case 'release':
        return release()
      default:
        return step satisfies never
    }
  }

  async function claim(): Promise<void> {
    state = { kind: 'claiming' }
    try {
      state = { kind: 'claimed', revision: await claims.take(partition) }
    } catch (error) {
      state = { kind: 'idle' }
      // Another worker was quicker: the plan decides again once the claim has been read.
      if (!isOutrun(error)) throw error
    }
  }

  async function open(): Promise<void> {
    if (state.kind !== 'claimed') return
    const { revision } = state
    const lost = new AbortController()
    state = { kind: 'opening', revision, lost }
    try {
      const held = await options.open(partition, lost.signal)
      state = { kind: 'running', revision, lost, held }
      overdueSinceMs = undefined
      options.moved(partition, 'claimed')
    } catch (error) {
      // Tried again with a claim of its own, once the next plan names this revision.
      state = { kind: 'idle' }
      if (!lost.signal.aborted) throw error
    }
  }

  async function drain(): Promise<void> {
    if (state.kind !== 'running') return
    const { held, lost } = state
    state = { ...state, kind: 'draining' }
    await held.drain().catch(failed)
    if (lost.signal.aborted) options.moved(partition, 'lost')
    state = { kind: 'idle' }
  }

  async function abandon(): Promise<void> {
    overdueSinceMs = undefined
    wish = { kind: 'unwanted' }
    if (state.kind === 'running') {
      const { held, lost } = state
      lost.abort()
      state = { kind: 'abandoning', held }
      options.moved(partition, 'lost')
      await held.abandon().catch(failed)
    }
    state = { kind: 'idle' }
  }

  async function release(): Promise<void> {
    state = { kind: 'releasing' }
    try {
      await claims.give(partition)
      overdueSinceMs = undefined
      options.moved(partition, 'released')
    } finally {
      state = { kind: 'idle' }
    }
  }

  return {
    get state() {
      return state
    },
    get overdueSinceMs() {
      return overdueSinceMs
    },
    wish(next) {
      wish = next
      void proceed()
    },
    look() {
      const { owner, revision } = claims.of(partition)
      // A step that takes its time is told at once.
      if ('lost' in state && (owner !== me || revision !== state.revision)) state.lost.abort()
      void proceed()
    },
    async leave(signal) {
      wish = { kind: 'unwanted' }
      if (state.kind === 'opening') state.lost.abort()
      for (;;) {
        await proceed()
        if (next() === 'rest' || signal.aborted) return
        await delay(retryMs, undefined, { signal }).catch(() => {})
      }
    },
  }
}

/** JetStream's "wrong last sequence". */
const isOutrun = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 10071 || error.code === 10164)
