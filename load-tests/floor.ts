import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { startTestNats } from '@fairlead/testbed/nats'
import { connectNats } from '@fairlead/wire/connect'
import { openPublisher } from '@fairlead/wire/publish'
import { jetstreamManager } from '@nats-io/jetstream'

/**
 * The least that any receiver does that answers when an event is safe: reads the body, publishes it to a stream that
 * syncs each message, answers. No verification, no de-duplication, no delivery, no log. What it takes on this machine,
 * in the same minute, is what Fairlead's times are compared with.
 */
export interface Floor extends AsyncDisposable {
  readonly url: string
  /** By what runs there. */
  readonly pids: Readonly<Record<'server' | 'nats', number>>
}

export async function startFloor(): Promise<Floor> {
  await using opened = new AsyncDisposableStack()
  const nats = opened.use(await startTestNats({ syncAlways: true }))
  const child = fork(import.meta.filename, ['--serve', nats.url])
  opened.defer(async () => {
    child.disconnect()
    await once(child, 'exit')
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const held = opened.move()
  return {
    url: `http://127.0.0.1:${port}/`,
    pids: { server: child.pid!, nats: nats.pid },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function serve(natsUrl: string): Promise<void> {
  const nats = await connectNats({ url: natsUrl, name: 'floor' })
  const manager = await jetstreamManager(nats)
  await manager.streams.add({ name: 'FLOOR', subjects: ['floor'], max_bytes: 1024 ** 3 })
  const publisher = openPublisher(nats)
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', async () => {
      const { seq } = await publisher.publish('floor', Buffer.concat(chunks))
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"id":"evt_${seq}"}`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.(server.address())
  process.once('disconnect', () => process.exit())
}

if (process.argv[2] === '--serve') await serve(process.argv[3]!)
