import type { Socket } from 'node:net'
import { Client, escapeIdentifier, type QueryResult } from 'pg'
import {
  close,
  connectionConfig,
  idleTimeoutMs,
  isUnanswered,
  lockTimeoutMs,
  statementTimeoutMs,
} from './postgres.ts'
import { type Db, enterStatement } from './scope.ts'

/** A connection to Postgres of one's own. It holds a lock, so nobody else writes what it writes. */
export interface Session extends AsyncDisposable {
  /**
   * Does work in one transaction under the platform's scope. Statements are sent at once, in the order in which they are
   * made, also while earlier ones are not answered: those that need no answer are awaited together.
   */
  commit<T>(work: (db: Db) => Promise<T>): Promise<T>
  /** Throws if the connection, and with it the lock, is gone. */
  check(): void
}

export interface SessionOptions {
  readonly databaseUrl: string
  readonly purpose: 'projection' | 'replays'
  /** Called when the connection breaks, and when the channel `listen` is notified. */
  wake(): void
  /** A channel of NOTIFY. Default: none. */
  readonly listen?: string | undefined
  /** Called once where another process holds the lock. */
  waits?(): void
  /** The session of this purpose that this process had before: its connection may still hold the lock. */
  readonly before?: Backend | undefined
  /** Called with this connection as the server knows it. The next session of this purpose takes it as `before`. */
  began?(backend: Backend): void
  /** The most that one statement may take, in ms. Default 30,000. */
  readonly statementMs?: number | undefined
}

/** A connection as the server knows it. */
export interface Backend {
  readonly pid: number
  /** A process id is given again: with the start, it names one connection. */
  readonly started: string
}

/**
 * A batch looks up a thousand rows by key, and the index is always the way. Left to itself, Postgres joins them by
 * reading every day of the log once a batch: it took 700 instead of 20 ms with 420,000 events.
 */
const planByIndex =
  'set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; ' +
  'set max_parallel_workers_per_gather = 0; set jit = off; set plan_cache_mode = force_generic_plan'

/** Statements that a connection keeps prepared, at most. Their texts are fixed: there are some thirty. */
const maxPrepared = 200

/** How the server finds out that we are gone, in seconds: 25 s after our last sign. Else it would hold our lock for hours. */
const serverKeepAlive =
  'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3'

/** How long what is in hand may take once the process is to end, in ms. */
const inHandMs = 5_000
/** A lock that another process holds is asked for this often, in ms; at first sooner: it may just be ending. */
const maxLockPollMs = 500

/** Connects and waits until this is the only session of its purpose, or until the signal aborts, which rejects. */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
  const { purpose, statementMs = statementTimeoutMs } = options
  const sockets = new Set<Socket>()
  const config = connectionConfig(options.databaseUrl, purpose, statementMs, sockets)
  // Statements that don't wait for each other's answers leave together.
  const client = new Client({ ...config, pipeline: true })
  let broken: Error | undefined
  client.on('error', error => {
    broken ??= error
    options.wake()
  })
  client.on('notification', () => options.wake())
  const closeClient = () => close(() => client.end(), sockets)
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    // pg 8.23 never settles a `connect` whose client is ended meanwhile.
    await Promise.race([begin(client, options, signal), aborted.promise])
  } catch (error) {
    await closeClient()
    throw error
  } finally {
    // From here on, what is in hand is finished before the connection closes.
    signal.removeEventListener('abort', abort)
  }
  // The log doesn't wait for the disk: should Postgres lose its last commits, it loses their positions with them, and
  // the same messages are read again. What a Replay has planned must not be lost once it is published.
  const durability = purpose === 'projection' ? 'set local synchronous_commit = off; ' : ''
  // What is in hand may be finished, but not against a server that says nothing.
  const cut = () => setTimeout(() => void closeClient(), inHandMs).unref()
  if (signal.aborted) cut()
  else signal.addEventListener('abort', cut, { once: true })
  const enter =
    `begin; ${durability}set local statement_timeout = ${statementMs}; set local lock_timeout = ${Math.min(statementMs, lockTimeoutMs)}; ` +
    `set local idle_in_transaction_session_timeout = ${idleTimeoutMs}; ${enterStatement('platform')}`
  const nameOf = openNames()
  let transactions = 0
  const roll = async (error: unknown) => {
    if (isUnanswered(error)) {
      broken ??= error as Error
      return
    }
    await client.query('rollback').catch((failed: Error) => {
      broken ??= failed
    })
  }
  return {
    check() {
      if (broken) throw broken
    },
    async commit(work) {
      let over = false
      const query = (text: string, values?: unknown[]): Promise<QueryResult> => {
        // After a rollback, a statement would be a transaction of its own.
        if (over) return Promise.reject(new Error('the transaction is over'))
        return client.query(values ? { name: nameOf(text), text, values } : { text })
      }
      try {
        const entered = client.query(enter)
        const [result] = await Promise.all([work({ query } as Db), entered])
        over = true
        await client.query(isPowerOfTwo(++transactions) ? 'commit; discard plans' : 'commit')
        return result
      } catch (error) {
        over = true
        await roll(error)
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', cut)
      await closeClient()
    },
  }
}

/**
 * Names for statements: a statement with a name is planned once for its connection. A batch of the log is some twenty
 * statements over tables of many partitions, and to plan them takes Postgres longer than to run them.
 */
function openNames(): (text: string) => string {
  const names = new Map<string, string>()
  return text => {
    let name = names.get(text)
    if (name === undefined) {
      // Without a name, a statement is planned each time: so a text that is put together anew each time costs no memory.
      name = names.size < maxPrepared ? `s${names.size}` : ''
      if (name) names.set(text, name)
    }
    return name
  }
}

/**
 * When statements are planned anew: plans are made for tables as large as they are, and those of a new log are empty. Each plan
 * serves until there were twice as many transactions.
 */
const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0

async function begin(client: Client, options: SessionOptions, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  await client.connect()
  await client.query(`${serverKeepAlive}; ${planByIndex}`)
  await takeLock(client, options, signal)
  if (options.listen) await client.query(`listen ${escapeIdentifier(options.listen)}`)
}

/**
 * Asks for the lock again and again, each time within the time limits: a wait in the server could not be told from a
 * server that is frozen. Ends our own session before, if the server believes it to be there still.
 */
async function takeLock(client: Client, options: SessionOptions, signal: AbortSignal): Promise<void> {
  const { purpose, before, began, waits } = options
  const { rows } = await client.query<Backend>(
    'select pid, backend_start::text as started from pg_stat_activity where pid = pg_backend_pid()',
  )
  if (before) {
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1 and backend_start = $2::timestamptz',
      [before.pid, before.started],
    )
  }
  for (let tries = 0; ; tries++) {
    const { rows: answers } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock(hashtextextended($1, 0)) as taken',
      [`fairlead.${purpose}`],
    )
    if (answers[0]?.taken) break
    if (tries === 0) waits?.()
    await new Promise(resolve => setTimeout(resolve, Math.min(maxLockPollMs, 10 * 2 ** tries)))
    signal.throwIfAborted()
  }
  if (rows[0]) began?.(rows[0])
}
