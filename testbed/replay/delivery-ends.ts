import { Code, ConnectError } from '@connectrpc/connect'
import { type Delivery, DeliveryState, EventStatus } from '@fairlead/wire/store/event'
import { expect } from 'vitest'
import { seeded } from '../seeded.ts'
import type { Sink } from '../sink.ts'
import { until } from '../until.ts'
import { startReplayPlatform } from './platform.ts'

const steps = 60

/**
 * Whatever people and destinations do (repeats, fan-out, failures, pauses, Replays, retries by hand, re-timed and
 * cancelled ones, a worker that is replaced): no delivery is forgotten, none ends twice, attempts count 1…n, and each
 * attempt in the log is one request that came. Throws where it isn't so.
 */
export async function endDeliveries(seed: number): Promise<void> {
  const random = seeded(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  await using platform = await startReplayPlatform()
  const { client, organizationId, destinationIds, worker } = platform
  const sinks: Readonly<Record<string, Sink>> = {
    billing: platform.billing,
    archive: platform.archive,
    fickle: platform.fickle,
  }
  platform.fickle.answer(() => ({ status: pick([200, 200, 200, 500, 503]), delayMs: random() * 20 }))
  const fickle = { organizationId, destinationId: destinationIds.get('fickle')! }

  /** Event → destinations that its routes name. */
  const wanted = new Map<string, ReadonlySet<string>>()
  const idsOfType = new Map<string, readonly string[]>()
  const replays: { id: string; type: string; to: readonly string[] }[] = []
  let types = 0

  const actions: Readonly<Record<string, () => Promise<unknown>>> = {
    async publish() {
      const type = `to.${pick(['fickle', 'fickle', 'billing'])}.${types++}`
      const ids = await platform.publish(type, 1 + Math.floor(random() * 6))
      idsOfType.set(type, ids)
      for (const id of ids)
        wanted.set(id, new Set(type.startsWith('to.fickle') ? ['billing', 'fickle'] : ['billing']))
    },
    async repeat() {
      if (idsOfType.size === 0) return
      const [type, ids] = pick([...idsOfType])
      await platform.publish(type, ids.length)
    },
    async replay() {
      if (idsOfType.size === 0) return
      const [type] = pick([...idsOfType])
      const to = pick([['archive'], ['billing'], ['fickle'], ['archive', 'fickle'], []])
      const { id } = await platform.replay({ type, to })
      replays.push({ id, type, to })
    },
    async retry() {
      if (wanted.size === 0) return
      await client.events.retryEvent({ organizationId, eventId: pick([...wanted.keys()]) })
    },
    async retime() {
      const { deliveries } = await client.deliveries.listWaitingDeliveries({ organizationId })
      if (deliveries.length > 0) {
        await client.deliveries.retimeDelivery({ organizationId, deliveryId: pick(deliveries).delivery!.id })
      }
    },
    async cancel() {
      const { deliveries } = await client.deliveries.listWaitingDeliveries({ organizationId })
      if (deliveries.length > 0) {
        await client.deliveries.cancelDelivery({ organizationId, deliveryId: pick(deliveries).delivery!.id })
      }
    },
    pause: () => client.destinations.pauseDestination(fickle),
    resume: () => client.destinations.resumeDestination(fickle),
    async replaceWorker() {
      await worker.stop()
      worker.start()
    },
  }
  const drawn = [
    'publish',
    'publish',
    'publish',
    'repeat',
    'replay',
    'retry',
    'retime',
    'cancel',
    'pause',
    'resume',
  ]
  for (let step = 0; step < steps; step++) {
    await actions[step === steps / 2 ? 'replaceWorker' : pick(drawn)]!().catch(refused)
  }
  await actions.resume!().catch(refused)

  const inLog = async (status: EventStatus) =>
    (await client.events.listEvents({ organizationId, status, limit: 500 })).events.length
  await until(
    async () =>
      (await inLog(EventStatus.SUCCESS)) + (await inLog(EventStatus.FAILED)) === wanted.size &&
      (await client.deliveries.listWaitingDeliveries({ organizationId })).deliveries.length === 0 &&
      (await platform.manager.streams.info('DELIVERIES')).state.messages === 0,
    { deadlineMs: 90_000, everyMs: 100, what: 'the end of every delivery' },
  )
  // A Replay takes what was in the log when it was asked for: it may have come too early for the last ones.
  const possible = new Map([...wanted].map(([event, names]) => [event, new Set(names)]))
  for (const { id, type, to } of replays) {
    await platform.untilSettled(id)
    for (const event of idsOfType.get(type)!) for (const name of to) possible.get(event)!.add(name)
  }
  for (const [eventId, names] of wanted) {
    const { deliveries } = await client.events.getEvent({ organizationId, eventId })
    const found = new Set(deliveries.map(({ destination }) => destination))
    expect([...names.difference(found)], `${eventId}, forgotten`).toEqual([])
    expect([...found.difference(possible.get(eventId)!)], `${eventId}, never asked for`).toEqual([])
    for (const delivery of deliveries) expectOneOutcome(eventId, delivery, sinks[delivery.destination]!)
  }
}

/** A delivery is delivered or dead, its attempts count 1…n, and each of them is one request that came. */
function expectOneOutcome(eventId: string, delivery: Delivery, { received }: Sink): void {
  const { destination, state, attempts, attemptCount } = delivery
  const what = `${eventId} to ${destination}`
  expect([DeliveryState.DELIVERED, DeliveryState.DEAD], what).toContain(state)
  const counted = attempts.map((_, index) => index + 1)
  expect(
    attempts.map(({ number }) => number),
    what,
  ).toEqual(counted)
  expect(attemptCount, what).toBe(attempts.length)
  const requests = received
    .filter(({ headers }) => headers['webhook-id'] === eventId)
    .map(({ headers }) => `${headers['fairlead-attempt']} (${headers['fairlead-trigger']})`)
  expect(requests, what).toHaveLength(attempts.length)
  if (state === DeliveryState.DELIVERED) expect(attempts.at(-1)!.outcome, what).toBe('delivered')
}

/** What can't be done at that moment says so; anything else is a fault. */
function refused(error: unknown): void {
  const codes = [Code.FailedPrecondition, Code.NotFound, Code.AlreadyExists, Code.InvalidArgument]
  if (!(error instanceof ConnectError && codes.includes(error.code))) throw error
}
