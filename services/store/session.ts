import { Client } from 'pg'
import { type Db, enterStatement } from './scope.ts'

/** A connection to Postgres of one's own. It holds a lock, so nobody else writes what it writes. */
export interface Session extends AsyncDisposable {
  /** Does work in one transaction under the platform's scope. */
  commit<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** Throws if the connection, and with it the lock, is gone. */
  check(): void
}

/** The most that one statement of a batch may take; a full one takes about 50 ms. */
const statementTimeoutMs = 30_000

/**
 * A batch looks up a thousand rows by key, and the index is always the way. Left to itself, Postgres joins them by
 * reading every day of the log once a batch: it took 700 instead of 20 ms with 420,000 events.
 */
const planByIndex =
  'set local enable_hashjoin = off; set local enable_mergejoin = off; set local enable_seqscan = off; ' +
  'set local max_parallel_workers_per_gather = 0; set local jit = off'

/**
 * Connects and waits until this is the only one of its purpose.
 *
 * @param wake called when the connection breaks
 */
export async function openSession(
  databaseUrl: string,
  signal: AbortSignal,
  wake: () => void,
  purpose: 'projection' | 'replays' = 'projection',
): Promise<Session> {
  const client = new Client({
    connectionString: databaseUrl,
    application_name: `fairlead ${purpose}`,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
  })
  let broken: Error | undefined
  client.on('error', error => {
    broken = error
    wake()
  })
  // The log doesn't wait for the disk: should Postgres lose its last commits, it loses their positions with them, and
  // the same messages are read again. What a Replay has planned must not be lost once it is published.
  const durability = purpose === 'projection' ? 'set local synchronous_commit = off; ' : ''
  const close = () => void client.end().catch(() => {})
  signal.addEventListener('abort', close, { once: true })
  try {
    await client.connect()
    await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [`fairlead.${purpose}`])
  } catch (error) {
    close()
    throw error
  } finally {
    // From here on, what is in hand is finished before the connection closes.
    signal.removeEventListener('abort', close)
  }
  return {
    check() {
      if (broken) throw broken
    },
    async commit(work) {
      await client.query(
        `begin; ${durability}set local statement_timeout = ${statementTimeoutMs}; ${planByIndex}; ${enterStatement('platform')}`,
      )
      try {
        const result = await work(client)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch((failed: Error) => {
          broken ??= failed
        })
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => {})
    },
  }
}
