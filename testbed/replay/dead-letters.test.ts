import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrivals, idsOf, type ReplayPlatform, startReplayPlatform } from './platform.ts'

let platform: ReplayPlatform

beforeAll(async () => {
  platform = await startReplayPlatform()
}, 240_000)
afterAll(() => platform?.[Symbol.asyncDispose]())

test('dead letters are tried again by filter, and discarded by filter', { timeout: 240_000 }, async () => {
  const { client, organizationId, destinationIds, shaky, accept, replay, untilSettled } = platform
  const type = 'to.shaky.dead'
  shaky.answer({ status: 500 })
  const ids = await accept(type, 30, EventStatus.FAILED)
  const filter = { organizationId, type, destinationId: destinationIds.get('shaky')! }
  expect((await client.events.listDeadLetters({ ...filter, reason: 'gone' })).deadLetters).toEqual([])
  const dead = await client.events.listDeadLetters({ ...filter, reason: 'attempts_exhausted' })
  expect(dead.deadLetters).toHaveLength(30)
  const cut = dead.deadLetters[9]!.diedAt!
  const { deadLetters: older } = await client.events.listDeadLetters({ ...filter, diedBefore: cut })
  const { deadLetters: newer } = await client.events.listDeadLetters({ ...filter, diedAfter: cut })
  expect(older.length + newer.length).toBe(30)

  const discarded = { ...filter, diedBefore: cut, reason: 'a test' }
  const counted = await client.events.discardDeadLetters({ ...discarded, dryRun: true })
  expect(counted).toMatchObject({ discarded: older.length, more: false })
  expect(await client.events.discardDeadLetters(discarded)).toMatchObject(counted)
  expect(await client.events.discardDeadLetters(discarded)).toMatchObject({ discarded: 0, more: false })

  shaky.answer({ status: 200 })
  const { id } = await replay({ type, states: [DeliveryState.DEAD] })
  expect(await untilSettled(id)).toMatchObject({
    matched: BigInt(newer.length),
    delivered: BigInt(newer.length),
  })
  expect((await client.events.listDeadLetters(filter)).deadLetters).toEqual([])
  expect(arrivals(shaky, id)).toHaveLength(newer.length)
  expect(ids).toEqual(expect.arrayContaining(idsOf(arrivals(shaky, id))))
})

test('a replay that fails tells so, and leaves dead letters of its own', { timeout: 240_000 }, async () => {
  const { client, organizationId, shaky, accept, list, replay, untilSettled } = platform
  const type = 'to.shaky.fails'
  shaky.answer({ status: 200 })
  // Fewer than open a breaker, which would try the last of them only after its waits.
  await accept(type, 4, EventStatus.SUCCESS)
  shaky.answer({ status: 500 })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ delivered: 0n, failed: 4n })
  expect(await list(type, EventStatus.FAILED)).toHaveLength(4)
  expect((await client.events.listDeadLetters({ organizationId, type })).deadLetters).toHaveLength(4)
})
