import { findPostgres, type PostgresServer, startPostgres } from '@fairlead/servers/postgres'
import { type Restartable, restartable } from './restartable.ts'
import { asAdmin, postgresOfRun, templateOfRun, withDatabase } from './run.ts'
import { scratchFolder } from './scratch.ts'

/**
 * One PostgreSQL serves a whole test run. Migrations run once, into a template database; each test file gets a clone of
 * it, which takes about 30 ms. A run that needs no database starts none.
 */
export interface TestDatabase extends AsyncDisposable {
  /** As the role `fairlead`, who owns it and is bound by row-level security. */
  readonly url: string
  /** The same database as the superuser. */
  readonly adminUrl: string
  readonly name: string
}

/**
 * A database of one's own on the run's PostgreSQL, dropped when disposed.
 * @param options.migrated with the store's schema; default true. Otherwise it is empty.
 */
export async function createTestDatabase(
  options: { readonly migrated?: boolean } = {},
): Promise<TestDatabase> {
  const run = await postgresOfRun()
  const name = `test_${process.pid}_${Math.random().toString(36).slice(2, 10)}`
  const template = (options.migrated ?? true) ? await templateOfRun() : 'template0'
  await asAdmin(run.adminUrl, `create database ${name} owner fairlead template ${template}`)
  return {
    name,
    url: withDatabase(run.url, name),
    adminUrl: withDatabase(run.adminUrl, name),
    [Symbol.asyncDispose]: () => asAdmin(run.adminUrl, `drop database if exists ${name} with (force)`),
  }
}

/**
 * A PostgreSQL of one's own, for tests that stop or kill it; its database `fairlead` is empty. Takes about a second.
 * @param options.home where its data is, and stays; default: a folder that goes with it
 */
export async function startTestPostgres(
  options: { readonly home?: string } = {},
): Promise<Restartable & { readonly adminUrl: string }> {
  await using cleanup = new AsyncDisposableStack()
  const home = options.home ?? cleanup.use(await scratchFolder()).path
  const programs = await findPostgres()
  let adminUrl = ''
  const server = await restartable(async port => {
    const started: PostgresServer = await startPostgres({ home, port, programs, fsync: false })
    adminUrl = started.adminUrl
    return started
  }, cleanup)
  return Object.assign(server, { adminUrl })
}
