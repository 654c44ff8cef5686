import { fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Log } from '@fairlead/daemon/log'
import { fromUuid } from '@fairlead/webhook/id'
import { ChangeSchema } from '@fairlead/wire/store/change'
import type { Pool } from 'pg'
import { writeAudit } from '../audit.ts'
import { inScope, isUnavailable } from '../scope.ts'
import { openWakeSignal } from '../wake-signal.ts'
import { rebuildLedger } from './rebuild.ts'
import type { RebuildRow } from './rebuilds.ts'

/*
 * Carries rebuilds out, one at a time in each store:
 *
 *   claim (pending, or running without a sign of life) ─▶ compute place after place, and say how far ─▶ note the end, with its audit entry
 *
 * A store that is killed leaves its claim behind, which another one takes after 30 s. A rebuild gives the same rows however often it begins.
 */

/** How often rebuilds that another store was asked for are looked for. */
const lookMs = 5_000
/** How often a store says that it is still at work. */
const aliveMs = 5_000
/** After so long without a word a store is taken for dead. */
const silentSeconds = 30
/** How often a rebuild is begun: Postgres may be away, others may hold a place for long, or its store is killed. */
const mostTries = 20

export interface RebuildTools {
  readonly pool: Pool
  readonly log: Log
  readonly now: () => number
}

export interface Rebuilds {
  /** One was asked for. */
  asked(): void
  /** Carries rebuilds out until the signal aborts; resolves when the last transaction has ended. */
  run(tools: RebuildTools & { readonly signal: AbortSignal }): Promise<void>
}

export function openRebuilds(): Rebuilds {
  const wake = openWakeSignal()
  return {
    asked: () => wake.raise(),
    async run(tools) {
      const { signal, log } = tools
      while (!signal.aborted) {
        const found = await runNext(tools, signal).catch((err: unknown) => {
          if (!signal.aborted) log.warn({ err }, 'ledger.not_rebuilt')
          return false
        })
        if (!found) await wake.raised(lookMs, signal)
      }
    },
  }
}

/** Answers whether there was one. */
async function runNext(tools: RebuildTools, signal: AbortSignal): Promise<boolean> {
  const row = await claim(tools.pool)
  if (!row) return false
  if (row.tries > mostTries) {
    tools.log.error({ tries: mostTries }, 'ledger.rebuild_failed')
    await end(tools, row, { objects: Number(row.objects), fault: neverEnded })
    return true
  }
  const progress = { objects: 0 }
  const alive = setInterval(() => {
    // The next sign of life comes anyway; another store begins anew only after several have failed.
    void sayAlive(tools.pool, row, progress.objects).catch(() => {})
  }, aliveMs)
  try {
    const organization = fromUuid('org', row.organization_id)
    await rebuildLedger(tools.pool, organization, { mode: row.mode ?? undefined, progress, signal })
    await end(tools, row, { objects: progress.objects, fault: undefined })
  } catch (err) {
    if (signal.aborted) await giveBack(tools.pool, row)
    else if (isPassing(err) && row.tries < mostTries) tools.log.warn({ err }, 'ledger.rebuild_waits')
    else {
      tools.log.error({ err }, 'ledger.rebuild_failed')
      await end(tools, row, {
        objects: progress.objects,
        fault: 'a fault of ours, which the log of the store tells',
      })
    }
  } finally {
    clearInterval(alive)
  }
  return true
}

const neverEnded = `begun ${mostTries} times, and its store ended before it each time: the log of the store tells why`

/** A lock that did not come, or Postgres is away: the claim runs out, and the rebuild begins again. */
function isPassing(error: unknown): boolean {
  if (isUnavailable(error)) return true
  return error instanceof Error && 'code' in error && /^(55P03|40P01|40001)$/.test(String(error.code))
}

async function claim(pool: Pool): Promise<RebuildRow | undefined> {
  return await inScope(pool, 'platform', async db => {
    const { rows } = await db.query<RebuildRow>(
      `update ledger_rebuilds set state = 'running', started_at = coalesce(started_at, now()), alive_at = now(), tries = tries + 1
       where (organization_id, id) = (
         select organization_id, id from ledger_rebuilds
         where state in ('pending', 'running') and (alive_at is null or alive_at < now() - make_interval(secs => $1))
         order by created_at limit 1 for update skip locked)
       returning *`,
      [silentSeconds],
    )
    return rows[0]
  })
}

async function sayAlive(pool: Pool, { organization_id, id }: RebuildRow, objects: number): Promise<void> {
  await inScope(pool, 'platform', db =>
    db.query(
      'update ledger_rebuilds set alive_at = now(), objects = $3 where organization_id = $1 and id = $2',
      [organization_id, id, objects],
    ),
  )
}

/** Another store may begin at once. A store that stops as it should counts as no try: a rebuild may outlast many. */
async function giveBack(pool: Pool, { organization_id, id }: RebuildRow): Promise<void> {
  await inScope(pool, 'platform', db =>
    db.query(
      `update ledger_rebuilds set state = 'pending', alive_at = null, tries = greatest(tries - 1, 0)
       where organization_id = $1 and id = $2`,
      [organization_id, id],
    ),
  )
}

async function end(
  { pool, now }: RebuildTools,
  row: RebuildRow,
  { objects, fault }: { readonly objects: number; readonly fault: string | undefined },
): Promise<void> {
  await inScope(pool, fromUuid('org', row.organization_id), async db => {
    const { rowCount } = await db.query(
      `update ledger_rebuilds set state = $3, objects = $4, fault = $5, ended_at = now(), alive_at = null
       where organization_id = $1 and id = $2 and ended_at is null`,
      [row.organization_id, row.id, fault ? 'failed' : 'completed', objects, fault ?? null],
    )
    if (!rowCount) return
    const change = row.change === null ? undefined : fromJson(ChangeSchema, row.change as JsonValue)
    const entry = {
      action: fault ? ('ledger.rebuild_failed' as const) : ('ledger.rebuilt' as const),
      subjectId: fromUuid('rbd', row.id),
      details: { objects },
    }
    // Under its own request it would be a repeat of the entry at the beginning.
    await writeAudit(db, row.organization_id, change && { ...change, requestId: '' }, entry, now())
  })
}
