import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Log } from '@fairlead/daemon/log'
import { until } from '@fairlead/testbed/until'
import { connectNats } from '@fairlead/wire/connect'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPublishing } from './fixtures/publish-event.ts'
import { serveApp } from './fixtures/serve-app.ts'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const opened = new AsyncDisposableStack()
const size = 8 * 1024 ** 2 - 1_000
let api: TestApi
let nats: NatsConnection
const paths: Record<string, string> = {}
const keys: Record<string, string> = {}

beforeAll(async () => {
  api = opened.use(await openTestApi())
  nats = await connectNats({ url: api.store.natsUrl, name: 'test' })
  opened.defer(() => nats.close())
  for (const slug of ['acme', 'globex']) {
    const organization = await anOrganization(api.store, slug)
    keys[slug] = await api.makeKey(organization)
    const publish = await openPublishing(nats, api.store.client, organization.id)
    const event = await publish.event('large', { body: JSON.stringify({ text: 'x'.repeat(size) }) })
    paths[slug] = `/api/v1/organizations/${slug}/events/${event}`
    await until(async () => (await read(slug)).status === 200, { what: 'the event in the log' })
  }
})
afterAll(() => opened.disposeAsync())

const read = (slug: string) => api.call('GET', paths[slug]!, { key: keys[slug]! })

/** Asks, and reads nothing of the answer. */
async function askOnly(slug: string): Promise<Socket> {
  const socket = connect({ port: Number(new URL(api.url).port), host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(`GET ${paths[slug]} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keys[slug]}\r\n\r\n`)
  return socket
}

test('clients that ask for bodies and read none take the memory of the API, and others get no answer', async () => {
  const asked: Socket[] = []
  // What their organization asks for next is refused, with the reason; it is read at once, so that it adds nothing. One more asks
  // each time: a slow machine may need longer for a body than a call may take.
  const refused = await until(
    async () => {
      asked.push(await askOnly('acme'))
      const answer = await read('acme')
      return answer.status === 429 && answer
    },
    { what: 'a refusal' },
  )
  expect(refused.body.detail).toContain('wait to be read')
  await until(async () => (await read('globex')).status === 200, { what: 'an answer to another' })
  for (const socket of asked) socket.destroy()
  await until(async () => (await read('acme')).status === 200, { what: 'room again' })
})

test('a client that leaves while its answer is made is a fault in the log, as often as it likes', async () => {
  const lines: { readonly level: string; readonly message: string; readonly status: unknown }[] = []
  const at = (level: string) => (fields: { status?: number }, message: string) =>
    void lines.push({ level, message, status: fields.status })
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  await using app = await serveApp({
    storeUrl: api.store.url,
    log: log as unknown as Log,
    burst: 100_000,
  })
  const headers = { authorization: `Bearer ${keys.acme}` }
  const ask = (signal?: AbortSignal) =>
    app.ask('/api/v1/organizations/acme/events', { headers, ...(signal && { signal }) })
  // At many moments: before the call of the store, while it is made, and after it.
  let afterMs = 0
  await until(
    async () => {
      afterMs = (afterMs + 1) % 12
      await ask(AbortSignal.timeout(afterMs)).catch(() => {})
      return lines.filter(({ status }) => status === 499).length >= 10
    },
    { everyMs: 0, what: 'ten that left' },
  )
  // Had one of them been told as a fault, that would have been before this one.
  expect((await ask()).status).toBe(200)
  await until(() => lines.some(({ status }) => status === 200))
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
})
