import { until } from '@fairlead/testbed/until'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { openPlatform, startWorker } from './fixtures/platform.ts'

test('a worker survives a nats-server that is frozen, and one that is stopped while attempts are under way', async () => {
  await using opened = await openPlatform()
  opened.sink.answer({ status: 200, delayMs: 50 })
  let timeouts = 0
  const countTimeouts = {
    write(line: string) {
      if (JSON.parse(line).err?.name === 'TimeoutError') timeouts++
    },
  }
  const log = pino({ level: 'error' }, countTimeouts)
  await using running = await startWorker(opened.server.url, { log })
  const accepted: string[] = []
  const publish = async (count: number) => {
    for (let n = 0; n < count; n++) accepted.push(await opened.publish(`${n}`))
  }
  await publish(40)
  process.kill(opened.server.pid, 'SIGSTOP')
  await until(() => !running.worker.mayStart, { what: 'a worker that starts nothing', deadlineMs: 10_000 })
  await until(() => timeouts >= 2, {
    what: 'calls of the worker that waited for an answer of NATS and timed out',
    deadlineMs: 20_000,
  })
  process.kill(opened.server.pid, 'SIGCONT')
  await until(() => running.worker.mayStart, { what: 'a worker that goes on', deadlineMs: 15_000 })
  await publish(40)
  await opened.server.stop()
  await opened.server.restart()
  await until(() => opened.publish('last').then(id => accepted.push(id)), { deadlineMs: 15_000 })
  const arrived = () => new Set(opened.sink.received.map(({ headers }) => headers['webhook-id']))
  await until(() => arrived().size === accepted.length, { what: 'all that was accepted', deadlineMs: 20_000 })
  expect(accepted.filter(id => !arrived().has(id))).toEqual([])
}, 90_000)
