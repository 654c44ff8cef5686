import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTcpProxy } from '../tcp-proxy.ts'
import { until } from '../until.ts'
import { linkMaker } from './links.ts'

let opened = new AsyncDisposableStack()
beforeEach(() => {
  opened = new AsyncDisposableStack()
})
afterEach(() => opened.disposeAsync())

/** Two proxies before a server that says what it is told. */
async function openProxies() {
  const echo = createServer(socket => void socket.on('error', () => {}).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  opened.defer(() => void echo.close())
  const { port } = echo.address() as { port: number }
  return [opened.use(await startTcpProxy(port)), opened.use(await startTcpProxy(port))] as const
}

async function talk(port: number): Promise<{ readonly socket: Socket; readonly heard: () => string }> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setNoDelay()
  opened.defer(() => void socket.destroy())
  let heard = ''
  socket.on('data', text => (heard += text)).on('error', () => {})
  socket.write('a')
  await until(() => heard === 'a', { what: 'an echo' })
  return { socket, heard: () => heard }
}

test('a link that is cut resets its connections and takes none until it is healed', async () => {
  const [one, other] = await openProxies()
  const both = linkMaker()([one, other])
  const talks = [await talk(one.port), await talk(other.port)]
  both.cut()
  await until(() => talks.every(({ socket }) => socket.destroyed), { what: 'two resets' })
  await expect(once(connect(one.port, '127.0.0.1'), 'data')).rejects.toThrow(/ECONNRESET/)
  both.heal()
  await talk(one.port)
  await talk(other.port)
})

test('a link that is stalled passes on what it was given when it is healed', async () => {
  const [one] = await openProxies()
  const link = linkMaker()([one])
  const { socket, heard } = await talk(one.port)
  link.stall()
  socket.write('b')
  const direct = await talk((await openProxies())[0].port)
  direct.socket.write('b')
  await until(() => direct.heard() === 'ab', { what: 'an echo past the stalled link' })
  expect(heard()).toBe('a')
  link.heal()
  await until(() => heard() === 'ab', { what: 'what was held' })
})

test('a proxy of two links is well again when neither is broken', async () => {
  const [shared, own] = await openProxies()
  const link = linkMaker()
  const [service, server] = [link([shared, own]), link([shared])]
  service.stall()
  server.cut()
  service.heal()
  await talk(own.port)
  await expect(once(connect(shared.port, '127.0.0.1'), 'data')).rejects.toThrow(/ECONNRESET/)
  server.heal()
  await talk(shared.port)
})
