import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { openLog } from '@fairlead/daemon/log'
import { startTestRedis } from '@fairlead/testbed/redis'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { connectRedis, warnOfEviction } from './redis.ts'

test.each([
  ['drops sessions', 'allkeys-lru', '100mb', ['allkeys-lru']],
  ['drops sessions by their time', 'volatile-ttl', '100mb', ['volatile-ttl']],
  ['has no limit', 'allkeys-lru', '0', []],
  ['refuses what has no room', 'noeviction', '100mb', []],
])('a Redis that %s (%s, %s) is warned of wrongly', async (_name, policy, memory, warned) => {
  await using server = await startTestRedis()
  const setting = connectRedis(server.url)
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => setting.disconnect())
  await until(() => setting.status === 'ready')
  await setting.config('SET', 'maxmemory', memory)
  await setting.config('SET', 'maxmemory-policy', policy)

  const lines: string[] = []
  const log = openLog({ service: 'api', destination: { write: line => lines.push(line) } })
  const redis = connectRedis(server.url)
  cleanup.defer(() => redis.disconnect())
  warnOfEviction(redis, log)
  await once(redis, 'ready')
  // Answered after the question that every connection begins with.
  await redis.ping()
  await setImmediate()
  expect(lines.map(line => JSON.parse(line)).map(line => [line.msg, line.policy])).toEqual(
    warned.map(word => ['redis.evicts', word]),
  )
})
