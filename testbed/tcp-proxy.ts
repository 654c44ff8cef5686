import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback whose connections a test cuts or holds up. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** Resets all connections; new ones are refused until `heal`. */
  cut(): void
  /** Passes no byte on, either way, and says nothing: a network that swallows. What was held goes on at `heal`. */
  stall(): void
  /** Keeps what clients send, and passes on what they are sent. It goes on at `heal`; `cut` drops it. */
  hold(): void
  /** What is kept now, as text of a byte a character. */
  held(): string
  heal(): void
}

/** Starts a proxy on a free port before `targetPort` on loopback. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let kept: { readonly to: Socket; readonly chunk: Buffer }[] = []
  let state: 'well' | 'cut' | 'stalled' | 'held' = 'well'

  const server = createServer({ noDelay: true }, client => {
    if (state === 'cut') {
      client.resetAndDestroy()
      return
    }
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', end).on('close', () => {
        sockets.delete(from)
        end()
      })
      from.on('data', chunk => {
        if (state === 'held' && from === client) kept.push({ to, chunk })
        else if (!to.write(chunk)) from.pause()
      })
      to.on('drain', () => {
        if (state !== 'stalled') from.resume()
      })
      if (state === 'stalled') from.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    cut() {
      state = 'cut'
      kept = []
      for (const socket of sockets) socket.resetAndDestroy()
    },
    stall() {
      state = 'stalled'
      for (const socket of sockets) socket.pause()
    },
    hold() {
      state = 'held'
    },
    held: () => Buffer.concat(kept.map(({ chunk }) => chunk)).toString('latin1'),
    heal() {
      state = 'well'
      for (const { to, chunk } of kept) if (!to.destroyed) to.write(chunk)
      kept = []
      for (const socket of sockets) socket.resume()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
