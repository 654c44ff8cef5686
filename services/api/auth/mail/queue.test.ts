import { setImmediate as turn } from 'node:timers/promises'
import { until } from '@fairlead/testbed/until'
import { expect, test } from 'vitest'
import { openQueue } from './queue.ts'

const refused = () => Promise.reject(new Error('refused'))

test('mails that wait for another try hold up mails that can go', async () => {
  const failures: unknown[] = []
  await using queue = openQueue(error => failures.push(error))
  // More than run at once, and none of them is tried again within this test.
  for (let i = 0; i < 20; i++) queue.push(refused, [600_000])
  let isSent = false
  queue.push(async () => {
    isSent = true
  })
  await until(() => isSent)
  expect([queue.waiting, failures]).toEqual([20, []])
})

test('work that was put off is lost, or tried more often than its pauses say', async () => {
  const failures: unknown[] = []
  await using queue = openQueue(error => failures.push(error))
  let tries = 0
  queue.push(async () => {
    if (++tries < 3) await refused()
  }, [1, 1])
  await until(() => tries === 3)
  queue.push(refused, [1])
  await until(() => failures.length === 1)
  expect([tries, queue.waiting]).toEqual([3, 0])
})

test('a queue that closes forgets what was put off, or waits for it', async () => {
  const failures: unknown[] = []
  const queue = openQueue(error => failures.push(error))
  let tries = 0
  queue.push(async () => {
    if (++tries === 1) await refused()
  }, [600_000])
  queue.push(refused, [600_000])
  await until(() => queue.waiting === 2)
  await turn()
  await queue[Symbol.asyncDispose]()
  expect([tries, failures.length, queue.waiting]).toEqual([2, 1, 0])
})

test('work that was put off lets a queue grow without end', async () => {
  await using queue = openQueue(() => {})
  for (let i = 0; i < 1_000; i++) queue.push(refused, [600_000])
  expect(queue.push(refused)).toBe(false)
  await until(() => queue.waiting === 1_000)
  expect(queue.push(refused)).toBe(false)
})
