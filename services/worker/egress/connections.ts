import { Client, errors } from 'undici'
import type { ClientCertificate, Dial } from './dial.ts'
import type { Target } from './target.ts'

/**
 * Keep-alive connections, a set for each place (origin, owner, client certificate):
 *
 *   borrow ─ idle one? ─ room for a new one? ─ else wait ─▶ ready(connection) ─▶ giveBack: to a waiter, idle, or closed
 *
 * Not undici's Agent, because it can't say whether a request went out on a reused connection (which decides whether it
 * may be sent again), bounds no total, and picks connections without regard to whose they are. A place without
 * connections costs nothing: it is forgotten.
 */
export interface Connections extends AsyncDisposable {
  /**
   * Calls `waiter.ready` with a connection that is nobody else's until `giveBack`: at once, or when there is room.
   * @param fresh not one that has been used before
   */
  borrow(place: Place, waiter: Waiter, fresh: boolean): void
  /** Stops waiting. */
  cancel(place: Place, waiter: Waiter): void
  /** @param reusable the exchange on it is complete; otherwise it is closed */
  giveBack(connection: Connection, reusable: boolean): void
  readonly counts: ConnectionCounts
}

/** `open` has `idle` in it. `waiting` are requests. */
export interface ConnectionCounts {
  readonly open: number
  readonly idle: number
  readonly waiting: number
}

export interface Place {
  /** Equal for what may share connections. */
  readonly key: string
  readonly target: Target
  readonly certificate: ClientCertificate | undefined
}

export interface Waiter {
  ready(connection: Connection): void
  /** There will be none: the connections are closed. */
  refused(error: Error): void
}

export interface Connection {
  readonly client: Client
  readonly pool: Pool
  /** Requests begun on the socket that it has now. */
  requests: number
  readonly openedMs: number
  /** Until it is connected. */
  dialling: AbortController | undefined
  closed: boolean
}

/** The connections of one place. */
interface Pool {
  readonly place: Place
  readonly idle: Connection[]
  open: number
  /** First come, first served. */
  readonly waiting: Set<Waiter>
}

export interface ConnectionLimits {
  /** Connections to one place. */
  readonly perPlace: number
  /** Connections in all, idle ones too; those make room when it is needed. */
  readonly total: number
  /** Milliseconds that an idle connection is kept; a shorter Keep-Alive of the peer counts. */
  readonly idleMs: number
  /** Milliseconds after which a connection takes no new request, so that a changed DNS answer takes effect. */
  readonly lifetimeMs: number
  /** Bytes of a response's head. */
  readonly maxHeadBytes: number
}

export function openConnections(dial: Dial, limits: ConnectionLimits): Connections {
  const pools = new Map<string, Pool>()
  const idle = new Set<Connection>() // the longest idle first
  const all = new Set<Connection>()
  // Pools whose waiters wait for room in the total, in turn.
  const starved = new Set<Pool>()
  let disposed = false

  function poolOf(place: Place): Pool {
    let pool = pools.get(place.key)
    if (!pool) {
      pool = { place, idle: [], open: 0, waiting: new Set() }
      pools.set(place.key, pool)
    }
    return pool
  }

  function open(pool: Pool): Connection {
    const { target, certificate } = pool.place
    const dialling = new AbortController()
    const client = new Client(target.origin, {
      connect: (_options, callback) => {
        connection.dialling = dialling
        dial(target, certificate, dialling.signal).then(
          socket => {
            connection.dialling = undefined
            callback(null, socket)
          },
          error => callback(error, null),
        )
      },
      allowH2: false,
      pipelining: 1,
      // The deadline of a request is the sender's alone.
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: limits.maxHeadBytes,
      keepAliveTimeout: limits.idleMs,
      keepAliveMaxTimeout: limits.idleMs,
    })
    const connection: Connection = {
      client,
      pool,
      requests: 0,
      openedMs: performance.now(),
      dialling,
      closed: false,
    }
    pool.open++
    all.add(connection)
    // The client connects anew by itself, where a peer ended the connection with its answer.
    client.on('connect', () => {
      connection.requests = 0
    })
    // A peer that closes while idle; one that closes in a request's midst is told to the request.
    client.on('disconnect', () => {
      if (idle.has(connection)) close(connection)
    })
    return connection
  }

  function close(connection: Connection): void {
    if (connection.closed) return
    connection.closed = true
    const { pool } = connection
    if (idle.delete(connection)) pool.idle.splice(pool.idle.indexOf(connection), 1)
    all.delete(connection)
    pool.open--
    connection.dialling?.abort()
    void connection.client.destroy()
    admit(pool)
    for (const hungry of starved) {
      if (all.size >= limits.total) break
      starved.delete(hungry)
      admit(hungry)
    }
    if (pool.open === 0 && pool.waiting.size === 0) pools.delete(pool.place.key)
  }

  function hasRoom(): boolean {
    if (all.size < limits.total) return true
    for (const longest of idle) {
      close(longest)
      return all.size < limits.total
    }
    return false
  }

  /** Opens a connection for the first waiter of a pool, if it may have one. */
  function admit(pool: Pool): void {
    if (pool.waiting.size === 0 || pool.open >= limits.perPlace) return
    if (!hasRoom()) {
      starved.add(pool)
      return
    }
    for (const waiter of pool.waiting) {
      pool.waiting.delete(waiter)
      if (pool.waiting.size > 0) starved.add(pool)
      waiter.ready(open(pool))
      return
    }
  }

  return {
    borrow(place, waiter, fresh) {
      if (disposed) {
        waiter.refused(new errors.ClientDestroyedError())
        return
      }
      const pool = poolOf(place)
      // The one used last: its peer is the least likely to have closed it.
      const connection = fresh ? undefined : pool.idle.pop()
      if (connection) {
        idle.delete(connection)
        waiter.ready(connection)
        return
      }
      pool.waiting.add(waiter)
      admit(pool)
    },
    cancel(place, waiter) {
      const pool = pools.get(place.key)
      pool?.waiting.delete(waiter)
      if (pool?.waiting.size === 0) {
        starved.delete(pool)
        if (pool.open === 0) pools.delete(place.key)
      }
    },
    giveBack(connection, reusable) {
      const { pool } = connection
      const aged = performance.now() - connection.openedMs > limits.lifetimeMs
      if (!reusable || aged || connection.closed) {
        close(connection)
        return
      }
      for (const next of pool.waiting) {
        pool.waiting.delete(next)
        next.ready(connection)
        return
      }
      pool.idle.push(connection)
      idle.add(connection)
      for (const hungry of starved) {
        starved.delete(hungry)
        admit(hungry)
        return
      }
    },
    get counts() {
      let waiting = 0
      for (const pool of pools.values()) waiting += pool.waiting.size
      return { open: all.size, idle: idle.size, waiting }
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      const waiting = [...pools.values()].flatMap(pool => [...pool.waiting])
      const closing = [...all].map(connection => {
        connection.closed = true
        connection.dialling?.abort()
        return connection.client.destroy()
      })
      all.clear()
      idle.clear()
      pools.clear()
      starved.clear()
      for (const waiter of waiting) waiter.refused(new errors.ClientDestroyedError())
      await Promise.all(closing)
    },
  }
}
