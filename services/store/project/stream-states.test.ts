import { startTestNats } from '@fairlead/testbed/nats'
import { newId } from '@fairlead/webhook/id'
import { connectNats } from '@fairlead/wire/connect'
import { ensureStreams } from '@fairlead/wire/streams'
import { eventSubject, partitionOf } from '@fairlead/wire/subjects'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { openStreamStates } from './stream-states.ts'

/** A nats-server of its own whose EVENTS hold one event that no worker takes. */
async function oneEventWaits() {
  await using opened = new AsyncDisposableStack()
  const server = opened.use(await startTestNats())
  const nats = await connectNats({ url: server.url, name: 'test' })
  opened.defer(() => nats.close())
  await ensureStreams(await jetstreamManager(nats), { replicas: 1, eventsMaxBytes: 1024 ** 2 })
  const organization = newId('org', 0)
  await jetstream(nats).publish(eventSubject(organization, 'code'), '{}')
  const held = opened.move()
  return {
    nats,
    partition: partitionOf(organization),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

test('an event that is in hand at one look seems to wait, longer and longer, until the next', async () => {
  await using waiting = await oneEventWaits()
  const { nats, partition } = waiting

  const startMs = Date.now()
  let nowMs = startMs + 60_000
  const states = openStreamStates(nats, { leading: true }, () => nowMs)
  await states.look()
  const seen = states.unattemptedForMs().get(partition)!
  expect(seen).toBeGreaterThanOrEqual(60_000)
  nowMs += 14_000
  expect(states.unattemptedForMs().get(partition)).toBe(seen)
  await states.look()
  expect(states.unattemptedForMs().get(partition)).toBe(seen + 14_000)
  // Of the other partitions none has an event.
  expect(states.unattemptedForMs().get((partition + 1) % 16)).toBe(0)
})

test('while no look succeeds an event that waits seems to wait no longer, and its alert never fires', async () => {
  await using waiting = await oneEventWaits()
  const { nats, partition } = waiting

  let nowMs = Date.now() + 1_000
  const states = openStreamStates(nats, { leading: true }, () => nowMs)
  await states.look()
  const seen = states.unattemptedForMs().get(partition)!
  await nats.close()
  nowMs += 15_000
  await expect(states.look()).rejects.toThrow()
  expect(states.unattemptedForMs().get(partition)).toBe(seen)
  nowMs += 60_000
  await expect(states.look()).rejects.toThrow()
  expect(states.unattemptedForMs().get(partition)).toBe(seen + 60_000)
  expect(states.unattemptedForMs().get((partition + 1) % 16)).toBe(0)
})
