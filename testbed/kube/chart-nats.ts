import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { findNats } from '@fairlead/servers/nats'
import { type Child, freePort, startChild } from '@fairlead/servers/processes'
import { parse } from 'yaml'
import { scratchFolder } from '../scratch.ts'
import { findHelm } from './helm.ts'

const chart = resolve(import.meta.dirname, '../../charts/fairlead')

/** The parts that have a user of their own. */
export const natsParts = ['receiver', 'worker', 'prober', 'store'] as const
export type NatsPart = (typeof natsParts)[number]
export type NatsUser = NatsPart | 'admin'

/** Three nats-servers as one cluster, with the configuration of the chart's own NATS. */
export interface ChartNats extends AsyncDisposable {
  /** Of all three, comma-separated. */
  readonly url: string
  readonly passwordOf: (user: NatsUser) => string
  /** What was refused so far, one line of a server's log each, with the connection's name and the subject. */
  refusals(): Promise<string[]>
}

export async function startChartNats(): Promise<ChartNats> {
  await using opening = new AsyncDisposableStack()
  const home = opening.use(await scratchFolder()).path
  const helm = await findHelm(home)
  const args = ['--show-only', 'templates/nats-configmap.yaml', '--set', 'prober.enabled=true']
  const rendered = await helm(['template', 'fl', chart, ...args])
  const text = String(parse(rendered).data['nats.conf'])
  const passwordOf = (user: NatsUser) => `p${user}TestOnly`
  const passwords = (['admin', ...natsParts] as const).map(user => [
    `${user.toUpperCase()}_PASSWORD`,
    passwordOf(user),
  ])
  const { path: command } = await findNats(console.error)
  const ports: number[] = []
  const clusterPorts: number[] = []
  for (let i = 0; i < 3; i++) {
    ports.push(await freePort())
    clusterPorts.push(await freePort())
  }
  const servers: Child[] = []
  for (const [i, port] of ports.entries()) {
    const name = `nats-${i}`
    const own = { name, port, clusterPort: clusterPorts[i]!, clusterPorts, store: join(home, name) }
    const file = join(home, `${name}.conf`)
    await writeFile(file, configured(text, own))
    const env = Object.fromEntries(passwords)
    servers.push(opening.use(await startChild({ name, home, command, args: ['--config', file], env })))
  }
  const opened = opening.move()
  return {
    url: ports.map(port => `nats://127.0.0.1:${port}`).join(','),
    passwordOf,
    async refusals() {
      const outputs = await Promise.all(servers.map(server => server.output()))
      return outputs.flatMap(output => output.match(/.*(?:Publish|Subscription) Violation.*/g) ?? [])
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

interface Own {
  readonly name: string
  readonly port: number
  readonly clusterPort: number
  readonly clusterPorts: readonly number[]
  readonly store: string
}

/** The chart's configuration on loopback, with a store in a scratch folder, as one of several servers. */
function configured(text: string, { name, port, clusterPort, clusterPorts, store }: Own): string {
  const routes = clusterPorts.map(other => `"nats://127.0.0.1:${other}"`).join(', ')
  const config = text
    .replace(/server_name: .*/, `server_name: ${name}`)
    .replace('http_port: 8222', `listen: 127.0.0.1:${port}`)
    .replace('store_dir: /data', `store_dir: ${JSON.stringify(store)}`)
  return `${config}\ncluster { name: test, listen: "127.0.0.1:${clusterPort}", routes: [${routes}] }\n`
}
