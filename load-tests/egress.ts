import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { compileAddressPolicy } from '@fairlead/worker/egress/address'
import { openSender, type Sender } from '@fairlead/worker/egress/send'
import { compilePortPolicy, defaultPorts } from '@fairlead/worker/egress/target'
import { Agent, Client, request } from 'undici'

/**
 * What one delivery costs the sending process: CPU µs for each POST of 2 KB on kept-alive loopback connections, of the
 * worker's sender and of the clients that it could have been. All take turns on the same server, a process of its own,
 * so that a busy machine moves all of them alike: read the ratios. Then the bytes that a remote costs.
 *
 *   node load-tests/egress.ts [concurrency, default 32]
 */

const rounds = 9
const postsARound = 4000
const concurrency = Number(process.argv[2] ?? 32)

const answer = Buffer.from(
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nkeep-alive: timeout=60\r\ncontent-length: 11\r\n\r\n{"ok":true}',
)

/** Answers each POST with as little work as it takes to find its end. */
async function serve(): Promise<void> {
  const server = createServer(socket => {
    let missing = 0
    socket.on('error', () => socket.destroy())
    socket.on('data', chunk => {
      if (missing === 0) {
        const headEnd = chunk.indexOf('\r\n\r\n')
        const length = /content-length: (\d+)/i.exec(chunk.toString('latin1', 0, headEnd))?.[1]
        missing = headEnd + 4 + Number(length)
      }
      missing -= chunk.length
      if (missing <= 0) socket.write(answer)
      missing = Math.max(0, missing)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(server.address())
  process.once('disconnect', () => process.exit())
}

const body = Buffer.alloc(2048, 'a')
const headers = [
  ...['content-type', 'application/json', 'user-agent', 'Provider/1.0', 'accept', '*/*'],
  ...['provider-signature', `t=1766000000,v1=${'ab'.repeat(32)}`, 'x-request-id', 'a1b2c3d4'],
  ...['webhook-id', 'evt_01k0000000000000000000000', 'webhook-timestamp', '1766000000'],
  ...['webhook-signature', `v1,${'A'.repeat(43)}=`, 'fairlead-event-id', 'evt_01k0000000000000000000000'],
  ...['fairlead-source', 'stripe', 'fairlead-attempt', '1', 'fairlead-type', 'invoice.paid'],
]

function openLoopbackSender(): Sender {
  return openSender({
    policy: compileAddressPolicy({ allowCidrs: ['127.0.0.0/8'] }),
    ports: compilePortPolicy(defaultPorts),
    resolve: async () => ['127.0.0.1'],
    maxConnections: 20_000,
  })
}

async function repeat(posts: number, post: () => Promise<unknown>): Promise<void> {
  let left = posts
  const worker = async () => {
    while (left-- > 0) await post()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

async function cpuMicros(posts: number, post: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await repeat(posts, post)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / posts
}

function dispatch(dispatcher: Agent | Client, origin: string): Promise<void> {
  return new Promise((resolve, reject) =>
    dispatcher.dispatch(
      { origin, path: '/hooks', method: 'POST', headers, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd: () => resolve(),
        onResponseError: (_, error) => reject(error),
      },
    ),
  )
}

async function compareClients(port: number): Promise<void> {
  const origin = `http://127.0.0.1:${port}`
  await using sender = openLoopbackSender()
  const signal = new AbortController().signal
  const agent = new Agent({ connections: 64, allowH2: false })
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 64 })
  const free = Array.from(
    { length: concurrency },
    () => new Client(origin, { allowH2: false, headersTimeout: 0, bodyTimeout: 0 }),
  )
  const clients: Record<string, () => Promise<unknown>> = {
    'the sender': () => sender.send({ url: `${origin}/hooks`, headers, body, timeoutMs: 15_000 }, signal),
    // The least that undici can be asked for: a pool would come on top.
    'undici Client.dispatch': async () => {
      const client = free.pop()!
      await dispatch(client, origin)
      free.push(client)
    },
    'undici Agent.dispatch': () => dispatch(agent, origin),
    'undici request with a deadline': async () => {
      const options = { dispatcher: agent, headers, body, signal: AbortSignal.timeout(15_000) }
      const response = await request(`${origin}/hooks`, { method: 'POST', ...options })
      await response.body.dump()
    },
    'node:http': () =>
      new Promise<void>((resolve, reject) => {
        const all = [...headers, 'host', `127.0.0.1:${port}`, 'content-length', `${body.length}`]
        const options = {
          agent: httpAgent,
          host: '127.0.0.1',
          port,
          path: '/hooks',
          method: 'POST',
          headers: all,
        }
        const outgoing = httpRequest(options, response => response.on('end', resolve).resume())
        outgoing.on('error', reject).end(body)
      }),
  }
  const micros = new Map<string, number[]>()
  for (const [name, post] of Object.entries(clients)) {
    await cpuMicros(postsARound, post) // warm
    micros.set(name, [])
  }
  for (let round = 0; round < rounds; round++) {
    for (const [name, post] of Object.entries(clients))
      micros.get(name)!.push(await cpuMicros(postsARound, post))
  }
  const baseline = micros.get('the sender')!
  console.log(
    `CPU µs a POST of ${body.length} bytes, ${concurrency} at a time, ${rounds} rounds of ${postsARound}:`,
  )
  for (const [name, values] of micros) {
    const ratios = values.map((value, round) => value / baseline[round]!)
    const figures = `median ${median(values).toFixed(1)}, least ${Math.min(...values).toFixed(1)}`
    console.log(`  ${name.padEnd(32)} ${figures}, ${median(ratios).toFixed(2)} × the sender`)
  }
  await Promise.all([agent.close(), ...free.map(client => client.close())])
  httpAgent.destroy()
}

/** Heap and buffers a remote (origin, owner, client certificate) holds with an idle connection, and after it has gone. */
async function weighRemotes(port: number): Promise<void> {
  const remotes = 5000
  const weigh = () => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const signal = new AbortController().signal
  const empty = weigh()
  {
    await using sender = openLoopbackSender()
    let owner = 0
    const post = () =>
      sender.send(
        { url: `http://127.0.0.1:${port}/`, headers, body, timeoutMs: 15_000, owner: `${owner++}` },
        signal,
      )
    await repeat(remotes, post)
    const { idle } = sender.connections
    console.log(
      `bytes a remote with an idle connection: ${Math.round((weigh() - empty) / idle)} (${idle} of them)`,
    )
  }
  await new Promise(setImmediate)
  console.log(`bytes a remote after they have closed: ${Math.round((weigh() - empty) / remotes)}`)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

if (process.send) await serve()
else {
  const server = fork(fileURLToPath(import.meta.url))
  const [address] = await once(server, 'message')
  await compareClients(address.port)
  await weighRemotes(address.port)
  server.kill()
}
