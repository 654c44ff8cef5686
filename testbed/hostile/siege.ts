import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { freePort } from '@fairlead/servers/processes'
import { openArrivals } from '../load/arrivals.ts'
import { createTestDatabase } from '../postgres.ts'
import { scratchFolder } from '../scratch.ts'
import { freeSettings, type StandaloneSettings, startStandalone } from '../standalone.ts'
import type { Answers, Target } from './attack.ts'
import type { AttackName } from './attacks.ts'
import { attacker, puzzle, victim, writeTenants } from './tenants.ts'
import { type Felt, feel } from './victim.ts'

/** A whole Fairlead as `npm start` runs it, attacked while one tenant does nothing wrong. */
export interface Siege extends AsyncDisposable {
  /** Attacks for so long; answers what the victim felt and how the attacker was answered. */
  attack(name: AttackName, seconds: number): Promise<{ felt: Felt; answers: Answers }>
  /** A gauge or counter of any part, summed over its labels. */
  metric(name: string): Promise<number>
  /** Connections that were made to fetch keys of providers. */
  readonly keyFetches: number
}

export async function startSiege(): Promise<Siege> {
  await using opened = new AsyncDisposableStack()
  const folder = opened.use(await scratchFolder()).path
  const arrivals = opened.use(await openArrivals())
  const attackerArrivals = opened.use(await openArrivals())
  const proxy = opened.use(await openDeadProxy())
  const ports = {
    arrivals: arrivals.port,
    attackerArrivals: attackerArrivals.port,
    closed: await freePort(),
  }
  const organizations = await writeTenants(folder, ports)
  const { url: postgresUrl } = opened.use(await createTestDatabase())
  const settings = { ...(await freeSettings(join(folder, 'home'))), organizations, postgresUrl }
  const standalone = opened.use(
    startStandalone(settings, {
      // Providers' keys are looked for here and nowhere else.
      NODE_USE_ENV_PROXY: '1',
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      NO_PROXY: '127.0.0.1,localhost',
    }),
  )
  await standalone.ready({ deadlineMs: 120_000 })
  if (standalone.output.includes('refused')) throw new Error(`a tenant was refused:\n${standalone.output}`)
  const [victimKey, puzzleKey, attackerKey] = [
    await makeKey(settings, victim),
    await makeKey(settings, puzzle),
    await makeKey(settings, attacker),
  ]
  const { receiverPort, apiPort } = settings
  const target = { receiverPort, apiPort, puzzleKey, attackerKey }
  const watched = {
    source: `http://127.0.0.1:${receiverPort}/webhooks/${victim}/github`,
    list: `http://127.0.0.1:${apiPort}/api/v1/organizations/${victim}/events?limit=20`,
    key: victimKey,
    arrivals,
  }
  const held = opened.move()
  return {
    async attack(name, seconds) {
      const begun = await startAttacker(name, target)
      const felt = await feel(watched, seconds)
      return { felt, answers: await begun.stop() }
    },
    async metric(name) {
      const text = await (await fetch(`http://127.0.0.1:${settings.metricsPort}/metrics`)).text()
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
      if (values.length === 0) throw new Error(`nothing is called ${name}`)
      return values.reduce((sum, [, value]) => sum + Number(value), 0)
    },
    get keyFetches() {
      return proxy.connections
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface Attacker {
  stop(): Promise<Answers>
}

/** Resolves when the attack is under way. */
async function startAttacker(name: AttackName, target: Target): Promise<Attacker> {
  const thread = new Worker(join(import.meta.dirname, 'attacker.ts'), { workerData: { name, target } })
  await once(thread, 'message')
  const answers = once(thread, 'message')
  // A fault of the attack is told when its answers are asked for.
  answers.catch(() => {})
  return {
    async stop() {
      thread.postMessage('stop')
      const [given] = (await answers) as [Answers]
      await thread.terminate()
      return given
    },
  }
}

async function makeKey(settings: StandaloneSettings, organization: string): Promise<string> {
  const admin = (await readFile(join(settings.home, 'admin-key'), 'utf8')).trim()
  const url = `http://127.0.0.1:${settings.apiPort}/api/v1/organizations/${organization}/api-keys`
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'siege', role: 'admin' }),
  })
  const answer = (await response.json()) as { key?: string }
  if (!answer.key) throw new Error(`no key: ${JSON.stringify(answer)}`)
  return answer.key
}

const badGateway = 'HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n'

/** Refuses each request, of which a connection has one: a provider that can't be reached, with no network at all. */
async function openDeadProxy(): Promise<
  AsyncDisposable & { readonly port: number; readonly connections: number }
> {
  let connections = 0
  const server = createServer(socket => {
    connections++
    socket.on('error', () => {})
    socket.once('data', () => socket.end(badGateway))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port')
  return {
    port: address.port,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
