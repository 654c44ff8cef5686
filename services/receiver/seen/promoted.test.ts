import { anOrganization } from '@fairlead/testbed/configuration'
import { startTestNats } from '@fairlead/testbed/nats'
import { startTestRedis } from '@fairlead/testbed/redis'
import { until } from '@fairlead/testbed/until'
import { type EventId, eventId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { defaultStreamLimits, ensureStreams } from '@fairlead/wire/streams'
import { promotedSubject } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { generationOf } from '../receiver.ts'
import { followPromoted } from './promoted.ts'
import { openSeen } from './seen.ts'

test('a delivery that was promoted is known to receivers, also of one that was promoted while none ran', async () => {
  await using redis = await startTestRedis()
  await using server = await startTestNats()
  await using opened = new AsyncDisposableStack()
  const nats = await connectNats({ url: server.url, name: 'test' })
  opened.defer(() => nats.close())
  const manager = await jetstreamManager(nats)
  await ensureStreams(manager, defaultStreamLimits)
  const { id: organization } = anOrganization('acme')
  const promote = async (delivery: string): Promise<EventId> => {
    const id = eventId(organization, 'github', { id: delivery })
    await jetstream(nats).publish(promotedSubject(organization, 'github'), '{}', { msgID: id })
    return id
  }
  const generation = await generationOf(manager)
  const open = () =>
    openSeen({
      url: redis.url,
      generation,
      waitMs: 20_000,
      now: Date.now,
      events: { checked() {}, unchecked() {}, deferred() {}, forgotten() {} },
      changed() {},
      follow: (keep, signal) => followPromoted(nats, keep, signal),
    })
  const first = await promote('first')
  {
    await using seen = open()
    await until(async () => (await seen.check(first)) === 'accepted', { what: 'the first id' })
    const second = await promote('second')
    await until(async () => (await seen.check(second)) === 'accepted', { what: 'the second id' })
  }
  const third = await promote('third')
  await using seen = open()
  await until(async () => (await seen.check(third)) === 'accepted', { what: 'the third id' })
  expect(await seen.check(eventId(organization, 'github', { id: 'other' }))).toBe('new')
}, 240_000)
