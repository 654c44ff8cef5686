import { startTestNats } from '@fairlead/testbed/nats'
import { until } from '@fairlead/testbed/until'
import { jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { expect, test } from 'vitest'
import { connectNats } from './connect.ts'
import { watchBucket } from './watch-bucket.ts'
import { configReadiness } from './watch-config.ts'

async function open() {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  stack.defer(() => nats.close())
  const makeBucket = () => new Kvm(nats).create('things', { history: 1 })
  const bucket = await makeBucket()
  const told: string[] = []
  const failures: unknown[] = []
  const stopping = new AbortController()
  stack.defer(() => stopping.abort())
  return {
    server,
    bucket,
    makeBucket,
    told,
    failures,
    manager: await jetstreamManager(nats),
    watch: () =>
      watchBucket(nats, bucket, {
        signal: stopping.signal,
        tell: ({ key, operation, value }) =>
          told.push(`${operation} ${key} ${Buffer.from(value).toString()}`),
        failed: error => failures.push(error),
        checkMs: 100,
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('all entries of the bucket are reported first, then each change', async () => {
  await using opened = await open()
  await opened.bucket.put('a', '1')
  await opened.bucket.put('b', '2')
  await opened.watch()
  expect(opened.told).toEqual(['PUT a 1', 'PUT b 2'])
  await opened.bucket.delete('a')
  await until(() => opened.told.at(-1) === 'DEL a ', { what: 'the deletion' })
})

test('a watch whose consumer is gone reports that, and misses no change', async () => {
  await using opened = await open()
  await opened.bucket.put('a', '1')
  const watch = await opened.watch()
  for await (const { name } of opened.manager.consumers.list('KV_things')) {
    await opened.manager.consumers.delete('KV_things', name)
  }
  await opened.bucket.put('a', '2')
  await until(() => opened.told.includes('PUT a 2'), { what: 'the change' })
  expect(opened.failures).toHaveLength(1)
  await until(() => watch.trouble.sinceMs === undefined, { what: 'a sound watch' })
})

test('a deleted bucket is reported as a failure until it is made anew, and then followed', async () => {
  await using opened = await open()
  await opened.bucket.put('a', '1')
  const watch = await opened.watch()
  await opened.manager.streams.delete('KV_things')
  const sinceMs = await until(() => watch.trouble.sinceMs, { what: 'a failure' })
  expect(String(opened.failures[0])).toMatch(/stream not found/)
  expect(configReadiness({ trouble: { sinceMs } })).toBeUndefined()
  expect(configReadiness({ trouble: { sinceMs: sinceMs - 16_000 } })).toMatch(
    /may be missing for (?:1[6-9]|[2-9]\d) s/,
  )
  await opened.makeBucket()
  await opened.bucket.put('a', 'anew')
  await until(() => opened.told.at(-1) === 'PUT a anew', { what: 'the new bucket' })
})

test('changes made while the server was away are reported once it is back', async () => {
  await using opened = await open()
  await opened.bucket.put('a', '1')
  await opened.watch()
  await opened.server.kill9()
  await opened.server.restart()
  await until(() => opened.bucket.put('a', '2').catch(() => false), { what: 'a server' })
  await until(() => opened.told.includes('PUT a 2'), { what: 'the change' })
  expect(opened.told.filter(entry => entry === 'PUT a 2')).toHaveLength(1)
})
