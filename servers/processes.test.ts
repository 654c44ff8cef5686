import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { findNats, startNats } from './nats.ts'
import { findPostgres, startPostgres } from './postgres.ts'
import { commandOf, pidFile, startChild } from './processes.ts'
import { findRedis, startRedis } from './redis.ts'

const isGone = (pid: number) => until(async () => (await commandOf(pid)) === undefined)

async function takenPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return { port: address.port, [Symbol.dispose]: () => void server.close() }
}

test.each([
  [
    'nats',
    async (at: { home: string; port: number; portKey: string }) =>
      startNats({ ...at, program: await findNats(console.error) }),
  ],
  [
    'redis',
    async (at: { home: string; port: number; portKey: string }) =>
      startRedis({ ...at, program: await findRedis(console.error) }),
  ],
  [
    'postgres',
    async (at: { home: string; port: number; portKey: string }) =>
      startPostgres({ ...at, programs: await findPostgres(), fsync: false }),
  ],
])(
  'when the port of %s is taken, one line names the setting to change, and nothing is left running',
  async (name, start) => {
    await using home = await scratchFolder()
    using taken = await takenPort()
    const failure = await start({ home: home.path, port: taken.port, portKey: 'FAIRLEAD_X_PORT' }).catch(
      error => error,
    )
    expect(failure).toMatchObject({
      code: 'port_taken',
      message: `port ${taken.port} for ${name} is taken: set FAIRLEAD_X_PORT to a free port, or stop what uses it`,
    })
    await expect(readFile(pidFile(home.path, name))).rejects.toThrow('ENOENT')
  },
)

test('PostgreSQL refuses the data of another major version with one line', async () => {
  await using home = await scratchFolder()
  await mkdir(join(home.path, 'postgres', 'data'), { recursive: true })
  await writeFile(join(home.path, 'postgres', 'data', 'PG_VERSION'), '12\n')
  const starting = startPostgres({ home: home.path, port: 0, programs: await findPostgres() })
  await expect(starting).rejects.toMatchObject({
    code: 'data_too_new_or_old',
    message: /PostgreSQL 12.*pg_dump/,
  })
})

test('PostgreSQL starts although a crash left a pid file with a pid that is ours by now', async () => {
  await using home = await scratchFolder()
  const programs = await findPostgres()
  const first = await startPostgres({ home: home.path, port: 0, programs, fsync: false })
  await first.kill9()
  const path = join(home.path, 'postgres', 'data', 'postmaster.pid')
  const lines = (await readFile(path, 'utf8')).split('\n')
  await writeFile(path, [process.pid, ...lines.slice(1)].join('\n'))
  await using second = await startPostgres({ home: home.path, port: first.port, programs, fsync: false })
  expect(second.pid).not.toBe(first.pid)
})

test.runIf(process.platform === 'linux')(
  'PostgreSQL waits for processes of a killed one that have not ended yet',
  async () => {
    await using home = await scratchFolder()
    const options = { home: home.path, programs: await findPostgres(), fsync: false }
    const first = await startPostgres({ ...options, port: 0 })
    const children = await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8')
    const [child] = children.trim().split(' ').map(Number)
    process.kill(child!, 'SIGSTOP')
    await first.kill9()
    const starting = startPostgres({ ...options, port: first.port })
    const log = () => readFile(join(home.path, 'logs', 'postgres.log'), 'utf8')
    await until(async () => /still in use/.test(await log()), { what: 'a refused start' }).finally(() =>
      process.kill(child!, 'SIGCONT'),
    )
    await using second = await starting
    expect(second.pid).not.toBe(first.pid)
  },
)

test('a half-made data folder of PostgreSQL is made anew', async () => {
  await using home = await scratchFolder()
  await mkdir(join(home.path, 'postgres', 'data.partial', 'base'), { recursive: true })
  await using server = await startPostgres({
    home: home.path,
    port: 0,
    programs: await findPostgres(),
    fsync: false,
  })
  expect(server.url).toContain('/fairlead')
})

test('what a killed process left running is stopped by the next start', async () => {
  await using home = await scratchFolder()
  await mkdir(join(home.path, 'run'))
  const leftOver = spawn('sleep', ['60'], { argv0: `sleep-of-${home.path}`, stdio: 'ignore' })
  await once(leftOver, 'spawn')
  await writeFile(pidFile(home.path, 'x'), `${leftOver.pid}\n${home.path}\n`)
  await using child = await startChild({ name: 'x', home: home.path, command: 'sleep', args: ['60'] })
  await isGone(leftOver.pid!)
  expect(child.pid).not.toBe(leftOver.pid)
})

test('a pid file that names a stranger stops nobody', async () => {
  await using home = await scratchFolder()
  await mkdir(join(home.path, 'run'))
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' })
  await once(stranger, 'spawn')
  await writeFile(pidFile(home.path, 'x'), `${stranger.pid}\n${home.path}\n`)
  await using _child = await startChild({ name: 'x', home: home.path, command: 'sleep', args: ['60'] })
  expect(await commandOf(stranger.pid!)).toBe('sleep 60')
  stranger.kill()
  await once(stranger, 'exit')
})

test.runIf(process.platform === 'linux')(
  'a child dies with its parent, also when that is killed',
  async () => {
    await using home = await scratchFolder()
    const script = `
    import { startChild } from ${JSON.stringify(join(import.meta.dirname, 'processes.ts'))}
    const child = await startChild({ name: 'x', home: ${JSON.stringify(home.path)}, command: 'sleep', args: ['60'] })
    console.log(child.pid)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(printed.toString())
    expect(await commandOf(pid)).toContain('sleep 60')
    parent.kill('SIGKILL')
    await isGone(pid)
  },
)
