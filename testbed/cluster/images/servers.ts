import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeCached } from '@fairlead/standalone/servers/cache'
import { distribution, unpackDebian } from '@fairlead/standalone/servers/debian'
import { findNats } from '@fairlead/standalone/servers/nats'
import { findPostgres } from '@fairlead/standalone/servers/postgres'
import { findRedis } from '@fairlead/standalone/servers/redis'
import { run } from '../node.ts'
import { addFolder, addLibraries, addPrograms, addSystem, buildArchive } from './archive.ts'

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
 * docker.io/library/nats: the entrypoint puts `nats-server` before arguments that begin with a dash, the command without
 * any names /etc/nats/nats-server.conf, ports 4222, 6222 and 8222, no user (the chart sets one). Here arguments always go
 * to nats-server.
 */
async function buildNatsImage(): Promise<string> {
  const { path } = await findNats(console.error)
  return buildArchive({
    tag: 'localhost/nats:1',
    version: await digestOf(path),
    config: {
      Entrypoint: ['/usr/local/bin/nats-server'],
      Cmd: ['--config', '/etc/nats/nats-server.conf'],
      Env: ['PATH=/usr/local/bin:/bin'],
    },
    async fill(root) {
      await addSystem(root)
      await addShell(root)
      await addPrograms(root, { '/usr/local/bin/nats-server': path })
    },
  })
}

/**
 * docker.io/library/redis: runs its arguments from /data, by default `redis-server`; /data belongs to uid 999. The
 * official entrypoint gives up root first, which the chart's pod doesn't have.
 */
async function buildRedisImage(): Promise<string> {
  const { path, env } = await findRedis(console.error)
  return buildArchive({
    tag: 'localhost/redis:1',
    version: await digestOf(path),
    config: { Cmd: ['redis-server'], Env: ['PATH=/usr/local/bin:/bin'], WorkingDir: '/data' },
    async fill(root) {
      await addSystem(root, { redis: 999 })
      await addShell(root)
      await mkdir(join(root, 'data'))
      const cli = join(dirname(path), 'redis-cli')
      const programs = { '/usr/local/bin/redis-server': path, '/usr/local/bin/redis-cli': cli }
      await addPrograms(root, programs, env?.LD_LIBRARY_PATH)
    },
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
  return buildArchive({
    tag: 'localhost/postgres:1',
    version: `${await digestOf(postgres)} ${await digestOf(entrypoint)}`,
    config: {
      Entrypoint: ['/usr/local/bin/docker-entrypoint.sh'],
      Cmd: ['postgres'],
      Env: ['PATH=/usr/local/bin:/usr/local/pgsql/bin:/bin', 'PGDATA=/var/lib/postgresql/18/docker'],
    },
    async fill(root) {
      const tools = await debianTools()
      await addSystem(root, { postgres: 70 })
      await addShell(root)
      for (const folder of ['bin', 'lib', 'share']) {
        await addFolder(root, join('usr/local/pgsql', folder), join(home, folder))
      }
      // Most of its libraries are found beside it; the C library and the like come from this machine.
      await addLibraries(root, postgres)
      const libraries = join(tools, 'usr/lib/x86_64-linux-gnu')
      const [major] = await readdir(join(tools, 'usr/lib/postgresql'))
      const bin = join(tools, 'usr/lib/postgresql', major!, 'bin')
      const programs = {
        '/usr/local/bin/psql': join(bin, 'psql'),
        '/usr/local/bin/pg_isready': join(bin, 'pg_isready'),
      }
      await addPrograms(root, programs, libraries)
      const target = join(root, 'usr/local/bin/docker-entrypoint.sh')
      await copyFile(entrypoint, target)
      await chmod(target, 0o755)
      for (const folder of ['var/run/postgresql', 'docker-entrypoint-initdb.d']) {
        await mkdir(join(root, folder), { recursive: true })
      }
    },
  })
}

/** A shell and what scripts call: one static program. The official images have Alpine's, which is the same one. */
async function addShell(root: string): Promise<void> {
  const busybox = join(await debianTools(), 'bin/busybox')
  const bin = join(root, 'bin')
  await mkdir(bin, { recursive: true })
  await copyFile(busybox, join(bin, 'busybox'))
  for (const name of (await run([busybox, '--list'])).trim().split('\n')) {
    if (name !== 'busybox') await symlink('busybox', join(bin, name))
  }
}

/** Debian's psql and busybox, unpacked in the cache. */
async function debianTools(): Promise<string> {
  const release = await distribution()
  if (release === undefined) throw new Error('psql and busybox come from Debian packages')
  return makeCached(
    `psql-busybox-${release}-${process.arch}`,
    async into => {
      // The package is named for its version: the one of this release.
      const found = await run(['apt-cache', 'depends', 'postgresql-client'])
      const client = /Depends: (postgresql-client-\d+)/.exec(found)?.[1] ?? 'postgresql-client-15'
      await unpackDebian([client, 'busybox-static'], into, console.error)
    },
    console.error,
  )
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
