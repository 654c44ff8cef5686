import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { openTurns, type Turns } from '@fairlead/daemon/turns'
import type { OrganizationId } from '@fairlead/webhook/id'
import { type ClientConfig, Pool } from 'pg'

/**
 * Connections to Postgres with a limit on every wait. A server that is frozen, or a network that swallows packets, closes
 * nothing and answers nothing: only a clock of our own tells it from a slow one.
 *
 *   connect             5 s    a connection, its authentication, or a turn in the pool
 *   statement_timeout   30 s   (or the call's deadline) the server gives a statement up: it is slow, or waits for a lock
 *   lock_timeout        10 s   the server gives up a wait for a lock: whoever holds it has hung
 *   query_timeout       the statement's and 2 s   we give the connection up: the server says nothing at all
 *   keepalive           10 s   the kernel looks whether the other end of an idle connection is there
 */

export const connectTimeoutMs = 5_000
/** How long one statement may take, unless its caller gives another time. A full batch of the log takes 50 ms. */
export const statementTimeoutMs = 30_000
/** How long a statement may wait for a lock. Statements that hold locks take milliseconds, and 30 s at most. */
export const lockTimeoutMs = 10_000
/** How long a transaction may do nothing: its client has hung, and holds locks. */
export const idleTimeoutMs = 60_000
/** How much later than the server this side gives a statement up: time for the answer to travel. */
const answerMs = 2_000
const keepAliveMs = 10_000
/** How long closing waits for goodbyes before it cuts. */
const closeMs = 2_000

/** For a connection whose statements take `statementMs` at most. `sockets` is told each socket, so that it can be cut. */
export function connectionConfig(
  databaseUrl: string,
  name: string,
  statementMs: number,
  sockets: Set<Socket>,
): ClientConfig {
  return {
    connectionString: databaseUrl,
    application_name: `fairlead ${name}`,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs(statementMs),
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    stream: () => {
      const socket = new Socket()
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      return socket
    },
  }
}

/** When this side gives up a statement that the server gives up after `statementMs`. */
export const queryTimeoutMs = (statementMs: number): number => statementMs + answerMs

/**
 * For whom a connection is taken: an organization, the platform's own work, or `short`, the look-ups that every request begins
 * with (whose key is this, which organization is this) and the health check.
 */
type Turn = OrganizationId | 'platform' | 'short'

/** Connections that organizations take in turns, so that the statements of one don't hold up the others' (`scope.ts`). */
export type SharedPool = Pool & { readonly turns: Turns<Turn> }

/** Requests of one organization that wait for a connection, at most. With 50 ms a call, more would wait longer than 5 s. */
export const mostWaiting = 500
/** Connections that are kept for short look-ups: one of four, two at most; fewer than four are too few to keep any. */
const reservedOf = (connections: number): number => Math.min(2, Math.floor(connections / 4))

/**
 * A pool for calls. One organization has half of the connections at most, and short look-ups go first. Disposing it waits for what
 * is in hand, and then 2 s at most for the connections to close.
 */
export function openPool(databaseUrl: string, connections: number): { pool: SharedPool } & AsyncDisposable {
  const sockets = new Set<Socket>()
  const pool = new Pool({
    ...connectionConfig(databaseUrl, 'store', statementTimeoutMs, sockets),
    max: connections,
  })
  // The pool listens to its idle connections only. A connection that breaks between two statements of a transaction raises
  // an `error` that would end the process; the transaction's next statement fails by itself.
  pool.on('connect', client => client.on('error', () => {}))
  const turns: SharedPool['turns'] = openTurns({
    places: connections,
    // The platform's own work is bounded where it is asked for.
    mostOfOne: turn => (turn === 'platform' ? connections : Math.ceil(connections / 2)),
    waitMs: connectTimeoutMs,
    mostWaiting,
    first: { includes: turn => turn === 'short', reserved: reservedOf(connections) },
  })
  return {
    pool: Object.assign(pool, { turns }),
    [Symbol.asyncDispose]: () => close(() => pool.end(), sockets),
  }
}

/** Ends connections; those that have not said goodbye after 2 s are cut. */
export async function close(end: () => Promise<void>, sockets: ReadonlySet<Socket>): Promise<void> {
  const abort = new AbortController()
  const late = delay(closeMs, undefined, { signal: abort.signal }).catch(() => {})
  await Promise.race([end().catch(() => {}), late])
  abort.abort()
  for (const socket of sockets) socket.destroy()
}

/** pg's words for an answer that did not come within `query_timeout`; it gives them no code. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout'
