import { once } from 'node:events'
import type { ReadinessCheck } from '@fairlead/daemon/health'
import { openLog } from '@fairlead/daemon/log'
import type { Daemon } from '@fairlead/daemon/run'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { host, hostListening, type SharedDaemon } from './host.ts'

function aDaemon() {
  const checks: string[] = []
  const check = (name: string, _check: ReadinessCheck) => {
    checks.push(name)
    return { [Symbol.dispose]() {} }
  }
  const daemon: SharedDaemon = {
    logOf: service => openLog({ service, level: 'silent' }),
    registry: new Registry(),
    health: { check },
  }
  return { daemon, checks }
}
const unexpected = (service: string, error: unknown) => {
  throw new Error(service, { cause: error })
}

test('disposing waits until the service has finished what it has in hand', async () => {
  const { daemon, checks } = aDaemon()
  const happened: string[] = []
  const run = async (
    _config: string,
    signal: AbortSignal,
    { health }: Daemon,
    listening: (port: number) => void,
  ) => {
    health.check('nats', () => undefined)
    listening(1234)
    await once(signal, 'abort')
    happened.push('drained')
  }
  {
    await using service = await hostListening('worker', run, 'config', daemon, unexpected)
    expect(service.port).toBe(1234)
  }
  expect(happened).toEqual(['drained'])
  expect(checks).toEqual(['worker.started', 'worker.nats'])
})

test.each([
  ['fails', async () => Promise.reject(new Error('broken')), 'broken'],
  ['ends by itself', async () => {}, 'it ended by itself'],
])('a service that %s is told', async (_name, run, message) => {
  const told = Promise.withResolvers<[string, unknown]>()
  await using _service = host('api', run, {}, aDaemon().daemon, (...what) => told.resolve(what))
  expect(await told.promise).toEqual(['api', expect.objectContaining({ message })])
})

test('a service that fails before it listens fails the start', async () => {
  const run = async () => Promise.reject(new Error('no port'))
  await expect(hostListening('api', run, {}, aDaemon().daemon, () => {})).rejects.toThrow('no port')
})
