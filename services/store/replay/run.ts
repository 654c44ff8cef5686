import type { Log } from '@fairlead/daemon/log'
import { fromUuid } from '@fairlead/webhook/id'
import { openPublisher, PublishError, type Publisher } from '@fairlead/wire/publish'
import type { NatsConnection } from '@nats-io/transport-node'
import type { Counter } from 'prom-client'
import { type Db, isUnavailable } from '../scope.ts'
import { type Backend, openSession, type Session } from '../session.ts'
import { StoreError } from '../store-error.ts'
import { openWakeSignal } from '../wake-signal.ts'
import { confirmHand, handOver, notAttempted, readHand } from './hand-over.ts'
import { readKept } from './kept.ts'
import { planPage } from './plan.ts'
import { readOpen, updateProgress } from './progress.ts'
import type { ReplayRow } from './rows.ts'
import { openTurns, type Turns } from './turns.ts'

/**
 * Carries Replays out, all of an installation, page by page in turn:
 *
 *   the one whose turn it is ─▶ plan a page ─▶ hand it over ─▶ confirm ─▶ its next turn: page ÷ rate later
 *                                  │ one transaction:  │ to DELIVERIES
 *                                  │ rows wait,        └ killed here: what is in hand is handed over again, and
 *                                  │ cursor, in hand     JetStream knows the ids of what it has
 *                                  └ pause and cancel take hold between pages
 *
 * One process at a time: it holds an advisory lock on the connection that writes. What stood in hand when the process
 * died is exact for as long as JetStream remembers ids (two minutes); after a longer outage in that very moment, those
 * of one page (a quarter of a second's worth) that were handed over and not attempted yet may be attempted twice.
 */

export interface ReplayTools {
  readonly databaseUrl: string
  readonly nats: NatsConnection
  readonly log: Log
  readonly metrics: ReplayMetrics
}

export interface ReplayMetrics {
  readonly published: Counter
}

/** Told by migration 0093 of Replays that can go on. */
const channel = 'fairlead_replays'
/** How often they are looked for besides, ms: a proxy before Postgres may pass nothing on. */
const pollMs = 5_000
const progressMs = 5_000
const backoffMs = 1_000
/** A page holds the deliveries of this time at the Replay's rate, 250 at most: a pause takes effect as soon. */
const pageMs = 250
/** Failures in a row after which a Replay is given up; those of a server that is away don't count. */
const mostFaults = 5

/** Runs Replays until the signal aborts; the page in hand is finished. */
export async function runReplays(tools: ReplayTools, signal: AbortSignal): Promise<void> {
  const wake = openWakeSignal()
  /** Since Replays were looked for last: nobody may have waited just then. */
  let isTold = false
  let before: Backend | undefined
  while (!signal.aborted) {
    try {
      await using session = await openSession(
        {
          databaseUrl: tools.databaseUrl,
          purpose: 'replays',
          listen: channel,
          wake() {
            isTold = true
            wake.raise()
          },
          before,
          began: backend => {
            before = backend
          },
        },
        signal,
      )
      await using publisher = openPublisher(tools.nats)
      const turns = openTurns(pollMs, backoffMs)
      let lookedAtMs = 0
      while (!signal.aborted) {
        session.check()
        const now = Date.now()
        if (now - lookedAtMs > progressMs) {
          for (const row of await session.commit(db => readOpen(db))) {
            await session.commit(db => updateProgress(db, row.organization_id, row.id))
          }
          lookedAtMs = now
        }
        isTold = false
        const active = await session.commit(readActive)
        const { id, waitMs } = turns.next(
          active.map(row => row.id),
          now,
        )
        if (id === undefined) {
          if (!isTold) await wake.raised(waitMs, signal)
        } else await turn(active.find(row => row.id === id)!, session, publisher, turns, tools)
      }
    } catch (err) {
      if (signal.aborted) return
      tools.log.warn({ err, delayMs: backoffMs }, 'replays.interrupted')
      await wake.raised(backoffMs, signal)
    }
  }
}

type ReplayKey = Pick<ReplayRow, 'organization_id' | 'id'>

async function turn(
  key: ReplayKey,
  session: Session,
  publisher: Publisher,
  turns: Turns,
  tools: ReplayTools,
): Promise<void> {
  const startedMs = Date.now()
  const ids = { organization: fromUuid('org', key.organization_id), replay: fromUuid('rpl', key.id) }
  try {
    const { row, count } = await takePage(key, session, publisher, tools)
    turns.taken(key.id, startedMs, (count / row.rate_per_second) * 1_000)
    tools.metrics.published.inc(count)
    if (row.state === 'completed') tools.log.info({ ...ids, published: row.published }, 'replay.completed')
  } catch (err) {
    const count = turns.failed(key.id, startedMs)
    session.check()
    if (isUnavailable(err)) throw err
    tools.log.warn({ err, ...ids }, 'replay.interrupted')
    if (isPassing(err) || count < mostFaults) return
    const fault = err instanceof Error ? err.message : String(err)
    await session.commit(db => giveUp(db, key, fault, new Date()))
    tools.log.error({ err, ...ids }, 'replay.failed')
  }
}

/** One page from its plan, or from where an earlier process left it, to its confirmation. */
async function takePage(
  key: ReplayKey,
  session: Session,
  publisher: Publisher,
  { nats }: ReplayTools,
): Promise<{ row: ReplayRow; count: number }> {
  const kept = await readKept(nats)
  const left = await session.commit(async db => {
    const row = await lock(db, key)
    if (row.in_hand !== null) return notAttempted(db, row, readHand(row))
    if (row.state !== 'pending' && row.state !== 'running') return undefined
    const size = Math.min(250, Math.max(1, Math.round((row.rate_per_second * pageMs) / 1_000)))
    await planPage(db, row, kept, size, new Date())
    return undefined
  })
  const row = await session.commit(db => lock(db, key))
  const hand = readHand(row)
  if (hand.length === 0) return { row, count: 0 }
  await handOver(publisher, left ?? hand)
  await session.commit(db => confirmHand(db, row, hand.length))
  return { row, count: hand.length }
}

async function readActive(db: Db): Promise<ReplayKey[]> {
  const { rows } = await db.query<ReplayKey>(
    `select organization_id, id from replays
     where (state in ('pending', 'running') or in_hand is not null) and state <> 'failed' order by created_at`,
  )
  return rows
}

/**
 * The row, locked: a pause or cancellation waits until the page is planned. The projection writes the same deliveries; in
 * a deadlock with it, this transaction gives way.
 */
async function lock(db: Db, { organization_id, id }: ReplayKey): Promise<ReplayRow> {
  await db.query("set local lock_timeout = '500ms'")
  const { rows } = await db.query<ReplayRow>(
    'select * from replays where organization_id = $1 and id = $2 for update',
    [organization_id, id],
  )
  return rows[0]!
}

async function giveUp(db: Db, key: ReplayKey, fault: string, now: Date): Promise<void> {
  await db.query(
    `update replays set state = 'failed', ended_at = $3, fault = $4
     where organization_id = $1 and id = $2 and ended_at is null`,
    [key.organization_id, key.id, now, fault.slice(0, 500)],
  )
}

/** NATS is away, or others held what this needed (55P03 lock_not_available, 40P01 deadlock_detected). */
function isPassing(error: unknown): boolean {
  if (error instanceof PublishError) return true
  if (error instanceof StoreError) return error.code === 'nats_unavailable'
  return error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '40P01')
}
