import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing, type Publishing } from './fixtures/publish-event.ts'
import { openStream } from './fixtures/read-stream.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const path = '/api/v1/organizations/acme/events'
let api: TestApi
let nats: NatsConnection
let publish: Publishing

beforeAll(async () => {
  api = await openTestApi({ FAIRLEAD_API_STREAM_HEARTBEAT_SECONDS: 1 })
  const acme = await anOrganization(api.store, 'acme')
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  publish = await openPublishing(nats, api.store.client, acme.id)
})
afterAll(async () => {
  await nats?.close()
  await api?.[Symbol.asyncDispose]()
})

const listed = (id: string) =>
  until(
    async () => {
      const { body } = await api.call('GET', path)
      return body.items.some((event: { id: string }) => event.id === id) && body
    },
    { what: 'the event in the list' },
  )

test('between the list and its stream no event is missing and none comes twice, also after a break', async () => {
  const first = await listed(await publish.event('before'))
  const url = `${api.url}${path}/stream?position=${first.position}`
  const ids = await Promise.all(['a', 'b', 'c'].map(name => publish.event(name)))
  const seen: string[] = []
  let last: string | undefined
  for (let connection = 0; connection < 3; connection++) {
    await using stream = await openStream(url, api.platformKey, last ? { 'last-event-id': last } : {})
    const message = await stream.next()
    expect(message).toMatchObject({ event: 'event', data: { source: 'stripe', type: 'invoice.paid' } })
    seen.push(message.data.id)
    last = message.id
  }
  expect(seen.sort()).toEqual(ids.sort())
})

test('a stream tells what becomes of an event, and of its deliveries, and only what fits', async () => {
  await using stream = await openStream(
    `${api.url}${path}/stream?type=wanted.*&deliveries=true`,
    api.platformKey,
  )
  await stream.any()
  await publish.event('other', { type: 'unwanted' })
  const id = await publish.event('wanted', { type: 'wanted.one' })
  expect(await stream.next()).toMatchObject({ event: 'event', data: { id, status: 'pending' } })
  await publish.attempt('wanted', 'billing')
  expect(await stream.next()).toMatchObject({ event: 'event', data: { id, status: 'success' } })
  expect(await stream.next()).toMatchObject({
    event: 'delivery',
    data: { eventId: id, destination: 'billing', state: 'delivered' },
  })
})

test('a position of another log is told to begin anew', async () => {
  await listed(await publish.event('present'))
  await using stream = await openStream(`${api.url}${path}/stream?position=999999999`, api.platformKey)
  const message = await stream.next()
  expect([message.event, Number(message.id) < 999_999_999]).toEqual(['reset', true])
})

test('who asks to go on from what is no position is not told that something may be missing', async () => {
  await listed(await publish.event('somewhere'))
  const url = `${api.url}${path}/stream`
  await using stream = await openStream(url, api.platformKey, { 'last-event-id': 'cut off' })
  const message = await stream.next()
  expect([message.event, Number(message.id) > 0]).toEqual(['reset', true])
})

test.each(['stream', 'export'])('HEAD of a %s waits for its end, or reads it', async name => {
  const { status, headers } = await fetch(`${api.url}${path}/${name}`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${api.platformKey}` },
    signal: AbortSignal.timeout(45_000),
  })
  expect([status, headers.get('content-type')?.split(';')[0]]).toEqual([
    200,
    name === 'stream' ? 'text/event-stream' : 'application/x-ndjson',
  ])
})

test('a stream ends soon after its key was revoked', async () => {
  const { body: made } = await api.call('POST', '/api/v1/organizations/acme/api-keys', {
    body: { name: 'tail' },
  })
  await using stream = await openStream(`${api.url}${path}/stream`, made.key)
  expect((await stream.any()).event).toBe('heartbeat')
  const revoked = await api.call('DELETE', `/api/v1/organizations/acme/api-keys/${made.id ?? made.apiKey.id}`)
  expect(revoked.status).toBeLessThan(300)
  expect((await stream.next()).event).toBe('end')
  await expect(stream.any()).rejects.toThrow('ended')
})

test('an organization opens 20 streams at most, and those that are closed make room', async () => {
  const opened = await until(async () => {
    const open = () => openStream(`${api.url}${path}/stream`, api.platformKey)
    const tried = await Promise.allSettled(Array.from({ length: 20 }, open))
    const streams = tried.filter(one => one.status === 'fulfilled').map(({ value }) => value)
    if (streams.length === 20) return streams
    // The API hasn't noticed yet that a stream of the test before was closed.
    await Promise.all(streams.map(stream => stream[Symbol.asyncDispose]()))
    return false
  })
  await expect(openStream(`${api.url}${path}/stream`, api.platformKey)).rejects.toThrow('429')
  await Promise.all(opened.map(stream => stream[Symbol.asyncDispose]()))
  await until(async () => {
    await using stream = await openStream(`${api.url}${path}/stream`, api.platformKey)
    return (await stream.any()).event === 'heartbeat'
  })
})
