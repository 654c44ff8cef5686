import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Posts signed GitHub webhooks over kept-alive connections, one request at a time on each. Written on node:net, because
 * the generator shares two cores with what it measures: about 15 µs a request, a third of node:http's client.
 */
export interface SenderOptions {
  /** The receiver's URL of a GitHub source; of several, on one receiver, requests take turns. */
  readonly url: string | readonly string[]
  readonly secret: string
  readonly connections: number
  /** Bytes of each body. */
  readonly bodyBytes: number
}

export interface Sent {
  /** `performance.now()` when the request was due: with an open loop, waiting for a connection counts. */
  readonly dueMs: number
  readonly acceptMs: number
  /** From when it was written to a connection. */
  readonly answerMs: number
  readonly status: number
  /** Seconds, of an answer that said so. */
  readonly retryAfter: number | undefined
  /** The event's id, of a request that was answered 2xx. */
  readonly id: string | undefined
}

export interface LoadSender extends AsyncDisposable {
  /**
   * Sends one request at each of these times, whatever the answers do (an open loop). Resolves when the last one was answered or
   * given up.
   *
   * @param dueTimes ms from now, ascending
   * @param unsent told of a request for which no connection was free for 5 s after it was due
   */
  along(
    dueTimes: Iterable<number>,
    tell: (sent: Sent) => void,
    unsent: (dueMs: number) => void,
  ): Promise<void>
  /**
   * Sends `perSecond` for `seconds`, whatever the answers do (an open loop); less long if the signal aborts. Resolves
   * when the last request was answered or given up.
   */
  atRate(perSecond: number, seconds: number, tell: (sent: Sent) => void, signal?: AbortSignal): Promise<void>
  /** Sends on every connection as fast as answers come (a closed loop), and no sooner than a refusal asks for. */
  asFastAsPossible(seconds: number, tell: (sent: Sent) => void): Promise<void>
}

/** A request that gets no answer for so long counts as failed (status 0), and its connection is made anew. */
const giveUpMs = 15_000
/** A request that is due and finds no connection for so long is not sent any more. */
const latestMs = 5_000
const tickMs = 2

export function openLoadSender(options: SenderOptions): Promise<LoadSender> {
  const urls = [options.url].flat().map(url => new URL(url))
  const { hostname, port, host } = urls[0]!
  // GitHub signs the body and not the delivery's id: signed once, each request is an event of its own and costs little.
  const opening = '{"ref":"refs/heads/main","pad":"'
  const body = `${opening}${'x'.repeat(options.bodyBytes - opening.length - 2)}"}`
  const signature = createHmac('sha256', options.secret).update(body).digest('hex')
  const heads = urls.map(
    ({ pathname }) =>
      `POST ${pathname} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\n` +
      `user-agent: GitHub-Hookshot/test\r\nx-github-event: push\r\nx-hub-signature-256: sha256=${signature}\r\n` +
      `content-length: ${body.length}\r\nx-github-delivery: `,
  )
  let made = 0
  return openRequestSender({
    hostname,
    port: Number(port || 80),
    connections: options.connections,
    makeRequest: () => `${heads[made++ % heads.length]}${randomUUID()}\r\n\r\n${body}`,
  })
}

export interface RequestSenderOptions {
  readonly hostname: string
  readonly port: number
  readonly connections: number
  /** A whole request, of Latin-1 characters. */
  readonly makeRequest: () => string
}

/** Sends requests of any kind, made when they are sent. */
export async function openRequestSender(options: RequestSenderOptions): Promise<LoadSender> {
  const { hostname, port, makeRequest } = options
  const connections = Array.from({ length: options.connections }, () => openConnection(hostname, port))

  async function post(connection: Connection, dueMs: number, tell: (sent: Sent) => void): Promise<Sent> {
    const sentMs = performance.now()
    const { status, retryAfter, body } = await connection.exchange(makeRequest())
    const nowMs = performance.now()
    const id = status === 200 ? /"id":"(evt_[0-9a-z]+)"/.exec(body)?.[1] : undefined
    const sent = {
      dueMs,
      acceptMs: nowMs - dueMs,
      answerMs: nowMs - sentMs,
      status,
      retryAfter,
      id,
    }
    tell(sent)
    return sent
  }

  async function along(
    dueTimes: Iterable<number>,
    tell: (sent: Sent) => void,
    unsent: (dueMs: number) => void,
  ): Promise<void> {
    const free = [...connections]
    const due: number[] = []
    const times = dueTimes[Symbol.iterator]()
    const startMs = performance.now()
    let next = times.next()
    let running = 0
    const done = Promise.withResolvers<void>()
    const pump = (): void => {
      const nowMs = performance.now()
      while (due.length > 0 && due[0]! < nowMs - latestMs) unsent(due.shift()!)
      while (due.length > 0 && free.length > 0) {
        const connection = free.pop()!
        running++
        void post(connection, due.shift()!, tell).then(() => {
          running--
          free.push(connection)
          pump()
        })
      }
      if (next.done && due.length === 0 && running === 0) done.resolve()
    }
    const timer = setInterval(() => {
      const passedMs = performance.now() - startMs
      for (; !next.done && next.value <= passedMs; next = times.next()) due.push(startMs + next.value)
      if (next.done && due.length === 0) clearInterval(timer)
      pump()
    }, tickMs)
    await done.promise
    clearInterval(timer)
  }

  return {
    along,
    async atRate(perSecond, seconds, tell, signal) {
      const free = [...connections]
      const due: number[] = []
      let total = Math.round(perSecond * seconds)
      const startMs = performance.now()
      let planned = 0
      let running = 0
      const done = Promise.withResolvers<void>()
      const pump = (): void => {
        while (due.length > 0 && free.length > 0) {
          const connection = free.pop()!
          running++
          void post(connection, due.shift()!, tell).then(() => {
            running--
            free.push(connection)
            pump()
          })
        }
        if (planned === total && due.length === 0 && running === 0) done.resolve()
      }
      const timer = setInterval(() => {
        if (signal?.aborted) total = planned
        const until = Math.min(total, Math.floor(((performance.now() - startMs) * perSecond) / 1000))
        while (planned < until) due.push(startMs + (++planned * 1000) / perSecond)
        if (planned === total) clearInterval(timer)
        pump()
      }, tickMs)
      await done.promise
    },
    async asFastAsPossible(seconds, tell) {
      const endMs = performance.now() + seconds * 1000
      await Promise.all(
        connections.map(async connection => {
          while (performance.now() < endMs) {
            const { retryAfter = 0 } = await post(connection, performance.now(), tell)
            if (retryAfter > 0) await delay(retryAfter * 1000)
          }
        }),
      )
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.close()
    },
  }
}

interface Answer {
  /** 0: there was none. */
  readonly status: number
  readonly retryAfter?: number | undefined
  readonly body: string
}

interface Connection {
  /** Of Latin-1 characters. */
  exchange(request: string): Promise<Answer>
  close(): void
}

/** Connects with the first request: a server ends connections that it gets nothing on. */
function openConnection(host: string, port: number): Connection {
  let socket: Socket | undefined
  let received = ''
  let answered: ((answer: Answer) => void) | undefined

  function finish(answer: Answer): void {
    received = ''
    const tell = answered
    answered = undefined
    tell?.(answer)
  }

  async function dial(): Promise<Socket> {
    const opened = connect({ host, port, noDelay: true })
    await once(opened, 'connect')
    opened.setEncoding('latin1')
    opened.setTimeout(giveUpMs, () => opened.destroy())
    opened.on('error', () => {})
    opened.on('close', () => {
      if (socket !== opened) return
      socket = undefined
      finish({ status: 0, body: '' })
    })
    opened.on('data', (chunk: string) => {
      if (!answered) {
        // Nothing was asked: the server ends an idle connection, with 408 if it was never used.
        if (socket === opened) socket = undefined
        opened.destroy()
        return
      }
      received += chunk
      const headEnd = received.indexOf('\r\n\r\n')
      if (headEnd < 0) return
      const length = Number(/\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0)
      if (received.length < headEnd + 4 + length) return
      const head = received.slice(0, headEnd)
      if (/\nconnection: close/i.test(head)) {
        socket = undefined
        opened.destroy()
      }
      const status = Number(head.slice(9, 12))
      const seconds = status >= 400 ? /\nretry-after: (\d+)/i.exec(head)?.[1] : undefined
      const retryAfter = seconds === undefined ? undefined : Number(seconds)
      finish({ status, retryAfter, body: received.slice(headEnd + 4) })
    })
    return opened
  }

  return {
    async exchange(request) {
      try {
        socket ??= await dial()
      } catch {
        await delay(50) // refused: a restart is under way
        return { status: 0, body: '' }
      }
      const answer = new Promise<Answer>(resolve => {
        answered = resolve
      })
      socket.write(request, 'latin1')
      return answer
    },
    close: () => socket?.destroy(),
  }
}
