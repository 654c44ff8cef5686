import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'

/** How a destination treats requests. */
export type Mood =
  | 'well'
  /** Answers 200, but only after 30 s: each request holds a slot for as long as it may. */
  | 'hangs'
  /** Answers 500 at once. */
  | 'fails'
  /** Sends headers, then a byte a second. */
  | 'drips'

/** A destination whose mood changes; it counts, and remembers nothing. */
export interface Moody extends AsyncDisposable {
  readonly port: number
  /** Requests that are open now. */
  readonly open: number
  /** The most that were open at one time since the mood last changed. */
  readonly mostOpen: number
  /** From now on; `well` also answers what is still open. */
  be(mood: Mood): void
}

const hangMs = 30_000

export async function openMoody(): Promise<Moody> {
  const waiting = new Map<ServerResponse, NodeJS.Timeout>()
  let mood: Mood = 'well'
  let mostOpen = 0

  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      switch (mood) {
        case 'well':
          response.end()
          return
        case 'fails':
          response.writeHead(500).end()
          return
        case 'hangs':
          hold(
            response,
            setTimeout(() => response.end(), hangMs),
          )
          return
        case 'drips':
          response.writeHead(200)
          hold(
            response,
            setInterval(() => response.write('.'), 1_000),
          )
          return
        default:
          mood satisfies never
      }
    })
  })
  server.keepAliveTimeout = 60_000

  function hold(response: ServerResponse, timer: NodeJS.Timeout): void {
    waiting.set(response, timer)
    mostOpen = Math.max(mostOpen, waiting.size)
    response.once('close', () => {
      clearTimeout(timer)
      waiting.delete(response)
    })
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    get open() {
      return waiting.size
    },
    get mostOpen() {
      return mostOpen
    },
    be(next) {
      mood = next
      mostOpen = waiting.size
      if (next === 'well') for (const response of waiting.keys()) response.end()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
