import { openLog } from '@fairlead/daemon/log'
import { commandOf, type Server, startChild } from '@fairlead/servers/processes'
import { findRedis, startRedis } from '@fairlead/servers/redis'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { supervise } from './supervise.ts'

const log = openLog({ service: 'test', level: 'silent' })
const never = (error: unknown) => {
  throw error
}

test('a server that is killed is started again on the same port', async () => {
  await using home = await scratchFolder()
  const program = await findRedis(console.error)
  const started: Server[] = []
  const start = async (port: number) => {
    const server = await startRedis({ home: home.path, port, program })
    started.push(server)
    return server
  }
  await using running = await supervise('redis', 0, start, log, never)
  process.kill(running.first.pid, 'SIGKILL')
  await until(() => started.length === 2)
  expect(started.map(({ port }) => port)).toEqual([running.first.port, running.first.port])
})

test('once disposed of, it is stopped and stays so', async () => {
  await using home = await scratchFolder()
  const program = await findRedis(console.error)
  const running = await supervise(
    'redis',
    0,
    port => startRedis({ home: home.path, port, program }),
    log,
    never,
  )
  await running[Symbol.asyncDispose]()
  expect(await commandOf(running.first.pid)).toBeUndefined()
})

test('a server that ends again and again is given up', async () => {
  await using home = await scratchFolder()
  let starts = 0
  const start = async () => {
    starts++
    const child = await startChild({ name: 'short', home: home.path, command: 'true', args: [] })
    return { ...child, port: 1, url: '' }
  }
  const given = Promise.withResolvers<unknown>()
  await using _running = await supervise('short', 0, start, log, given.resolve)
  expect(await given.promise).toMatchObject({ message: 'short ended 6 times within a minute' })
  expect(starts).toBe(6)
})
