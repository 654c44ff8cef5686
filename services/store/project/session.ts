import { Client } from 'pg'
import { type Db, enterStatement } from '../scope.ts'

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
        `begin; set local statement_timeout = ${statementTimeoutMs}; ${enterStatement('platform')}`,
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
