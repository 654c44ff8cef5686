import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A destination that takes everything and remembers when each event came, and how often. */
export interface Arrivals extends AsyncDisposable {
  readonly port: number
  /** By event id. */
  readonly events: ReadonlyMap<string, Arrival>
}

/** All arrivals of one event, each counted when its last byte was there. */
export interface Arrival {
  /** `performance.now()` of the first. */
  readonly atMs: number
  /** From 1. */
  readonly count: number
  /** `performance.now()` of those after the first; absent without any. */
  readonly againAtMs?: readonly number[]
}

const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
const failure = Buffer.from('HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n')
const endless = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n')

/** Answers as the path says: `/answers/<ms>`, `/fails/<part>`, `/hangs`, `/drips`; any other one at once. */
function answerAs(path: string, socket: Socket): void {
  const [, mood, value = '0'] = path.split('/')
  if (mood === 'answers' && value !== '0') {
    setTimeout(() => socket.write(answer), Number(value))
  } else if (mood === 'drips') {
    socket.write(endless)
    const timer = setInterval(() => socket.write('.'), 1_000)
    socket.once('close', () => clearInterval(timer))
  } else if (mood === 'fails') {
    socket.write(Math.random() < Number(value) ? failure : answer)
  } else if (mood !== 'hangs') {
    socket.write(answer)
  }
}

/** On node:net, for the same reason as the sender. Takes bodies with a content-length only, as the worker sends them. */
export async function openArrivals({ port = 0, host = '127.0.0.1' } = {}): Promise<Arrivals> {
  const events = new Map<string, { atMs: number; count: number; againAtMs?: number[] }>()

  function arrived(id: string): void {
    const atMs = performance.now()
    const known = events.get(id)
    if (!known) {
      events.set(id, { atMs, count: 1 })
      return
    }
    known.count++
    known.againAtMs ??= []
    known.againAtMs.push(atMs)
  }

  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    let missing = 0
    let head = ''
    let id = ''
    let path = ''
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      let rest = chunk
      while (rest.length > 0) {
        if (missing === 0) {
          head += rest.toString('latin1')
          const end = head.indexOf('\r\n\r\n')
          if (end < 0) return
          path = head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/'))
          const length = Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
          id = /\nwebhook-id: *(evt_[0-9a-z]+)/i.exec(head)?.[1] ?? ''
          const bodyHere = head.length - end - 4
          missing = length - bodyHere
          head = ''
          rest = rest.subarray(rest.length) // one request at a time on a connection
        } else {
          missing -= rest.length
          rest = rest.subarray(rest.length)
        }
        if (missing === 0) {
          arrived(id)
          answerAs(path, socket)
        }
      }
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    events,
    async [Symbol.asyncDispose]() {
      server.close()
      // Who delivers keeps its connections for a minute: a process that is done would wait for that.
      for (const socket of sockets) socket.destroy()
    },
  }
}
