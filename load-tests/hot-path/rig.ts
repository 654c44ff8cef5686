import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { migrate } from '@fairlead/store/migrate'
import { anOrganization, putConfiguration, testEncryptionKeys } from '@fairlead/testbed/configuration'
import { type Arrivals, openArrivals } from '@fairlead/testbed/load/arrivals'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestPostgres } from '@fairlead/testbed/postgres'
import { startTestReceiver } from '@fairlead/testbed/receiver'
import { startTestRedis } from '@fairlead/testbed/redis'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { jetstreamManager } from '@nats-io/jetstream'
import { Client } from 'pg'
import { declaredHeaders, declaredPointers, loadSecret } from './request.ts'

/** Each part of the hot path, and of what follows the log, as a process of its own. */
export interface Rig extends AsyncDisposable {
  readonly arrivals: Arrivals
  /** The receiver's URL of the source that declares values, or of one that declares none. */
  sourceUrl(declares: boolean): string
  /** Of receiver, worker, nats-server and Redis. */
  readonly hotPids: Readonly<Record<string, number>>
  /** Of PostgreSQL, and of the projector where it runs. */
  logPids(): Record<string, number>
  setRecords(stored: boolean): void
  /** Starts the projector or ends it; one that is started has caught up when this resolves. */
  setProjector(runs: boolean): Promise<void>
  /** Messages of EVENTS and ATTEMPTS that the log doesn't have yet. */
  behind(): Promise<number>
}

const projectorProgram = fileURLToPath(import.meta.resolve('@fairlead/store/project/fixture/projector'))
const workerProgram = new URL('worker.ts', import.meta.url).pathname

export async function openRig(): Promise<Rig> {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startTestNats({ syncAlways: true }))
  const redis = opened.use(await startTestRedis())
  const postgres = opened.use(await startTestPostgres())
  await migrate(postgres.url)
  const nats = await connectNats({ url: server.url, name: 'load' })
  opened.defer(() => nats.close())
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, { ...defaultStreamLimits, eventsMaxBytes: 2 * 1024 ** 3 })
  const arrivals = opened.use(await openArrivals())
  await putConfiguration(nats, organizationOf(arrivals.port))
  const log = new Client({ connectionString: new URL('/fairlead', postgres.adminUrl).href })
  await log.connect()
  opened.defer(() => log.end())
  const logFolder = opened.use(await scratchFolder()).path
  const env = { FAIRLEAD_REDIS_URL: redis.url }
  const receiver = opened.use(await startTestReceiver({ natsUrl: server.url, logFolder, env }))
  const worker = fork(workerProgram, [server.url], {
    env: { ...process.env, FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys },
  })
  opened.defer(() => worker.disconnect())
  let projector: ChildProcess | undefined
  opened.defer(() => ended(projector))

  async function behind(): Promise<number> {
    const { rows } = await log.query<{ stream: string; seq: string }>(
      'select stream, seq from projection_positions',
    )
    const stored = new Map(rows.map(({ stream, seq }) => [stream, Number(seq)]))
    const lag = async (stream: string) =>
      (await manager.streams.info(stream)).state.last_seq - (stored.get(stream) ?? 0)
    return (await lag('EVENTS')) + (await lag('ATTEMPTS'))
  }

  const held = opened.move()
  return {
    arrivals,
    sourceUrl: declares => `${receiver.url}/webhooks/load/${declares ? 'declaring' : 'plain'}`,
    hotPids: { receiver: receiver.pid, worker: worker.pid!, nats: server.pid, redis: redis.pid },
    logPids: () => ({ postgres: postgres.pid, ...(projector && { projector: projector.pid! }) }),
    setRecords: stored => void worker.send({ records: stored }),
    behind,
    async setProjector(runs) {
      if (runs === (projector !== undefined)) return
      if (!runs) {
        await ended(projector)
        projector = undefined
        return
      }
      projector = spawn(process.execPath, [projectorProgram, postgres.url, server.url], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      await until(async () => (await behind()) === 0, { deadlineMs: 120_000, what: 'the log' })
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

const organizationOf = (port: number) =>
  anOrganization('load', {
    sources: [
      { name: 'plain', provider: 'github', secrets: [loadSecret] },
      {
        name: 'declaring',
        provider: 'github',
        secrets: [loadSecret],
        search: { pointers: [...declaredPointers], headers: [...declaredHeaders] },
      },
    ],
    destinations: [{ name: 'arrivals', url: `http://127.0.0.1:${port}/`, concurrency: 64 }],
  })
