import { Connection, openScratch, type Remote } from './connection.ts'
import type { Dial } from './dial.ts'
import { EgressError } from './egress-error.ts'

/**
 * Keep-alive connections, a set for each remote (origin, owner, client certificate):
 *
 *   borrow ─ idle one? ─ room for a new one? ─ else wait ─▶ ready(connection) ─▶ giveBack: to a waiter, idle, or closed
 *
 * A remote without connections costs nothing: it is forgotten.
 */
export interface Connections extends AsyncDisposable {
  /**
   * Calls `waiter.ready` with a connection that is nobody else's until `giveBack`: at once, or when there is room.
   * @param fresh not one that has been used before
   */
  borrow(remote: Remote, waiter: Waiter, fresh: boolean): void
  /** Stops waiting. */
  cancel(remote: Remote, waiter: Waiter): void
  /** It is kept if it is reusable, and closed if not. */
  giveBack(connection: Connection): void
  /** Whether a remote has as many connections as it may have; false: those in all are too many. */
  isFull(remote: Remote): boolean
  readonly counts: ConnectionCounts
}

/** `open` has `idle` in it. `waiting` are requests. */
export interface ConnectionCounts {
  readonly open: number
  readonly idle: number
  readonly waiting: number
}

export interface Waiter {
  ready(connection: Connection): void
  /** There will be none: the connections are closed. */
  refused(error: Error): void
}

/** The connections of one remote. */
interface Pool {
  readonly remote: Remote
  readonly idle: Connection[]
  open: number
  /** First come, first served. */
  readonly waiting: Set<Waiter>
}

export interface ConnectionLimits {
  /** Connections to one remote. */
  readonly perRemote: number
  /** Connections in all, idle ones too; those make room when it is needed. */
  readonly total: number
  /** Milliseconds that an idle connection is kept; a shorter Keep-Alive of the peer counts. */
  readonly idleMs: number
  /** Milliseconds after which a connection takes no new request, so that a changed DNS answer takes effect. */
  readonly lifetimeMs: number
  /** Bytes of a response's head. */
  readonly maxHeadBytes: number
}

/** So long before the peer closes an idle connection it takes no new request: the request could cross the closing. */
const keepAliveMarginMs = 1000

export function openConnections(dial: Dial, limits: ConnectionLimits): Connections {
  return new Pools(dial, limits)
}

class Pools implements Connections {
  readonly #dial: Dial
  readonly #limits: ConnectionLimits
  readonly #scratch = openScratch()
  readonly #pools = new Map<string, Pool>()
  /** The longest idle first. */
  readonly #idle = new Set<Connection>()
  readonly #all = new Map<Connection, Pool>()
  /** Pools whose waiters wait for room in the total, in turn. */
  readonly #starved = new Set<Pool>()
  #sweeper: NodeJS.Timeout | undefined
  #sweepMs = 0
  #disposed = false

  constructor(dial: Dial, limits: ConnectionLimits) {
    this.#dial = dial
    this.#limits = limits
  }

  borrow(remote: Remote, waiter: Waiter, fresh: boolean): void {
    if (this.#disposed) {
      waiter.refused(stopped())
      return
    }
    const pool = this.#poolOf(remote)
    const connection = fresh ? undefined : this.#takeIdle(pool)
    if (connection) {
      waiter.ready(connection)
      return
    }
    pool.waiting.add(waiter)
    this.#pools.set(remote.key, pool)
    this.#admit(pool)
  }

  cancel(remote: Remote, waiter: Waiter): void {
    const pool = this.#pools.get(remote.key)
    pool?.waiting.delete(waiter)
    if (pool?.waiting.size === 0) {
      this.#starved.delete(pool)
      if (pool.open === 0) this.#pools.delete(remote.key)
    }
  }

  giveBack(connection: Connection): void {
    const pool = this.#all.get(connection)
    if (!pool) return
    connection.release()
    const nowMs = performance.now()
    const { idleMs, lifetimeMs } = this.#limits
    const keptMs = Math.min(idleMs, (connection.parser.head.keepAliveMs ?? Infinity) - keepAliveMarginMs)
    if (!connection.reusable || nowMs - connection.openedMs > lifetimeMs || keptMs <= 0) {
      this.#close(connection)
      return
    }
    for (const next of pool.waiting) {
      pool.waiting.delete(next)
      next.ready(connection)
      return
    }
    pool.idle.push(connection)
    this.#idle.add(connection)
    connection.expiresMs = nowMs + keptMs
    this.#sweepAt(connection.expiresMs, nowMs)
    for (const hungry of this.#starved) {
      this.#starved.delete(hungry)
      this.#admit(hungry)
      return
    }
  }

  isFull(remote: Remote): boolean {
    return (this.#pools.get(remote.key)?.open ?? 0) >= this.#limits.perRemote
  }

  get counts(): ConnectionCounts {
    let waiting = 0
    for (const pool of this.#pools.values()) waiting += pool.waiting.size
    return { open: this.#all.size, idle: this.#idle.size, waiting }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true
    clearTimeout(this.#sweeper)
    const waiting = [...this.#pools.values()].flatMap(pool => [...pool.waiting])
    const closing = [...this.#all.keys()].map(connection => {
      const gone = connection.holder
      const closed = connection.close()
      gone?.lost(stopped())
      return closed
    })
    this.#all.clear()
    this.#idle.clear()
    this.#pools.clear()
    this.#starved.clear()
    for (const waiter of waiting) waiter.refused(stopped())
    await Promise.all(closing)
  }

  #poolOf(remote: Remote): Pool {
    let pool = this.#pools.get(remote.key)
    if (!pool) {
      pool = { remote, idle: [], open: 0, waiting: new Set() }
      this.#pools.set(remote.key, pool)
    }
    return pool
  }

  /** The one used last: its peer is the least likely to have closed it. */
  #takeIdle(pool: Pool): Connection | undefined {
    const nowMs = performance.now()
    for (;;) {
      const connection = pool.idle.at(-1)
      if (!connection) return undefined
      if (connection.expiresMs > nowMs) {
        pool.idle.pop()
        this.#idle.delete(connection)
        return connection
      }
      this.#close(connection)
    }
  }

  #open(pool: Pool): Connection {
    const { maxHeadBytes } = this.#limits
    const connection = new Connection(
      pool.remote,
      this.#dial,
      this.#scratch,
      maxHeadBytes,
      this.#closeUnasked,
    )
    pool.open++
    this.#all.set(connection, pool)
    return connection
  }

  readonly #closeUnasked = (connection: Connection): void => this.#close(connection)

  #close(connection: Connection): void {
    const pool = this.#all.get(connection)
    if (!pool) return
    this.#all.delete(connection)
    if (this.#idle.delete(connection)) pool.idle.splice(pool.idle.indexOf(connection), 1)
    pool.open--
    void connection.close()
    this.#admit(pool)
    for (const hungry of this.#starved) {
      if (this.#all.size >= this.#limits.total) break
      this.#starved.delete(hungry)
      this.#admit(hungry)
    }
    if (pool.open === 0 && pool.waiting.size === 0 && this.#pools.get(pool.remote.key) === pool) {
      this.#pools.delete(pool.remote.key)
    }
  }

  #hasRoom(): boolean {
    if (this.#all.size < this.#limits.total) return true
    for (const longest of this.#idle) {
      this.#close(longest)
      return this.#all.size < this.#limits.total
    }
    return false
  }

  /** Opens a connection for the first waiter of a pool, if it may have one. */
  #admit(pool: Pool): void {
    if (this.#disposed || pool.waiting.size === 0 || pool.open >= this.#limits.perRemote) return
    if (!this.#hasRoom()) {
      this.#starved.add(pool)
      return
    }
    for (const waiter of pool.waiting) {
      pool.waiting.delete(waiter)
      if (pool.waiting.size > 0) this.#starved.add(pool)
      waiter.ready(this.#open(pool))
      return
    }
  }

  /** One timer, for the idle connection that is closed first. */
  #sweepAt(atMs: number, nowMs: number): void {
    if (this.#sweeper && this.#sweepMs <= atMs) return
    clearTimeout(this.#sweeper)
    this.#sweepMs = atMs
    this.#sweeper = setTimeout(() => this.#sweep(), Math.max(1, atMs - nowMs))
  }

  #sweep(): void {
    this.#sweeper = undefined
    const nowMs = performance.now()
    let nextMs = Infinity
    for (const connection of this.#idle) {
      // Node's timers may ring up to 1 ms early.
      if (connection.expiresMs <= nowMs + 1) this.#close(connection)
      else nextMs = Math.min(nextMs, connection.expiresMs)
    }
    if (nextMs < Infinity) this.#sweepAt(nextMs, nowMs)
  }
}

function stopped(): EgressError {
  return new EgressError('FAIRLEAD_STOPPED', 'the worker stopped')
}
