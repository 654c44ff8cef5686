import { expect, test } from 'vitest'
import { openIdempotency } from './idempotency.ts'

test('a repeat gets the first answer, also while it is being made', async () => {
  const idempotency = openIdempotency()
  let made = 0
  const make = async () => ++made
  const answers = await Promise.all([
    idempotency.once('key', ['retry', 'a'], 0, make),
    idempotency.once('key', ['retry', 'a'], 0, make),
  ])
  expect([...answers, await idempotency.once('key', ['retry', 'a'], 1000, make)]).toEqual([1, 1, 1])
})

test('one key does not stand for two requests', async () => {
  const idempotency = openIdempotency()
  await idempotency.once('key', ['retry', 'a'], 0, async () => 1)
  await expect(idempotency.once('key', ['retry', 'b'], 0, async () => 2)).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
})

test('a failure is forgotten', async () => {
  const idempotency = openIdempotency()
  const fails = () => Promise.reject(new Error('broken'))
  await expect(idempotency.once('key', ['a'], 0, fails)).rejects.toThrow('broken')
  expect(await idempotency.once('key', ['a'], 0, async () => 'done')).toBe('done')
})

test('a day later the key is free again', async () => {
  const idempotency = openIdempotency()
  await idempotency.once('key', ['a'], 0, async () => 1)
  expect(await idempotency.once('key', ['b'], 24 * 3600 * 1000, async () => 2)).toBe(2)
})
