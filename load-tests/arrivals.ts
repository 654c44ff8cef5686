import { once } from 'node:events'
import { createServer } from 'node:net'

/** A destination that takes everything and remembers when each event came, and how often. */
export interface Arrivals extends AsyncDisposable {
  readonly port: number
  /** By event id: `performance.now()` of the first arrival, and how many there were. */
  readonly events: ReadonlyMap<string, { readonly atMs: number; readonly count: number }>
}

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')

/** On node:net, for the same reason as the sender. Takes bodies with a content-length only, as the worker sends them. */
export async function openArrivals(): Promise<Arrivals> {
  const events = new Map<string, { atMs: number; count: number }>()
  const server = createServer({ noDelay: true }, socket => {
    let missing = 0
    let head = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      let rest = chunk
      while (rest.length > 0) {
        if (missing === 0) {
          head += rest.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
          const id = /\nwebhook-id: *(evt_[0-9a-z]+)/i.exec(head)?.[1] ?? ''
          const known = events.get(id)
          if (known) known.count++
          else events.set(id, { atMs: performance.now(), count: 1 })
          const bodyHere = head.length - end - 4
          missing = length - bodyHere
          head = ''
          rest = rest.subarray(rest.length) // one request at a time on a connection
        } else {
          missing -= rest.length
          rest = rest.subarray(rest.length)
        }
        if (missing === 0) socket.write(answer)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    events,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
