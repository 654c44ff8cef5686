import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openServer } from './server.ts'

const limits = {
  maxConnections: 10,
  maxHeaderBytes: 16_384,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
  keepAliveTimeoutMs: 60_000,
}

const fail = (error: unknown): void => {
  throw error
}

test('a client that keeps its connection busy does not hold up a stop', async () => {
  const server = openServer(async () => ({ status: 200, headers: {}, body: '' }), limits, fail)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async () => {
    const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer.headers.connection
  }
  expect(await ask()).toBe('keep-alive')
  const closed = once(server, 'close')
  const asked = ask()
  // The request is on the connection already when the server stops listening.
  server.once('request', () => server.close())
  expect(await asked).toBe('close')
  await closed
  agent.destroy()
})

test('while a receiver leaves, clients take their next request elsewhere and none meets a connection being closed', async () => {
  let leaving = false
  const server = openServer(
    async () => ({ status: 200, headers: {}, body: '' }),
    limits,
    fail,
    () => leaving,
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async () => {
    const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return answer.headers.connection
  }
  expect(await ask()).toBe('keep-alive')
  leaving = true
  expect(await ask()).toBe('close')
  expect(await ask(), 'a new connection is still answered').toBe('close')
  server.close()
  await once(server, 'close')
  agent.destroy()
})
