import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openLeaving } from './leave.ts'

async function openServer() {
  const server = createServer((_request, response) => response.end())
  const leaving = openLeaving(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const ask = async () => {
    const [answer] = (await once(get({ port, agent: false }), 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
  }
  return { leaving, ask, [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) }
}

test('a server that is still sent connections after its delay takes them until none comes', async () => {
  const quietMs = 500
  await using server = await openServer()
  let left = false
  const leaving = server.leaving.begin(quietMs).then(() => {
    left = true
  })
  expect(server.leaving.begun).toBe(true)
  const endMs = performance.now() + 3 * quietMs
  let askedMs = performance.now()
  let longestMs = 0
  while (performance.now() < endMs && !left) {
    askedMs = performance.now()
    await server.ask()
    longestMs = Math.max(longestMs, performance.now() - askedMs)
  }
  // A machine that stands still for so long has no connections come, and the server may leave.
  const isStill = longestMs > quietMs / 2
  const leftEarly = left
  expect(leftEarly && !isStill, 'left though connections came all the time').toBe(false)
  await leaving
  // The last connection came after it was asked for.
  expect(leftEarly || performance.now() - askedMs >= quietMs, 'quiet for so long').toBe(true)
})

test('a server that nobody waits for leaves at once', async () => {
  await using server = await openServer()
  await server.ask()
  await server.leaving.begin(0)
})
