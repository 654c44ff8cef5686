import { findNats, type NatsOptions, startNats } from '@fairlead/standalone/servers/nats'
import { freePort } from '@fairlead/standalone/servers/processes'
import { type Restartable, restartable } from './restartable.ts'
import { scratchFolder } from './scratch.ts'

type Settings = Pick<NatsOptions, 'login' | 'syncAlways' | 'maxPayloadBytes'>

/** A nats-server of one's own with JetStream, on a free port; without an fsync for each message unless asked. */
export async function startTestNats(settings: Settings = {}): Promise<Restartable> {
  await using cleanup = new AsyncDisposableStack()
  const home = cleanup.use(await scratchFolder()).path
  const options = { home, program: await findNats(console.error), syncAlways: false, ...settings }
  return await restartable(port => startNats({ ...options, port }), cleanup)
}

/** Several nats-servers as one cluster. JetStream elects a leader within seconds: wait for the first stream with `until`. */
export async function startNatsCluster(
  size: number,
  settings: Settings = {},
): Promise<AsyncDisposable & { readonly urls: readonly string[]; readonly servers: readonly Restartable[] }> {
  await using cleanup = new AsyncDisposableStack()
  const program = await findNats(console.error)
  const ports: number[] = []
  for (let i = 0; i < size; i++) ports.push(await freePort())
  const servers: Restartable[] = []
  for (const [i, clusterPort] of ports.entries()) {
    await using own = new AsyncDisposableStack()
    const home = own.use(await scratchFolder()).path
    const cluster = { name: `nats-${i + 1}`, port: clusterPort, ports }
    const options = { home, program, cluster, syncAlways: false, ...settings }
    servers.push(cleanup.use(await restartable(port => startNats({ ...options, port }), own)))
  }
  const held = cleanup.move()
  return {
    servers,
    urls: servers.map(server => server.url),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
