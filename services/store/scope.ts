import { createHash } from 'node:crypto'
import { TurnError } from '@fairlead/daemon/turns'
import { type OrganizationId, toUuid } from '@fairlead/webhook/id'
import type { Mode } from '@fairlead/wire/mode'
import type { ClientBase, Pool, QueryConfig, QueryResultRow } from 'pg'
import {
  idleTimeoutMs,
  isUnanswered,
  lockTimeoutMs,
  queryTimeoutMs,
  type SharedPool,
  statementTimeoutMs,
} from './postgres.ts'
import { StoreError } from './store-error.ts'

/** For whom a transaction works. Outside of a scope, Postgres shows no row and takes none. */
export type Scope = OrganizationId | 'platform'

export type Db = Pick<ClientBase, 'query'>

export interface ScopeOptions {
  /** The most that one statement may take, in milliseconds. Default 30,000. */
  timeoutMs?: number | undefined
  /** Data of this mode alone is shown and taken. Default: of both. */
  mode?: Mode | undefined
  /** A look-up by key, of a few milliseconds: it gets a connection before all other work. Default: it waits for its scope's turn. */
  short?: boolean | undefined
  /**
   * Statements with parameters are planned for each connection without a look at the parameters, go from row to row by indexes, and are planned
   * anew after a second, and after twice as long each time, ten minutes at most. For work whose statements are few and the same each time. One that
   * selects all columns of a table fails once on each connection after a migration that adds one. Default: planned for each call.
   */
  planned?: boolean | undefined
}

/**
 * Does work in one transaction under a scope, committed when `work` resolves and rolled back when it rejects. Rejects
 * with a StoreError: `postgres_unavailable` if Postgres can't be reached, `busy` if too many requests of the scope wait for a
 * connection, or its turn doesn't come in time.
 * `work` must not wait for another transaction: it has a connection, and the other one may need it.
 */
export async function inScope<T>(
  pool: Pool & Partial<Pick<SharedPool, 'turns'>>,
  scope: Scope,
  work: (db: Db) => Promise<T>,
  options: ScopeOptions = {},
): Promise<T> {
  const timeoutMs = Math.max(1, Math.round(options.timeoutMs ?? statementTimeoutMs))
  try {
    using _turn = await pool.turns?.take(options.short ? 'short' : scope)
    const client = await pool.connect()
    let broken = true
    try {
      const db = within(client, queryTimeoutMs(timeoutMs), options.planned ?? false)
      await db.query(
        `begin; set local statement_timeout = ${timeoutMs}; set local lock_timeout = ${Math.min(timeoutMs, lockTimeoutMs)}; ` +
          `set local idle_in_transaction_session_timeout = ${idleTimeoutMs}; ${options.planned ? planOnce + agePlans(client) : ''}` +
          enterStatement(scope, options.mode),
      )
      const result = await work(db)
      await db.query('commit')
      broken = false
      return result
    } catch (error) {
      // A connection that doesn't answer, whose plans are stale, or whose rollback fails, goes back to nobody.
      if (!isUnanswered(error) && !isPlanStale(error)) {
        await client.query('rollback').then(
          () => {
            broken = false
          },
          () => {},
        )
      }
      throw error
    } finally {
      client.release(broken)
    }
  } catch (error) {
    if (error instanceof TurnError) {
      throw new StoreError('busy', 'too many requests wait for a connection to Postgres', { cause: error })
    }
    throw isUnavailable(error) && !(error instanceof StoreError)
      ? new StoreError('postgres_unavailable', 'Postgres can not be reached', { cause: error })
      : error
  }
}

/**
 * A plan that is kept was made when the tables may have been empty, where to read all of one costs least. Before PostgreSQL 18 what is off counts as
 * ten billion in a plan that can't do without it, for which a server with JIT would compile the statement at each call.
 */
const planOnce =
  'set local plan_cache_mode = force_generic_plan; set local enable_seqscan = off; set local enable_hashjoin = off; ' +
  'set local enable_mergejoin = off; set local jit = off; '

/** Plans of a connection: since when they are kept, and for how long, ms. */
const kept = new WeakMap<ClientBase, { readonly sinceMs: number; readonly forMs: number }>()
const keptMs = { least: 1_000, most: 600_000 }

/**
 * Plans are made anew after a second, and after twice as long each time: which index is best may not show before tables have rows.
 * @returns the statement that forgets them, where it is time
 */
function agePlans(client: ClientBase): string {
  const nowMs = performance.now()
  const known = kept.get(client)
  if (known && nowMs < known.sinceMs + known.forMs) return ''
  const forMs = known ? Math.min(keptMs.most, 2 * known.forMs) : keptMs.least
  kept.set(client, { sinceMs: nowMs, forMs })
  return known ? 'discard plans; ' : ''
}

/** A migration added a column to what a kept plan answers. Postgres refuses it for as long as the connection lasts. */
const isPlanStale = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  error.code === '0A000' &&
  'routine' in error &&
  error.routine === 'RevalidateCachedQuery'

/** Gives a statement up after a time of this work's own: the pool's is for statements of the usual length. */
function within(client: ClientBase, timeoutMs: number, planned: boolean): Db {
  const query = (text: string, values?: unknown[]) => {
    // pg reads a query's own query_timeout; its types don't know of it.
    const statement: QueryConfig & { query_timeout: number } = { text, query_timeout: timeoutMs }
    if (!values) return client.query(statement)
    return client.query({ ...statement, values, ...(planned && { name: nameOf(text) }) })
  }
  return { query } as Db
}

const names = new Map<string, string>()

/** A name that no other text has: connections keep plans by it. */
function nameOf(text: string): string {
  const name = names.get(text) ?? createHash('sha256').update(text).digest('hex').slice(0, 32)
  names.set(text, name)
  return name
}

/** Sets the scope of the transaction that is open. In the text, in one round trip with `begin`: a UUID from `toUuid` is hexadecimal whatever comes in. */
export function enterStatement(scope: Scope, mode: Mode | '' = ''): string {
  const forMode = `set local fairlead.mode = '${mode}'`
  return scope === 'platform'
    ? `set local fairlead.organization_id = ''; set local fairlead.scope = 'platform'; ${forMode}`
    : `set local fairlead.scope = ''; set local fairlead.organization_id = '${toUuid(scope)}'; ${forMode}`
}

/**
 * One statement that reads both modes in a transaction of one mode, within its organization: for places in the log (sequence numbers,
 * times) alone, never for what is shown. Under its mode a statement walks each row of the other one to find the next. Should it
 * fail, Postgres takes no other statement of the transaction.
 */
export async function readAcrossModes<Row extends QueryResultRow>(
  db: Db,
  mode: Mode | undefined,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  if (mode) await db.query("set local fairlead.mode = ''")
  const { rows } = await db.query<Row>(text, [...values])
  if (mode) await db.query(`set local fairlead.mode = '${mode}'`)
  return rows
}

/**
 * Whether an error means that Postgres is away or has no connection left, and the same may work later: no connection, a
 * connection that broke, shutting down or starting up, too many connections, too many that wait.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'postgres_unavailable' || error.code === 'busy'
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  return (
    /^(08...|57P0[1-5]|53300|25P0[34]|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN)$/.test(
      code,
    ) ||
    // pg gives these no code.
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Query read timeout|Client was closed)/.test(
      error.message,
    )
  )
}
