import { openLog } from '@fairlead/daemon/log'
import { openRegistry } from '@fairlead/daemon/metrics'
import { storeConfig } from '@fairlead/store/config'
import { run } from '@fairlead/store/run'
import { connectStore, type StoreClient } from '@fairlead/wire/store-client'
import { Client, Pool } from 'pg'
import { testEncryptionKeys } from './configuration.ts'
import { startTestNats } from './nats.ts'
import { createTestDatabase } from './postgres.ts'

/**
 * A store of one's own, in this process, with a nats-server and a database of its own behind it; secrets are sealed with
 * `testEncryptionKeys`.
 */
export interface TestStore extends AsyncDisposable {
  /** Where its gRPC answers. */
  readonly url: string
  readonly natsUrl: string
  readonly postgresUrl: string
  readonly client: StoreClient
  /** Prometheus' text format. */
  metrics(): Promise<string>
  /** Runs a statement under the platform's scope, beside the store. */
  query(statement: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** Locks a table against writers until it is disposed of: a call that writes to it waits within its transaction. */
  lockTable(table: string): Promise<AsyncDisposable>
}

/**
 * Starts a store. It logs nothing below `error`.
 * @param given servers that are there already, and stay; keys other than `testEncryptionKeys`; further settings
 */
export async function startTestStore(
  given: {
    readonly natsUrl?: string
    readonly postgresUrl?: string
    readonly encryptionKeys?: string
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<TestStore> {
  await using opened = new AsyncDisposableStack()
  const nats = given.natsUrl === undefined ? opened.use(await startTestNats()) : { url: given.natsUrl }
  const database =
    given.postgresUrl === undefined ? opened.use(await createTestDatabase()) : { url: given.postgresUrl }
  const config = storeConfig.parse({
    FAIRLEAD_POSTGRES_URL: database.url,
    FAIRLEAD_NATS_URL: nats.url,
    FAIRLEAD_ENCRYPTION_KEYS: given.encryptionKeys ?? testEncryptionKeys,
    FAIRLEAD_STORE_PORT: 0,
    FAIRLEAD_STORE_HOST: '127.0.0.1',
    ...given.env,
  })
  const daemon = {
    log: openLog({ service: 'store', level: 'error' }),
    registry: openRegistry(),
    health: { check: () => ({ [Symbol.dispose]: () => {} }) },
  }
  const stopping = new AbortController()
  const { promise: listens, resolve } = Promise.withResolvers<number>()
  const running = run(config, stopping.signal, daemon, resolve)
  const port = await Promise.race([listens, running])
  if (port === undefined) throw new TypeError('the store ended before it listened')
  opened.defer(async () => {
    stopping.abort()
    await running
  })
  const url = `http://127.0.0.1:${port}`
  const client = opened.use(connectStore(url))
  // Tests ask hundreds of times: to connect costs more than to ask.
  const pool = new Pool({
    connectionString: database.url,
    options: '-c fairlead.scope=platform',
    max: 12,
    idleTimeoutMillis: 5_000,
  })
  // A PostgreSQL that a test kills: the next question connects anew.
  pool.on('error', () => {})
  opened.defer(() => pool.end())
  const held = opened.move()
  return {
    url,
    natsUrl: nats.url,
    postgresUrl: database.url,
    client,
    metrics: () => daemon.registry.metrics(),
    async lockTable(table) {
      const connection = new Client({ connectionString: database.url })
      await connection.connect()
      await connection.query(`begin; lock table ${connection.escapeIdentifier(table)} in share mode`)
      return { [Symbol.asyncDispose]: () => connection.end() }
    },
    query: async (statement, values = []) => (await pool.query(statement, [...values])).rows,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
