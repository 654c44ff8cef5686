import type { Log } from '@fairlead/daemon/log'
import type { Tracing } from '@fairlead/telemetry/tracing'
import type { OrganizationId } from '@fairlead/webhook/id'
import { judgeLatency, objectiveMs } from '@fairlead/webhook/objective'
import type { AttemptRecord } from '@fairlead/wire/attempt'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Counter, Histogram } from 'prom-client'
import type { Slo } from '../organizations/rows.ts'
import { type Backend, openSession, type Session } from '../session.ts'
import { openWakeSignal, type WakeSignal } from '../wake-signal.ts'
import { type Applied, applyBatch } from './apply-batch.ts'
import { type Inputs, openInputs } from './inputs.ts'
import { type Positions, readPositions, writePositions } from './position.ts'
import type { Standing } from './standing.ts'
import { type Batch, halves, isFull, isReady, positionsAfter, takeBatch } from './take-batch.ts'
import { traceBatch } from './trace-batch.ts'

/**
 * The projection: messages of the streams EVENTS, ATTEMPTS and DEAD become rows of the log.
 *
 *   wait until something came ─▶ linger ─▶ gather what came ─▶ take a batch ─▶ fold ─▶ one transaction: rows and positions
 *        ▲                                                                                  │
 *        └──────────────────────────────────────────────────────────────────────────────────┘
 *
 * Exact after any crash, because the position in the streams is written in the transaction that writes the rows, and the
 * streams are read from that position. One projector at a time: it holds an advisory lock on the connection that writes. Postgres or NATS away:
 * everything is closed, and opened again from the positions.
 */

export interface ProjectOptions {
  readonly databaseUrl: string
  readonly nats: NatsConnection
  readonly log: Log
  readonly metrics: ProjectionMetrics
  /** Default: no trace is exported. */
  readonly tracing?: Tracing | undefined
  /** Told the projection's state. */
  readonly standing: Pick<Standing, 'tell' | 'reads'>
  /** The most that one statement may take, in ms. Default 30,000. */
  readonly statementMs?: number
  /** Called after a commit that brought new events of these organizations into the log. */
  accepted(organizations: ReadonlySet<OrganizationId>): void
  /** Of all organizations that declare objectives of their own: what they judge is counted. Default: none. */
  slos?(): ReadonlyMap<OrganizationId, Slo>
  /** Called after a commit with the events that are new in the log, and the attempts of the batch. */
  counted?(events: Applied['events'], attempts: readonly AttemptRecord[]): void
}

export interface ProjectionMetrics {
  readonly projected: Counter<'stream'>
  readonly skipped: Counter<'stream'>
  readonly orphaned: Counter
  readonly unrouted: Counter
  readonly batchSeconds: Histogram
  readonly objectives: Counter<'objective' | 'result'>
}

/** How long a batch waits for more: an event and its first attempt are written together. */
const lingerMs = 100
/** From one batch to the next, unless there is more than one: a batch costs as much as twenty of its events. */
const pauseMs = 300
/** How long a record waits for its event before EVENTS is asked whether the event can still come. */
const patienceMs = 5_000
const maxBackoffMs = 5_000

/** Projects until the signal aborts; the batch in hand is finished. */
export async function project(options: ProjectOptions, signal: AbortSignal): Promise<void> {
  const { databaseUrl, nats, log, standing, statementMs } = options
  const wake = openWakeSignal()
  let failures = 0
  let before: Backend | undefined
  while (!signal.aborted) {
    try {
      await using session = await openSession(
        {
          databaseUrl,
          purpose: 'projection',
          wake: wake.raise,
          waits: () => standing.tell({ kind: 'waiting' }),
          before,
          began: backend => {
            before = backend
          },
          statementMs,
        },
        signal,
      )
      const manager = await jetstreamManager(nats)
      const stored = await session.commit(readPositions)
      await using inputs = await openInputs(nats, manager, stored, wake.raise, log, standing)
      standing.tell({ kind: 'leading', positions: inputs.positions })
      log.info({ positions: inputs.positions }, 'projection.started')
      failures = 0
      let isBehind = false
      let endedMs = 0
      while (!signal.aborted) {
        const dueMs = isBehind ? undefined : endedMs + pauseMs
        isBehind = await step(session, inputs, wake.raised, dueMs, options, signal)
        endedMs = performance.now()
      }
    } catch (err) {
      if (signal.aborted) break
      failures += 1
      const delayMs = Math.min(maxBackoffMs, 100 * 2 ** failures)
      log.warn({ err, delayMs }, 'projection.interrupted')
      await wake.raised(delayMs, signal)
    } finally {
      standing.tell({ kind: 'starting' })
    }
  }
}

type Raised = WakeSignal['raised']

/**
 * Waits for one batch and applies it. Answers whether it was full, so that there is more.
 * @param dueMs not applied before; undefined: applied as soon as it can be
 */
async function step(
  session: Session,
  inputs: Inputs,
  raised: Raised,
  dueMs: number | undefined,
  options: ProjectOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const released = await untilReady(session, inputs, raised, signal)
  if (dueMs !== undefined) {
    const lingered = Math.max(dueMs, performance.now() + lingerMs)
    while (!signal.aborted && performance.now() < lingered) await raised(lingered - performance.now(), signal)
  }
  await inputs.gather()
  const isBehind = isFull(inputs)
  // What has come is applied also when the signal has aborted: then the next start has less to read.
  if (isReady(inputs, released)) await apply(session, inputs, takeBatch(inputs, released), options)
  return isBehind
}

/** Resolves when a batch can be applied. True: records that wait for their event need wait no longer. */
async function untilReady(
  session: Session,
  inputs: Inputs,
  raised: Raised,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    session.check()
    for (const reader of [inputs.events, inputs.attempts, inputs.dead]) {
      if (reader.failure) throw reader.failure
    }
    if (isReady(inputs, false) || signal.aborted) return false
    const blocked = inputs.attempts.buffer.length + inputs.dead.buffer.length > 0
    const woken = await raised(blocked ? patienceMs : undefined, signal)
    // EVENTS has nothing more: it was purged, cut by age or made anew, and the event will not come.
    if (!woken && blocked && (await inputs.events.isAtEnd())) return true
  }
}

/**
 * Applies a batch. Where Postgres refuses a value, the batch is cut in half again and again, until the message that can't
 * be written is alone: it is counted, logged and left out, and never stops the others.
 */
async function apply(session: Session, inputs: Inputs, batch: Batch, options: ProjectOptions): Promise<void> {
  const positions = positionsAfter(batch)
  const commit = <T>(work: Parameters<typeof session.commit<T>>[0]) =>
    session.commit(async db => {
      const result = await work(db)
      await writePositions(db, positions, inputs.created)
      return result
    })
  try {
    const end = options.metrics.batchSeconds.startTimer()
    const startMs = Date.now()
    const applied = await commit(async db => {
      const applied = await applyBatch(db, batch, options.slos?.())
      // Missing events won't come any more, unless EVENTS was made anew and the reader hasn't noticed yet.
      if (applied.orphans > 0) await inputs.verifyEvents()
      return applied
    })
    end()
    if (options.tracing) traceBatch(batch, options.tracing, startMs, Date.now())
    moveTo(inputs, positions, options)
    tell(batch, applied, options)
  } catch (err) {
    if (!isDataFault(err)) throw err
    const parts = halves(batch)
    if (parts) {
      for (const part of parts) await apply(session, inputs, part, options)
      return
    }
    await commit(async () => {})
    moveTo(inputs, positions, options)
    options.log.error({ err, positions }, 'projection.skipped')
    options.metrics.skipped.inc({ stream: Object.keys(positions)[0] ?? '' })
  }
}

function moveTo(inputs: Inputs, positions: Partial<Positions>, { standing }: ProjectOptions): void {
  inputs.positions = { ...inputs.positions, ...positions }
  standing.tell({ kind: 'leading', positions: inputs.positions })
}

function tell(batch: Batch, applied: Applied, { log, metrics, accepted, counted }: ProjectOptions): void {
  for (const [stream, messages] of [
    ['EVENTS', batch.events],
    ['ATTEMPTS', batch.attempts],
    ['DEAD', batch.dead],
  ] as const) {
    for (const { seq, error } of messages) {
      if (error === undefined) continue
      log.error({ err: error, stream, seq }, 'projection.skipped')
      metrics.skipped.inc({ stream })
    }
    metrics.projected.inc({ stream }, messages.length)
  }
  metrics.orphaned.inc(applied.orphans)
  judgeLogged(batch, metrics.objectives)
  counted?.(applied.events, applied.attempts)
  // One line for an organization and batch: a source without a route may take thousands of events a second.
  for (const [organizationId, events] of applied.unrouted) {
    metrics.unrouted.inc(events)
    log.info({ organizationId, events }, 'event.unrouted')
  }
  if (applied.accepted.size > 0) accepted(applied.accepted)
}

/** The objective of the log: each event of a committed batch, from its receipt. */
function judgeLogged({ events }: Batch, objectives: ProjectionMetrics['objectives']): void {
  const nowMs = Date.now()
  let good = 0
  let bad = 0
  for (const { value } of events) {
    if (!value) continue
    if (judgeLatency(nowMs - value.receivedAt, objectiveMs.log) === 'good') good++
    else bad++
  }
  objectives.inc({ objective: 'log', result: 'good' }, good)
  objectives.inc({ objective: 'log', result: 'bad' }, bad)
}

/** Classes 21, 22 and 23 (a statement's values), or a date that can't be written as text. */
function isDataFault(error: unknown): boolean {
  if (error instanceof RangeError) return true
  return error instanceof Error && 'code' in error && /^2[123]...$/.test(String(error.code))
}
