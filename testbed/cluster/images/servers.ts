import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Entry } from '@fairlead/image/layer'
import { findNats } from '@fairlead/servers/nats'
import { findPostgres } from '@fairlead/servers/postgres'
import { findRedis } from '@fairlead/servers/redis'
import { run } from '../node.ts'
import { buildArchive, folderEntries, libraryEntries, programEntries, systemEntries } from './archive.ts'
import { findDebianTools } from './debian-tools.ts'

/**
 * Images that stand in for the official ones of the chart's evaluation servers, which come from a registry: the same
 * servers behind the same interface, each described beside it. Their archives, for `Cluster.loadImages`.
 */
export function buildServerImages(): Promise<string[]> {
  return Promise.all([buildNatsImage(), buildPostgresImage(), buildRedisImage()])
}

/** The chart's values that name them. */
export const serverImageValues = [
  '--set=nats.image=localhost/nats:1',
  '--set=postgres.image=localhost/postgres:1',
  '--set=redis.image=localhost/redis:1',
]

/**
 * docker.io/library/nats: its entrypoint puts `nats-server` before arguments that begin with a dash, ports 4222, 6222 and
 * 8222, no user (the chart sets one). Here all arguments go to nats-server.
 */
async function buildNatsImage(): Promise<string> {
  const { path } = await findNats(console.error)
  return buildArchive({
    tag: 'localhost/nats:1',
    version: await digestOf(path),
    entrypoint: ['/usr/local/bin/nats-server'],
    entries: async () => [
      ...systemEntries(),
      ...(await shellEntries()),
      ...(await programEntries('usr/local/bin/nats-server', path)),
    ],
  })
}

/**
 * docker.io/library/redis: runs its arguments from /data, which belongs to uid 999. Its entrypoint gives up root first,
 * which the chart's pod doesn't have.
 */
async function buildRedisImage(): Promise<string> {
  const { path, env } = await findRedis(console.error)
  const libraries = env?.LD_LIBRARY_PATH
  return buildArchive({
    tag: 'localhost/redis:1',
    version: await digestOf(path),
    entrypoint: [],
    workdir: '/data',
    entries: async () => [
      ...systemEntries({ redis: 999 }),
      ...(await shellEntries()),
      { kind: 'directory', path: 'data', mode: 0o755, owner: 999 },
      ...(await programEntries('usr/local/bin/redis-server', path, libraries)),
      ...(await programEntries('usr/local/bin/redis-cli', join(dirname(path), 'redis-cli'), libraries)),
    ],
  })
}

/**
 * docker.io/library/postgres (alpine, uid 70): POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA,
 * /docker-entrypoint-initdb.d, sockets in /var/run/postgresql, psql and pg_isready; see postgres-entrypoint.sh. The server
 * is npm's PostgreSQL 18, psql and pg_isready are Debian's.
 */
async function buildPostgresImage(): Promise<string> {
  const { postgres } = await findPostgres()
  const home = resolve(dirname(postgres), '..')
  const entrypoint = resolve(import.meta.dirname, 'postgres-entrypoint.sh')
  const name = 'usr/local/bin/docker-entrypoint.sh'
  return buildArchive({
    tag: 'localhost/postgres:1',
    version: `${await digestOf(postgres)}-${await digestOf(entrypoint)}`,
    entrypoint: [`/${name}`],
    env: ['PGDATA=/var/lib/postgresql/18/docker'],
    entries: async () => [
      ...systemEntries({ postgres: 70 }),
      ...(await shellEntries()),
      { kind: 'file', path: name, from: entrypoint, mode: 0o755 },
      ...(await serverEntries(home, postgres)),
      ...(await clientEntries()),
      { kind: 'directory', path: 'var/run/postgresql', mode: 0o755, owner: 70 },
      { kind: 'directory', path: 'docker-entrypoint-initdb.d', mode: 0o755 },
    ],
  })
}

/** PostgreSQL's programs find most of their libraries beside them; the C library and the like come from this machine. */
async function serverEntries(home: string, postgres: string): Promise<Entry[]> {
  const folders = await Promise.all(
    ['bin', 'lib', 'share'].map(folder => folderEntries(join('usr/local/pgsql', folder), join(home, folder))),
  )
  const links = (await readdir(join(home, 'bin'))).map(
    (name): Entry => ({ kind: 'link', path: `usr/local/bin/${name}`, target: `../pgsql/bin/${name}` }),
  )
  return [...folders.flat(), ...links, ...(await libraryEntries(postgres))]
}

async function clientEntries(): Promise<Entry[]> {
  const tools = await findDebianTools()
  const [major] = await readdir(join(tools, 'usr/lib/postgresql'))
  const bin = join(tools, 'usr/lib/postgresql', major!, 'bin')
  const libraries = join(tools, 'usr/lib/x86_64-linux-gnu')
  const programs = ['psql', 'pg_isready'].map(name =>
    programEntries(`usr/local/bin/${name}`, join(bin, name), libraries),
  )
  return (await Promise.all(programs)).flat()
}

/** A shell and what scripts call: one static program, the one that Alpine's images have. */
async function shellEntries(): Promise<Entry[]> {
  const busybox = join(await findDebianTools(), 'bin/busybox')
  const names = (await run([busybox, '--list'])).trim().split('\n')
  return [
    { kind: 'file', path: 'bin/busybox', from: busybox, mode: 0o755 },
    ...names
      .filter(name => name !== 'busybox')
      .map((name): Entry => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' })),
  ]
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
    .slice(0, 12)
}
