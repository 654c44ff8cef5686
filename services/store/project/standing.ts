import { readNextOfLeader } from '@fairlead/wire/read'
import { failingForMs, type Trouble } from '@fairlead/wire/trouble'
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { type Positions, type ProjectedStream, projected } from './position.ts'

/**
 * How far the log lags behind the ends of its streams: measured outside of the projection's loop, which may hang.
 *
 * The loop reports its position; readiness and metrics ask the streams for their ends. So a projection that hangs, for
 * whatever reason, is noticed.
 */

export type ProjectorState =
  /** Connects, or was interrupted and tries again. */
  | { readonly kind: 'starting' }
  /** Another process writes the log. */
  | { readonly kind: 'waiting' }
  | { readonly kind: 'leading'; readonly positions: Positions }

export interface Lag {
  /** Messages that are not in the log, of each stream. */
  readonly behind: Readonly<Record<ProjectedStream, number>>
  /** How long ago the oldest of them was stored, in ms; 0 where there is none. */
  readonly ageMs: number
}

export interface Standing {
  /** Reports the loop's step and positions. Changed positions count as progress. */
  tell(state: ProjectorState): void
  /** From now on this tells whether a stream can be read. */
  reads(stream: ProjectedStream, trouble: Pick<Trouble, 'sinceMs'>): void
  /** For how long a stream could not be read, ms; 0 while it can, and where this process doesn't read. */
  unreadableForMs(stream: ProjectedStream): number
  /** Whether this process writes the log. */
  readonly leading: boolean
  /** Measured now, within 2 s. Rejects where NATS doesn't answer; undefined while the positions are not known. */
  measure(): Promise<Lag | undefined>
  /** Why this process is not ready: the log has not moved for too long, although there is something to write. */
  standstill(): Promise<string | undefined>
}

export interface StandingOptions {
  readonly nats: NatsConnection
  /** The positions as Postgres has them, for a process that doesn't lead. */
  stored(): Promise<Partial<Positions>>
  /** How long the log may stand although there is something to write, in ms. Default 15,000. */
  readonly standstillMs?: number
}

/** A question to the streams; a readiness check has 2 s for all of them. */
const askMs = 1_000

export function openStanding({ nats, stored, standstillMs = 15_000 }: StandingOptions): Standing {
  let state: ProjectorState = { kind: 'starting' }
  let known: Partial<Positions> | undefined
  let movedMs = performance.now()
  let asking: Promise<JetStreamManager> | undefined
  const readers = new Map<ProjectedStream, Pick<Trouble, 'sinceMs'>>()

  function unreadableForMs(stream: ProjectedStream): number {
    const trouble = readers.get(stream)
    return trouble ? failingForMs([trouble]) : 0
  }

  async function positions(): Promise<Partial<Positions> | undefined> {
    if (state.kind === 'waiting') known = await stored().catch(() => known)
    return known
  }

  async function measure(): Promise<Lag | undefined> {
    asking ??= jetstreamManager(nats, { checkAPI: false, timeout: askMs })
    const manager = await asking
    const at = await positions()
    if (!at) return undefined
    const behind = {} as Record<ProjectedStream, number>
    let ageMs = 0
    await Promise.all(
      projected.map(async stream => {
        const { state: end } = await manager.streams.info(stream)
        const next = Math.max((at[stream] ?? 0) + 1, end.first_seq)
        behind[stream] = end.messages === 0 ? 0 : Math.max(0, end.last_seq - next + 1)
        if (behind[stream] === 0) return
        const first = await readNextOfLeader(manager, stream, { subject: '>', seq: next })
        // The clock of nats-server may be ahead of ours.
        if (first) ageMs = Math.max(ageMs, Date.now() - first.time.getTime())
      }),
    )
    return { behind, ageMs }
  }

  return {
    measure,
    unreadableForMs,
    reads: (stream, trouble) => void readers.set(stream, trouble),
    get leading() {
      return state.kind === 'leading'
    },
    tell(next) {
      // A loop that begins again and again at the same positions makes no progress.
      const moved =
        next.kind === 'leading' && projected.some(stream => next.positions[stream] !== known?.[stream])
      if (moved || state.kind === 'waiting') movedMs = performance.now()
      if (next.kind === 'leading') known = next.positions
      state = next
      if (next.kind !== 'leading') readers.clear()
    },
    async standstill() {
      if (state.kind === 'waiting') return undefined
      const unreadable = projected.find(stream => unreadableForMs(stream) > standstillMs)
      if (unreadable) return `${unreadable} can't be read for ${seconds(unreadableForMs(unreadable))}`
      const stoodMs = performance.now() - movedMs
      if (stoodMs < standstillMs) return undefined
      const lag = await measure()
      if (!lag) return `the log has not been opened for ${seconds(stoodMs)}`
      const behind = projected.filter(stream => lag.behind[stream] > 0)
      if (behind.length === 0 || lag.ageMs < standstillMs) return undefined
      return `the log has stood still for ${seconds(Math.min(stoodMs, lag.ageMs))}: ${behind
        .map(stream => `${stream} has ${lag.behind[stream]} messages more`)
        .join(', ')}`
    },
  }
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`
