import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { until } from '@fairlead/testbed/until'
import { describe, expect, test } from 'vitest'
import type { Reply } from './problem.ts'
import { openServer } from './server.ts'

const limits = {
  maxConnections: 10,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  keepAliveTimeoutMs: 60_000,
}

const failed = (error: unknown): void => {
  throw error
}
const ok: Reply = { status: 200, headers: {}, body: '' }
const options = { limits, port: 0, host: '127.0.0.1', failed }

/** The `connection` headers of answers, to a client that keeps its connection. */
function openClient(port: number): Disposable & { ask(): Promise<string | undefined> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async ask() {
      const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage]
      answer.resume()
      await once(answer, 'end')
      return answer.headers.connection
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

test('a client that keeps its connection busy does not hold up a stop', async () => {
  let stop = (): void => {}
  const server = await openServer(async () => {
    stop()
    return ok
  }, options)
  using client = openClient(server.port)
  expect(await client.ask()).toBe('keep-alive')
  // The request is on the connection already when the server stops listening.
  const stopped = Promise.withResolvers<void>()
  stop = () => stopped.resolve(server[Symbol.asyncDispose]())
  expect(await client.ask()).toBe('close')
  await stopped.promise
})

test('while a receiver leaves, clients take their next request elsewhere and none meets a connection being closed', async () => {
  await using server = await openServer(async () => ok, options)
  using client = openClient(server.port)
  expect(await client.ask()).toBe('keep-alive')
  const left = server.leave(1_000)
  expect(await client.ask()).toBe('close')
  expect(await client.ask(), 'a new connection is still answered').toBe('close')
  await left
})

describe('a request that is refused before its body was read keeps its connection where the rest is small', () => {
  const post = (headers: string, body: string) => `POST / HTTP/1.1\r\nhost: a\r\n${headers}\r\n\r\n${body}`
  const another = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
  test.each([
    ['no body', 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 2],
    ['a short one', post('content-length: 9', '{"n":[1]}'), 2],
    ['a long one', post('content-length: 100000', ''), 1],
    ['one of unknown length', post('transfer-encoding: chunked', '2\r\n{}\r\n0\r\n\r\n'), 1],
  ])('%s', async (_name, request, answers) => {
    await using server = await openServer(
      () => ({ ...ok, status: 503, headers: { 'retry-after': '1' } }),
      options,
    )
    const socket = connect(server.port, '127.0.0.1')
    socket.write(request + another)
    const refusal = /^HTTP\/1.1 503 [^\r]*\r\nretry-after: 1\r\n/gm
    expect((await text(socket)).match(refusal)).toHaveLength(answers)
  })
})

test('a body that was begun and left is read away, and its connection goes on', async () => {
  await using server = await openServer(async request => {
    if (request.method === 'POST') {
      await once(request, 'data')
      request.pause()
    }
    return ok
  }, options)
  const socket = connect(server.port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 65536\r\n\r\nhalf')
  await once(socket, 'readable')
  socket.write('x'.repeat(65_536 - 4))
  socket.end('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  expect((await text(socket)).match(/^HTTP\/1.1 200 OK/gm)).toHaveLength(2)
})

test('a synchronous fault is answered 500, and ends no other request', async () => {
  const faults: unknown[] = []
  await using server = await openServer(
    () => {
      throw new Error('a fault for the test')
    },
    { ...options, failed: error => faults.push(error) },
  )
  for (let i = 1; i <= 2; i++) {
    const response = await fetch(`http://127.0.0.1:${server.port}/`)
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ code: 'internal' })
    expect(faults).toHaveLength(i)
  }
})

test('connections above the limit are ended, and there is room again when others have gone', async () => {
  await using server = await openServer(async () => ok, options)
  const sockets = Array.from({ length: limits.maxConnections + 1 }, () =>
    connect(server.port, '127.0.0.1').resume(),
  )
  try {
    await Promise.race(sockets.map(socket => once(socket, 'close')))
    expect(sockets.filter(({ closed }) => closed)).toHaveLength(1)
    sockets.find(({ closed }) => !closed)!.destroy()
    using client = openClient(server.port)
    await until(() => client.ask().catch(() => undefined), { what: 'an answer on a new connection' })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})

test('a client that has ended its side is answered, whichever socket took its connection', async () => {
  await using server = await openServer(async () => ok, options)
  const answers = Array.from({ length: limits.maxConnections }, async () => {
    const socket = connect(server.port, '127.0.0.1')
    socket.end('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    return (await text(socket)).slice(0, 15)
  })
  expect(await Promise.all(answers)).toEqual(answers.map(() => 'HTTP/1.1 200 OK'))
})

test('a port that is taken is refused, also by one that would share it', async () => {
  await using server = await openServer(async () => ok, options)
  await expect(openServer(async () => ok, { ...options, port: server.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  })
})

// Elsewhere there is one listening socket.
test.runIf(process.platform === 'linux')('many connections at once are accepted many at a time', async () => {
  const crowd = 320
  let answered = 0
  await using server = await openServer(
    async () => {
      answered++
      return ok
    },
    { ...options, limits: { ...limits, maxConnections: crowd } },
  )
  const sockets = Array.from({ length: crowd }, () => connect(server.port, '127.0.0.1'))
  try {
    for (const socket of sockets) socket.resume().write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    let turns = 0
    while (answered < crowd) {
      await new Promise(resolve => setImmediate(resolve))
      if (answered > 0) turns++
    }
    expect(turns).toBeLessThan(crowd / 4)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
})
