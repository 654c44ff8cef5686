import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findNats, type NatsOptions, startNats } from '@fairlead/servers/nats'
import { freePort } from '@fairlead/servers/processes'
import type { Program } from '@fairlead/servers/search'
import { type Restartable, restartable } from './restartable.ts'
import { scratchFolder } from './scratch.ts'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** Several nats-servers as one cluster, whose connections among each other a test may cut. */
export interface NatsCluster extends AsyncDisposable {
  readonly urls: readonly string[]
  readonly servers: readonly Restartable[]
  /** For each server, all that connects it with the others: cut these, and it is alone. Two servers share two proxies. */
  readonly routes: readonly (readonly TcpProxy[])[]
}

/**
 * Starts `nats-1`, `nats-2` … JetStream elects a leader within seconds: wait for the first stream with `until`.
 * @param options.homeOf where a server keeps its data, by name; default: a folder of its own, gone when disposed
 */
export async function startNatsCluster(
  size: number,
  options: Pick<NatsOptions, 'syncAlways'> & { readonly homeOf?: (name: string) => Promise<string> } = {},
): Promise<NatsCluster> {
  await using cleanup = new AsyncDisposableStack()
  const { syncAlways = false, homeOf = async () => cleanup.use(await scratchFolder()).path } = options
  const program = await keptToItsRoutes(await findNats(console.error), cleanup)
  const ports = await Promise.all(Array.from({ length: size }, freePort))
  const proxies = await startRoutes(ports, cleanup)
  const servers: Restartable[] = []
  for (const [i, port] of ports.entries()) {
    const name = `nats-${i + 1}`
    const others = proxies.flatMap(({ from, proxy }) => (from === i ? proxy.port : []))
    const cluster = { name, port, ports: [port, ...others] }
    const settings = { home: await homeOf(name), program, cluster, syncAlways }
    const start = (clientPort: number) => startNats({ ...settings, port: clientPort })
    servers.push(cleanup.use(await restartable(start, new AsyncDisposableStack())))
  }
  const held = cleanup.move()
  return {
    servers,
    urls: servers.map(server => server.url),
    routes: ports.map((_, i) =>
      proxies.flatMap(({ from, to, proxy }) => (from === i || to === i ? proxy : [])),
    ),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A proxy for each way: of two servers either may dial the other, and keeps dialling. */
async function startRoutes(ports: readonly number[], cleanup: AsyncDisposableStack) {
  const routes: { readonly from: number; readonly to: number; readonly proxy: TcpProxy }[] = []
  for (const from of ports.keys()) {
    for (const [to, port] of ports.entries()) {
      if (from !== to) routes.push({ from, to, proxy: cleanup.use(await startTcpProxy(port)) })
    }
  }
  return routes
}

/**
 * nats-server, but it tells nobody where it and its neighbours really are. Left alone it tells clients and servers, which
 * then pass their proxies by: clients on their next reconnection, servers as soon as a third one is connected to both
 * (`processImplicitRoute`, seen in 2.15). Nothing listens on port 1, so that whoever dials there fails at once.
 * @see https://docs.nats.io/running-a-nats-service/configuration/clustering/cluster_config
 */
async function keptToItsRoutes({ path, env }: Program, cleanup: AsyncDisposableStack): Promise<Program> {
  const script = join(cleanup.use(await scratchFolder()).path, 'nats-server')
  await writeFile(script, `#!/bin/sh\nexec '${path}' "$@" --no_advertise --cluster_advertise 127.0.0.1:1\n`)
  await chmod(script, 0o700)
  return { path: script, ...(env && { env }) }
}
