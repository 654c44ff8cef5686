import type { Log } from '@fairlead/daemon/log'
import { Redis } from 'ioredis'

/**
 * The API's one connection to Redis. Connects in the background, and again for ever. A command that can't be sent at once
 * rejects at once, so that nothing waits for a Redis that is away.
 */
export function connectRedis(url: string): Redis {
  const redis = new Redis(url, {
    connectionName: 'fairlead-api',
    enableOfflineQueue: false,
    // A script that redeems must not run twice: its caller decides.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    // A server that hangs keeps its connections open; after this long without a word a new one is made.
    socketTimeout: 5_000,
    retryStrategy: attempt => Math.min(50 * 2 ** attempt, 2_000),
    // After a fail-over the old primary is read-only: connect anew, to where the name leads by then.
    reconnectOnError: error => error.message.startsWith('READONLY'),
  })
  // Without a listener an error would end the process; whoever asks is answered `unavailable`.
  redis.on('error', () => {})
  return redis
}

/** Logs `redis.evicts` about a Redis that drops keys to make room: with a session gone, its person is signed out. */
export function warnOfEviction(redis: Redis, log: Log): void {
  redis.on('ready', async () => {
    const info = await redis.info('memory').catch(() => '')
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
    if (!policy || policy === 'noeviction' || /^maxmemory:0\s/m.test(info)) return
    log.warn(
      { policy, advice: 'set maxmemory-policy noeviction: sessions of people are dropped' },
      'redis.evicts',
    )
  })
}

/** Every key of ours begins with it. Receivers have `fairlead:seen` and the like in the same Redis. */
export const redisPrefix = 'fairlead:auth:'
