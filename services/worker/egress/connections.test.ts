import { type Reply, startSink } from '@fairlead/testbed/sink'
import { until } from '@fairlead/testbed/until'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aRequest, never, openTestSender } from './fixtures/sender.ts'
import { answering, startRawServer } from './fixtures/servers.ts'

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'
const delivered = { kind: 'delivered', status: 200 }

test('a connection is used again', async () => {
  await using sink = await startSink()
  await using sender = openTestSender()
  for (let i = 0; i < 5; i++) expect(await sender.send(aRequest({ url: sink.url }), never)).toEqual(delivered)
  expect(sink.connections.total).toBe(1)
})

test('a connection that the peer wants closed is not', async () => {
  await using server = await startRawServer(
    answering('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'),
  )
  await using sender = openTestSender()
  for (let i = 0; i < 3; i++)
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
  expect(server.connections).toBe(3)
})

test('a request that follows on one that the peer closed goes out once, on a new one', async () => {
  const requests: number[] = []
  await using server = await startRawServer((socket, number) => {
    socket.on('data', () => {
      requests.push(number)
      if (number === 1) socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      else socket.resetAndDestroy()
    })
  })
  await using sender = openTestSender({ maxConnectionsPerOrigin: 1 })
  const sent = Array.from({ length: 2 }, () => sender.send(aRequest({ url: server.url }), never))
  expect(await Promise.all(sent)).toMatchObject([{ kind: 'delivered' }, { kind: 'connection_reset' }])
  expect(requests).toEqual([1, 2])
})

test('failed answers keep their connection', async () => {
  await using sink = await startSink({ status: 500, body: 'x'.repeat(10_000) })
  await using sender = openTestSender()
  for (let i = 0; i < 3; i++) await sender.send(aRequest({ url: sink.url }), never)
  expect(sink.connections.total).toBe(1)
})

describe('a reused connection that the peer has closed', () => {
  test('before any byte of an answer: sent again, once, on a new one', async () => {
    const requests: number[] = []
    await using server = await startRawServer((socket, number) => {
      answering(ok, '')(socket, number)
      socket.on('data', () => {
        requests.push(number)
        if (number === 1 && requests.length === 2) socket.destroy()
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    expect(requests).toEqual([1, 1, 2])
  })

  test.each([
    ['by a reset', 'reset' as const],
    ['orderly', 'end' as const],
  ])('%s, and closed again: not a third time', async (_name, how) => {
    const requests: number[] = []
    await using server = await startRawServer((socket, number) => {
      socket.on('data', () => {
        requests.push(number)
        if (requests.length === 1) socket.write(ok)
        else if (how === 'reset') socket.resetAndDestroy()
        else socket.end()
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({
      kind: 'connection_reset',
    })
    expect(requests).toEqual([1, 1, 2])
  })

  test('after the first byte of an answer: not sent again', async () => {
    let requests = 0
    await using server = await startRawServer(socket => {
      socket.on('data', () => {
        if (++requests === 1) socket.write(ok)
        else socket.end('H')
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({
      kind: 'connection_reset',
    })
    expect(requests).toBe(2)
  })

  test('while it was idle: noticed, and nothing is sent on it', async () => {
    const requests: number[] = []
    await using server = await startRawServer((socket, number) => {
      socket.on('data', () => {
        requests.push(number)
        socket.end(ok)
      })
    })
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    await until(() => sender.connections.open === 0)
    expect(await sender.send(aRequest({ url: server.url }), never)).toEqual(delivered)
    expect(requests).toEqual([1, 2])
  })

  test('a new connection that is closed is not tried again', async () => {
    await using server = await startRawServer(socket => socket.once('data', () => socket.destroy()))
    await using sender = openTestSender()
    expect(await sender.send(aRequest({ url: server.url }), never)).toMatchObject({
      kind: 'connection_reset',
    })
    expect(server.connections).toBe(1)
  })
})

describe('bounds', () => {
  test('connections to one origin', async () => {
    await using sink = await startSink({ status: 200, delayMs: 5 })
    await using sender = openTestSender({ maxConnectionsPerOrigin: 4 })
    const sent = Array.from({ length: 60 }, () => sender.send(aRequest({ url: sink.url }), never))
    expect(sender.connections).toEqual({ open: 4, idle: 0, waiting: 56 })
    for (const outcome of await Promise.all(sent)) expect(outcome).toEqual(delivered)
    expect(sink.connections.total).toBe(4)
    expect(sender.connections).toEqual({ open: 4, idle: 4, waiting: 0 })
  })

  test('connections in all: idle ones make room, and waiting requests get a turn', async () => {
    await using sinks = new AsyncDisposableStack()
    const urls: string[] = []
    for (let i = 0; i < 5; i++) urls.push(sinks.use(await startSink({ status: 200, delayMs: 2 })).url)
    await using sender = openTestSender({ maxConnections: 2 })
    const sent = Array.from({ length: 100 }, (_, i) => sender.send(aRequest({ url: urls[i % 5]! }), never))
    expect(sender.connections.open).toBe(2)
    for (const outcome of await Promise.all(sent)) expect(outcome).toEqual(delivered)
    expect(sender.connections.open).toBeLessThanOrEqual(2)
    expect(sender.connections.waiting).toBe(0)
  })

  test('a request that waits too long fails, and the host is not at fault', async () => {
    await using sink = await startSink({ hang: true })
    await using sender = openTestSender({ maxConnectionsPerOrigin: 1 })
    const first = sender.send(aRequest({ url: sink.url, timeoutMs: 600 }), never)
    const second = sender.send(aRequest({ url: sink.url, timeoutMs: 100 }), never)
    expect(await second).toEqual({
      kind: 'response_timeout',
      reason: 'no free connection within 100 ms: too many requests to this host are under way',
    })
    expect(await first).toMatchObject({ kind: 'response_timeout' })
    expect(sender.connections).toEqual({ open: 0, idle: 0, waiting: 0 })
  })

  test("one owner's hanging requests take none of another's connections to the same host", async () => {
    await using sink = await startSink(request =>
      request.url === '/hang' ? { hang: true } : { status: 200 },
    )
    await using sender = openTestSender({ maxConnectionsPerOrigin: 2 })
    const stopping = new AbortController()
    const hanging = Array.from({ length: 6 }, () =>
      sender.send(aRequest({ url: `${sink.url}/hang`, owner: 'org_a', timeoutMs: 600_000 }), stopping.signal),
    )
    const request = aRequest({ url: `${sink.url}/ok`, owner: 'org_b', timeoutMs: 60_000 })
    expect(await sender.send(request, never)).toEqual(delivered)
    stopping.abort()
    await Promise.allSettled(hanging)
  })

  test('an idle connection is closed, and nothing is left of its remote', async () => {
    await using sink = await startSink()
    await using sender = openTestSender({ idleMs: 50 })
    await sender.send(aRequest({ url: sink.url }), never)
    expect(sender.connections.open).toBe(1)
    await until(() => sender.connections.open === 0)
    await until(() => sink.connections.open === 0)
  })

  test('a thousand owners of one origin', async () => {
    await using sink = await startSink()
    await using sender = openTestSender({ maxConnections: 50 })
    const sent = Array.from({ length: 1000 }, (_, i) =>
      sender.send(aRequest({ url: sink.url, owner: `org_${i}`, timeoutMs: 60_000 }), never),
    )
    for (const outcome of await Promise.all(sent)) expect(outcome).toEqual(delivered)
    expect(sender.connections.open).toBeLessThanOrEqual(50)
    expect(sink.received).toHaveLength(1000)
  })
})

test('whatever happens to requests, none is forgotten and no connection is lost', async () => {
  const replies: Record<string, Reply> = {
    '/ok': { status: 200 },
    '/close': { status: 200, headers: { connection: 'close' } },
    '/slow': { status: 200, delayMs: 5 },
    '/reset': { reset: true },
    '/hang': { hang: true },
    '/drip': { dripEveryMs: 5 },
  }
  await using sink = await startSink(request => replies[request.url]!)
  const step = fc.record({
    path: fc.constantFrom(...Object.keys(replies)),
    owner: fc.constantFrom('org_a', 'org_b', 'org_c', 'org_d'),
    timeoutMs: fc.constantFrom(5, 20, 60),
    aborted: fc.option(fc.nat(10), { freq: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async steps => {
      await using sender = openTestSender({ maxConnections: 5, maxConnectionsPerOrigin: 2, lifetimeMs: 30 })
      let most = 0
      const sent = steps.map(async ({ path, owner, timeoutMs, aborted }) => {
        const aborting = new AbortController()
        const timer = aborted === null ? undefined : setTimeout(() => aborting.abort(), aborted)
        const request = aRequest({ url: `${sink.url}${path}`, owner, timeoutMs })
        await sender.send(request, aborting.signal).catch(() => {})
        most = Math.max(most, sender.connections.open)
        clearTimeout(timer)
      })
      await Promise.all(sent)
      expect(most).toBeLessThanOrEqual(5)
      expect(sender.connections.waiting).toBe(0)
      expect(sender.connections.open).toBe(sender.connections.idle)
      for (const owner of ['org_a', 'org_b', 'org_c', 'org_d']) {
        expect(await sender.send(aRequest({ url: `${sink.url}/ok`, owner }), never)).toEqual(delivered)
      }
    }),
    { numRuns: 40 },
  )
})

test('closing ends what is in flight and what waits, and leaves nothing open', async () => {
  await using sink = await startSink({ hang: true })
  const sender = openTestSender({ maxConnectionsPerOrigin: 1 })
  const sent = Array.from({ length: 3 }, () => sender.send(aRequest({ url: sink.url }), never))
  await sink.waitForCount(1)
  await sender[Symbol.asyncDispose]()
  const stopped = { kind: 'worker_failed', reason: 'the worker stopped' }
  for (const outcome of await Promise.all(sent)) expect(outcome).toEqual(stopped)
  expect(await sender.send(aRequest({ url: sink.url }), never)).toEqual(stopped)
  await until(() => sink.connections.open === 0)
})
