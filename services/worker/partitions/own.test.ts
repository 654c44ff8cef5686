import { setTimeout as delay } from 'node:timers/promises'
import { startTestNats } from '@fairlead/testbed/nats'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import { expect, test } from 'vitest'
import { deadAfterMs } from './liveness.ts'
import { ownPartitions } from './own.ts'

async function open() {
  const stack = new AsyncDisposableStack()
  const server = stack.use(await startTestNats())
  const lost: string[] = []
  return {
    server,
    lost,
    async worker(name: string, { openMs = 0, drainMs = 0 } = {}) {
      const nats = await connectNats({ url: server.url, name })
      stack.defer(() => nats.close())
      return ownPartitions(nats, {
        worker: name,
        replicas: 1,
        async open() {
          await delay(openMs)
          return { drain: () => delay(drainMs), abandon: async () => {} }
        },
        moved(partition, what) {
          if (what === 'lost') lost.push(`${name} ${partition}`)
        },
        failed: () => {},
      })
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a worker that takes long to open and drain its partitions is not taken for dead', async () => {
  await using opened = await open()
  const first = await opened.worker('first', { openMs: deadAfterMs + 500, drainMs: deadAfterMs + 500 })
  const second = await opened.worker('second')
  await until(() => first.held.size === 8 && second.held.size === 8, {
    what: 'half each',
    deadlineMs: 60_000,
  })
  expect(opened.lost).toEqual([])
  await Promise.all([first.release(), second.release()])
})

test('three share evenly; one that is released leaves its share to the others', async () => {
  await using opened = await open()
  const workers = await Promise.all(['a', 'b', 'c'].map(name => opened.worker(name)))
  const sizes = () => workers.map(({ held }) => held.size)
  await until(() => sizes().reduce((sum, size) => sum + size) === 16 && Math.max(...sizes()) <= 6, {
    what: 'at most six each',
  })
  await workers[0]!.release()
  await until(() => sizes()[1] === 8 && sizes()[2] === 8, { what: 'eight each' })
  expect(opened.lost).toEqual([])
  await Promise.all(workers.slice(1).map(worker => worker.release()))
})
