import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'

interface Line {
  msg: string
  [field: string]: unknown
}

/** Runs fixtures/service.ts as a process of its own. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/service.ts')], {
    env: { PATH: process.env.PATH, FAIRLEAD_METRICS_PORT: '0', FAIRLEAD_METRICS_HOST: '127.0.0.1', ...env },
  })
  const lines: Line[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.map(part => JSON.parse(part) as Line))
  })
  const errors = text(child.stderr)
  const exit = once(child, 'close').then(([code]) => code as number)
  return {
    lines,
    errors,
    exit,
    line: (message: string) => until(() => lines.find(({ msg }) => msg === message), { what: message }),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await exit
    },
  }
}

const valid = { REQUIRED: 'yes' }

test('the first signal drains, and an orderly end exits 0', async () => {
  await using service = start({ ...valid, BEHAVIOUR: 'wait' })
  const { metricsPort } = await service.line('process.started')
  const ready = await fetch(`http://127.0.0.1:${metricsPort}/readyz`)
  expect(ready.status).toBe(200)
  service.kill('SIGTERM')
  expect(await service.exit).toBe(0)
  expect(service.lines.map(({ msg }) => msg)).toEqual([
    'process.started',
    'process.stopping',
    'fixture.drained',
    'process.stopped',
  ])
})

test('while it stops it is not ready', async () => {
  await using service = start({ ...valid, BEHAVIOUR: 'ignore-stop' })
  const { metricsPort } = await service.line('process.started')
  service.kill('SIGINT')
  await service.line('process.stopping')
  const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ status: 'draining' })
})

test('a second signal ends it at once with 1, but the same Ctrl-C passed on by a launcher does not', async () => {
  await using service = start({ ...valid, BEHAVIOUR: 'ignore-stop' })
  await service.line('process.started')
  // Before the first signal: the line that tells of it may be seen late.
  const firstAt = performance.now()
  service.kill('SIGTERM')
  await service.line('process.stopping')
  await until(() => !service.kill('SIGTERM') || service.lines.at(-1)?.msg === 'process.aborted')
  expect(await service.exit).toBe(1)
  expect(performance.now() - firstAt).toBeGreaterThan(200)
})

test('a stop that takes too long ends with 1', async () => {
  await using service = start({ ...valid, BEHAVIOUR: 'ignore-stop', FAIRLEAD_SHUTDOWN_TIMEOUT_MS: '50' })
  await service.line('process.started')
  service.kill('SIGTERM')
  expect(await service.exit).toBe(1)
  expect(service.lines.at(-1)?.msg).toBe('process.overdue')
})

test.each([
  ['a service that has nothing more to do exits 0', 'return', 0, 'process.stopped'],
  ['a service that throws exits 1', 'throw', 1, 'process.failed'],
  ['an unhandled rejection exits 1', 'reject', 1, 'process.crashed'],
])('%s', async (_name, behaviour, code, last) => {
  await using service = start({ ...valid, BEHAVIOUR: behaviour })
  expect(await service.exit).toBe(code)
  expect(service.lines.at(-1)?.msg).toBe(last)
})

test('a faulty configuration exits 78 and names every fault, also of the keys that all services have', async () => {
  await using service = start({ BEHAVIOUR: 'dance', FAIRLEAD_LOG_LEVEL: 'loud' })
  expect(await service.exit).toBe(78)
  expect(await service.errors).toMatch(/3 faults:.*FAIRLEAD_LOG_LEVEL.*BEHAVIOUR.*REQUIRED: is missing/s)
})
