import { Redis } from 'ioredis'

/** Connects in the background, and reconnects for ever. A command that can't be sent at once rejects at once. */
export function connectRedis(url: string): Redis {
  const redis = new Redis(url, {
    connectionName: 'fairlead-receiver',
    enableOfflineQueue: false,
    // Commands on a connection that broke are rejected, not sent again: their callers decide.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    // A server that hangs keeps its connections open; after this long without a word a new one is made.
    socketTimeout: 5_000,
    retryStrategy: attempt => Math.min(50 * 2 ** attempt, 2_000),
    // After a fail-over the old primary is read-only: connect anew, to where the name leads by then.
    reconnectOnError: error => error.message.startsWith('READONLY'),
  })
  // Without a listener an error would end the process; `seen.ts` reports that Redis is away.
  redis.on('error', () => {})
  return redis
}
