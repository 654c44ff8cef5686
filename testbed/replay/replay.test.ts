import { attemptSpan, eventSpan } from '@fairlead/telemetry/trace-ids'
import { deliveryId, parseId } from '@fairlead/webhook/id'
import { ErrorReason } from '@fairlead/wire/store/error'
import { DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { ReplayState } from '@fairlead/wire/store/replay'
import { type StoreClient, storeErrorDetail } from '@fairlead/wire/store-client'
import { streamName } from '@fairlead/wire/streams'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type OtlpSink, startOtlpSink } from '../otlp-sink.ts'
import { until } from '../until.ts'
import { arrivals, idsOf, type ReplayPlatform, startReplayPlatform } from './platform.ts'

let platform: ReplayPlatform
let collector: OtlpSink

beforeAll(async () => {
  collector = await startOtlpSink()
  platform = await startReplayPlatform({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '20',
  })
}, 240_000)
afterAll(async () => {
  await platform?.[Symbol.asyncDispose]()
  await collector?.[Symbol.asyncDispose]()
})

test('a dry run says how many, and so many are delivered: the same ids, marked, and nowhere else', async () => {
  const { billing, archive, shaky, accept, replay, untilSettled } = platform
  const type = 'to.both.replayed'
  shaky.answer({ status: 200 })
  const ids = await accept(type, 40, EventStatus.SUCCESS)
  const dry = await replay({ type, to: ['billing'], dryRun: true })
  expect(dry).toMatchObject({ id: '', matchedEvents: 40n, matched: 40n, expired: 0n })
  const before = { shaky: shaky.received.length, archive: archive.received.length }
  const started = await replay({ type, to: ['billing'] })
  const ended = await untilSettled(started.id)
  expect(ended).toMatchObject({
    state: ReplayState.COMPLETED,
    matched: dry.matched,
    published: 40n,
    delivered: 40n,
    failed: 0n,
    skipped: 0n,
    destinations: ['billing'],
    createdBy: 'a test',
  })
  const got = arrivals(billing, started.id)
  expect(idsOf(got)).toEqual([...ids].sort())
  expect(got[0]!.headers).toMatchObject({ 'fairlead-trigger': 'replay', 'fairlead-attempt': '2' })
  expect({ shaky: shaky.received.length, archive: archive.received.length }).toEqual(before)
  // Once more is another Replay, not a duplicate; without a choice, everywhere the events went.
  const again = await replay({ type })
  expect(await untilSettled(again.id)).toMatchObject({ matched: 80n, delivered: 80n })
  expect(idsOf(arrivals(billing, again.id))).toEqual([...ids].sort())
  expect(idsOf(arrivals(shaky, again.id))).toEqual([...ids].sort())
  expect(archive.received.length).toBe(before.archive)
})

test('what a Replay and a retry by hand attempt is a trace of its own, linked to the attempt before and to the event', async () => {
  const { client, organizationId, destinationIds, accept, replay, untilSettled } = platform
  const type = 'to.billing.traced'
  const [id = ''] = await accept(type, 1, EventStatus.SUCCESS)
  await untilSettled((await replay({ type })).id)
  await client.events.retryEvent({ organizationId, eventId: id })
  const event = parseId('evt', id)!
  const of = { event, delivery: deliveryId(event, parseId('dst', destinationIds.get('billing')!)!) }
  const attempts = ['route', 'replay', 'manual'].map((trigger, before) =>
    attemptSpan({ ...of, attempt: before + 1, trigger }),
  )
  for (const number of [2, 3]) {
    const { traceId } = attempts[number - 1]!
    const [span] = await collector.waitFor(span => span.name === 'POST' && span.traceId === traceId)
    expect(span).toMatchObject({ parentSpanId: '', attributes: { 'fairlead.attempt': number } })
    expect(span!.links).toEqual([attempts[number - 2], eventSpan(event, 'send')])
  }
})

test('a destination that never had the events gets them as new deliveries', async () => {
  const { client, organizationId, archive, accept, list, replay, untilSettled } = platform
  const type = 'to.billing.archived'
  const ids = await accept(type, 10, EventStatus.SUCCESS)
  const { id } = await replay({ type, to: ['archive'] })
  expect(await untilSettled(id)).toMatchObject({ matched: 10n, delivered: 10n })
  expect(idsOf(arrivals(archive, id))).toEqual([...ids].sort())
  expect(arrivals(archive, id)[0]!.headers['fairlead-attempt']).toBe('1')
  const { deliveries } = await client.events.getEvent({ organizationId, eventId: ids[0]! })
  expect(deliveries.map(({ destination }) => destination)).toEqual(['archive', 'billing'])
  expect(await list(type, EventStatus.SUCCESS)).toHaveLength(10)
})

test('the store is killed in the middle, twice: each event once', { timeout: 240_000 }, async () => {
  const { store, billing, accept, replay, untilSettled } = platform
  const type = 'to.billing.crash'
  const ids = await accept(type, 400, EventStatus.SUCCESS)
  const { id, matched } = await replay({ type, rate: 150 })
  expect(matched).toBe(400n)
  for (const least of [60, 200]) {
    await until(() => arrivals(billing, id).length >= least, { what: 'a part of them', deadlineMs: 60_000 })
    await store.kill9()
    store.start()
  }
  const ended = await untilSettled(id)
  expect(ended).toMatchObject({ state: ReplayState.COMPLETED, published: 400n, delivered: 400n, skipped: 0n })
  expect(idsOf(arrivals(billing, id))).toEqual([...ids].sort())
})

test('paused, resumed and cancelled', { timeout: 240_000 }, async () => {
  const { client, organizationId, billing, accept, replay, look, untilSettled } = platform
  const type = 'to.billing.paused'
  await accept(type, 200, EventStatus.SUCCESS)
  const { id: replayId } = await replay({ type, rate: 20 })
  await until(() => arrivals(billing, replayId).length >= 10, { what: 'ten of them' })
  await client.replays.pauseReplay({ organizationId, replayId })
  // What was in hand goes on; then nothing does, for as long as thirty more would take.
  const paused = await until(
    async () => {
      const { delivered, published } = await look(replayId)
      if (delivered !== published) return undefined
      const goesOn = async () => (await look(replayId)).published > published
      const went = until(goesOn, { deadlineMs: 1_500 })
      return await went.then(
        () => undefined,
        () => published,
      )
    },
    { what: 'a Replay that stands' },
  )
  expect(paused).toBeLessThan(200n)
  expect((await look(replayId)).state).toBe(ReplayState.PAUSED)
  await client.replays.resumeReplay({ organizationId, replayId })
  await until(() => arrivals(billing, replayId).length >= Number(paused) + 20, { what: 'twenty more' })
  const { replay: cancelled } = await client.replays.cancelReplay({ organizationId, replayId })
  expect(cancelled!.state).toBe(ReplayState.CANCELLED)
  const ended = await untilSettled(replayId)
  expect(ended.published).toBeLessThan(200n)
  expect(new Set(idsOf(arrivals(billing, replayId))).size).toBe(arrivals(billing, replayId).length)
  const refused = await client.replays
    .resumeReplay({ organizationId, replayId })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(refused)?.reason).toBe(ErrorReason.REPLAY_ENDED)
})

test('the rate is a bound', { timeout: 240_000 }, async () => {
  const { billing, accept, replay, untilSettled } = platform
  const type = 'to.billing.rate'
  await accept(type, 120, EventStatus.SUCCESS)
  const askedMs = Date.now()
  const { id } = await replay({ type, rate: 40 })
  await untilSettled(id)
  const times = arrivals(billing, id).map(({ at }) => at)
  // 120 at 40 a second: the last goes 2.75 s after the first, whose arrival a busy machine may hold up; a page more may come at once
  // after a stall.
  expect(Math.max(...times) - askedMs).toBeGreaterThan(2_500)
})

test('events whose bodies are gone are counted, and skipped', { timeout: 240_000 }, async () => {
  const { manager, accept, replay, untilSettled } = platform
  const type = 'to.billing.expired'
  await accept(type, 10, EventStatus.SUCCESS)
  const { state } = await manager.streams.info(streamName.events)
  await manager.streams.purge(streamName.events, { seq: state.last_seq - 3 })
  const dry = await replay({ type, dryRun: true })
  expect(dry).toMatchObject({ matched: 4n, expired: 6n })
  const { id } = await replay({ type })
  expect(await untilSettled(id)).toMatchObject({ published: 4n, delivered: 4n, skipped: 6n, expired: 6n })
})

test.each<[string, Parameters<StoreClient['replays']['createReplay']>[0], ErrorReason]>([
  ['a rate beyond the bound', { ratePerSecond: 1_001 }, ErrorReason.INVALID_FIELD],
  ['waiting deliveries', { selector: { states: [DeliveryState.WAITING] } }, ErrorReason.INVALID_FIELD],
  ['an empty type', { selector: { types: [''] } }, ErrorReason.INVALID_FIELD],
  [
    'an id of something else',
    { destinationIds: ['evt_00000000000000000000000000'] },
    ErrorReason.INVALID_FIELD,
  ],
  [
    'a destination that is not there',
    { destinationIds: ['dst_00000000000000000000000000'] },
    ErrorReason.NOT_FOUND,
  ],
])('refused: %s', async (_name, request, reason) => {
  const { client, organizationId } = platform
  const error = await client.replays
    .createReplay({ ...request, organizationId })
    .catch((error: unknown) => error)
  expect(storeErrorDetail(error)?.reason).toBe(reason)
})

test('a request id makes one Replay', async () => {
  const { client, organizationId } = platform
  const request = { organizationId, selector: { types: ['nothing'] }, requestId: 'once' }
  const made = await Promise.all(Array.from({ length: 5 }, () => client.replays.createReplay(request)))
  expect(new Set(made.map(({ replay }) => replay!.id)).size).toBe(1)
  const { replays } = await client.replays.listReplays({ organizationId, limit: 500 })
  expect(replays.filter(({ id }) => id === made[0]!.replay!.id)).toHaveLength(1)
})
