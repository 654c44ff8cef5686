import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { type Next, openQueue, retryDelayMs } from './queue.ts'

const done: Next = { kind: 'done' }

/** A queue whose work waits until the test lets it go on. */
function startQueue(concurrency = 4) {
  const begun: string[] = []
  const ends: ((next: Next | Error) => void)[] = []
  const errors: string[] = []
  const queue = openQueue({
    concurrency,
    random: () => 0,
    onError: (key, error) => errors.push(`${key}: ${(error as Error).message}`),
    work: key =>
      new Promise((resolve, reject) => {
        begun.push(key)
        ends.push(next => (next instanceof Error ? reject(next) : resolve(next)))
      }),
  })
  return { queue, begun, errors, end: (next: Next | Error = done) => ends.shift()!(next) }
}

test('a key that is added many times while it waits is worked on once', async () => {
  const { queue, begun, end } = startQueue(1)
  queue.add('a')
  for (let i = 0; i < 5; i++) queue.add('b')
  end()
  await until(() => begun.length === 2)
  end()
  await until(() => queue.size === 0)
  expect(begun).toEqual(['a', 'b'])
  await queue[Symbol.asyncDispose]()
})

test('a key that is added while it is worked on comes again afterwards, and never twice at one time', async () => {
  const { queue, begun, end } = startQueue()
  queue.add('a')
  queue.add('a')
  expect(begun).toEqual(['a'])
  end()
  await until(() => begun.length === 2)
  end()
  await until(() => queue.size === 0)
  await queue[Symbol.asyncDispose]()
})

test('no more are worked on at one time than is allowed', async () => {
  const { queue, begun, end } = startQueue(2)
  for (const key of ['a', 'b', 'c']) queue.add(key)
  expect(begun).toEqual(['a', 'b'])
  end()
  await until(() => begun.length === 3)
  end()
  end()
  await queue[Symbol.asyncDispose]()
})

test.each([
  { name: 'what rejects', next: new Error('broken'), errors: ['a: broken'] },
  { name: 'what asks for it', next: { kind: 'retry' } as const, errors: [] },
])('$name is tried again', async ({ next, errors: expected }) => {
  const { queue, begun, errors, end } = startQueue()
  queue.add('a')
  end(next)
  await until(() => begun.length === 2)
  expect(errors).toEqual(expected)
  end()
  await queue[Symbol.asyncDispose]()
})

test('a key comes back at the time that its work asked for', async () => {
  const { queue, begun, end } = startQueue()
  queue.add('a')
  end({ kind: 'again', afterMs: 1 })
  await until(() => begun.length === 2)
  end()
  await queue[Symbol.asyncDispose]()
})

test('keys with news go before keys that only come back', async () => {
  const { queue, begun, end } = startQueue(1)
  queue.add('a')
  end({ kind: 'again', afterMs: 1 })
  queue.add('b')
  // a is due again and waits behind b; a key with news overtakes it.
  await until(() => begun.length === 2 && queue.size === 2)
  queue.add('c')
  end()
  await until(() => begun.length === 3)
  expect(begun).toEqual(['a', 'b', 'c'])
  end()
  await until(() => begun.length === 4)
  end()
  await queue[Symbol.asyncDispose]()
})

test('keys that only come back leave a slot for keys with news', async () => {
  const { queue, begun, end } = startQueue(2)
  for (const key of ['a', 'b']) queue.add(key)
  end({ kind: 'again', afterMs: 1 })
  end({ kind: 'again', afterMs: 1 })
  await until(() => begun.length === 3 && queue.size === 2)
  queue.add('c')
  expect(begun).toEqual(['a', 'b', 'a', 'c'])
  end()
  end()
  await until(() => begun.length === 5)
  end()
  await queue[Symbol.asyncDispose]()
})

test('a key that has news while it is worked on holds up no key that only comes back', async () => {
  const { queue, begun, end } = startQueue()
  queue.add('due')
  end({ kind: 'again', afterMs: 1 })
  for (let i = 0; i < 2; i++) queue.add('edited')
  await until(() => begun.length === 3)
  expect(begun).toEqual(['due', 'edited', 'due'])
  end()
  await until(() => begun.length === 4)
  expect(begun.at(-1)).toBe('edited')
  end()
  end()
  await until(() => queue.size === 0)
  await queue[Symbol.asyncDispose]()
})

test('a key that is due and then has news is worked on once', async () => {
  const { queue, begun, end } = startQueue(1)
  queue.add('a')
  end({ kind: 'again', afterMs: 1 })
  queue.add('b')
  await until(() => begun.length === 2 && queue.size === 2)
  queue.add('a')
  end()
  await until(() => begun.length === 3)
  end()
  await until(() => queue.size === 0)
  expect(begun).toEqual(['a', 'b', 'a'])
  await queue[Symbol.asyncDispose]()
})

test('closing waits for keys in work, and drops waiting keys', async () => {
  const { queue, begun, end } = startQueue(1)
  queue.add('a')
  queue.add('b')
  const closing = queue[Symbol.asyncDispose]()
  queue.add('c')
  end()
  await closing
  expect(begun).toEqual(['a'])
})

test.each([
  { failures: 1, random: 0, ms: 125 },
  { failures: 1, random: 0.999999, ms: 250 },
  { failures: 3, random: 0, ms: 500 },
  { failures: 100, random: 0.999999, ms: 60_000 },
])('after $failures failures a key waits about $ms ms', ({ failures, random, ms }) => {
  expect(Math.round(retryDelayMs(failures, random))).toBe(ms)
})
