import { ErrorReason } from '@fairlead/wire/store/error'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { ReplayState } from '@fairlead/wire/store/replay'
import { storeErrorDetail } from '@fairlead/wire/store-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../until.ts'
import { ofType, type ReplayPlatform, startReplayPlatform } from './platform.ts'

let platform: ReplayPlatform

beforeAll(async () => {
  platform = await startReplayPlatform()
}, 240_000)
afterAll(() => platform?.[Symbol.asyncDispose]())

/** As protobuf writes times. */
const timestampOf = (time: Date) => ({
  seconds: BigInt(Math.floor(time.getTime() / 1000)),
  nanos: (time.getTime() % 1000) * 1_000_000,
})

test('a waiting retry is listed, re-timed, tried now and not once more later', {
  timeout: 240_000,
}, async () => {
  const { client, organizationId, shaky, accept, waiting, schedules } = platform
  const type = 'to.patient.now'
  shaky.answer({ status: 500 })
  await accept(type, 3, EventStatus.PROCESSING)
  const listed = await until(async () => {
    const found = await waiting(type)
    return found.length === 3 && found.every(({ delivery }) => delivery!.nextAttemptAt) && found
  })
  expect(await schedules()).toBe(3)
  const [first, second, third] = listed.map(({ delivery }) => delivery!)
  shaky.answer({ status: 200 })
  const before = ofType(shaky, type).length

  // Of ten who ask at once, all are told that it is under way, and it is tried once.
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, () =>
      client.deliveries.retimeDelivery({ organizationId, deliveryId: first!.id }),
    ),
  )
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
  await until(async () => (await waiting(type)).length === 2, { what: 'the delivery' })
  expect(ofType(shaky, type)).toHaveLength(before + 1)
  expect(ofType(shaky, type).at(-1)!.headers['fairlead-attempt']).toBe('2')

  // Listed before it is due, also by a machine that is slow.
  const soon = new Date(Date.now() + 4_000)
  const retimed = await client.deliveries.retimeDelivery({
    organizationId,
    deliveryId: second!.id,
    at: timestampOf(soon),
  })
  expect(retimed.delivery!.nextAttemptAt).toMatchObject(timestampOf(soon))
  expect((await waiting(type))[0]!.delivery!.id).toBe(second!.id)
  const got = await until(() => ofType(shaky, type)[before + 1], { what: 'the re-timed attempt' })
  expect(got.at - soon.getTime()).toBeGreaterThanOrEqual(0)
  await until(async () => (await waiting(type)).length === 1)

  const ended = await client.deliveries
    .retimeDelivery({ organizationId, deliveryId: first!.id })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(ended)?.reason).toBe(ErrorReason.NOT_FOUND)
  expect(await schedules()).toBe(1)
  await client.deliveries.cancelDelivery({ organizationId, deliveryId: third!.id })
  expect(await schedules()).toBe(0)
})

test('a waiting retry that is cancelled is a dead letter, and can be tried again', {
  timeout: 240_000,
}, async () => {
  const { client, organizationId, shaky, accept, list, waiting, schedules } = platform
  const type = 'to.patient.cancelled'
  shaky.answer({ status: 500 })
  await accept(type, 1, EventStatus.PROCESSING)
  const [found] = await until(async () => {
    const listed = await waiting(type)
    return listed[0]?.delivery?.nextAttemptAt && listed
  })
  const deliveryId = found!.delivery!.id
  const { delivery } = await client.deliveries.cancelDelivery({ organizationId, deliveryId })
  expect(delivery).toMatchObject({ state: DeliveryState.DEAD, attemptCount: 1 })
  expect(await client.deliveries.cancelDelivery({ organizationId, deliveryId })).toBeDefined()
  expect(await schedules()).toBe(0)
  expect(await waiting(type)).toEqual([])
  expect(await list(type, EventStatus.FAILED)).toHaveLength(1)
  const { deadLetters } = await client.events.listDeadLetters({ organizationId, reason: 'cancelled' })
  expect(deadLetters.map(letter => letter.delivery!.id)).toContain(deliveryId)

  shaky.answer({ status: 200 })
  const before = ofType(shaky, type).length
  await client.events.retryDeadLetter({ organizationId, deliveryId })
  await until(async () => (await list(type, EventStatus.SUCCESS)).length === 1, { what: 'its delivery' })
  expect(ofType(shaky, type)).toHaveLength(before + 1)
})

test('a delivery that waits is left alone by a Replay, and a schedule is not made twice', async () => {
  const { shaky, accept, waiting, schedules, replay, untilSettled } = platform
  const type = 'to.patient.left'
  shaky.answer({ status: 500 })
  await accept(type, 2, EventStatus.PROCESSING)
  await until(async () => {
    const found = await waiting(type)
    return found.length === 2 && found.every(({ delivery }) => delivery!.nextAttemptAt)
  })
  expect(await replay({ type, dryRun: true })).toMatchObject({ matched: 0n, expired: 0n })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ state: ReplayState.COMPLETED, published: 0n })
  expect(await schedules()).toBe(2)
})
