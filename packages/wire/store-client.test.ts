import { once } from 'node:events'
import { createServer, type ServerHttp2Session } from 'node:http2'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Code, ConnectError } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { EventService } from './gen/fairlead/store/v1/event_pb.js'
import { OrganizationService } from './gen/fairlead/store/v1/organization_pb.js'
import { connectStore, type StoreClient } from './store-client.ts'

let calls = 0
/** How many calls are refused before one is answered. */
let refusals = 0
let refusal = Code.Unavailable
const refuse = (): Record<string, never> => {
  calls += 1
  if (calls <= refusals) throw new ConnectError('not now', refusal)
  return {}
}
const server = createServer(
  connectNodeAdapter({
    routes(router) {
      router.service(OrganizationService, {
        getOrganization: refuse,
        createOrganization: refuse,
        listOrganizations: () => new Promise(() => {}),
      })
      router.service(EventService, { retryEvent: refuse })
    },
  }),
)
const sessions = new Set<ServerHttp2Session>()
server.on('session', session => {
  sessions.add(session)
  session.on('close', () => sessions.delete(session))
})
let client: StoreClient
beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  client = connectStore(`http://127.0.0.1:${port}`, { timeoutMs: 60_000 })
})
afterAll(async () => {
  await client[Symbol.asyncDispose]()
  server.close()
})
beforeEach(() => {
  calls = 0
  refusal = Code.Unavailable
})

test('a call that is safe to repeat is tried up to four times while the store is unavailable', async () => {
  refusals = 3
  await client.organizations.getOrganization({})
  expect(calls).toBe(4)
  calls = 0
  refusals = 4
  await expect(client.organizations.getOrganization({})).rejects.toMatchObject({ code: Code.Unavailable })
  expect(calls).toBe(4)
})

test('a call that is not is tried once', async () => {
  refusals = 1
  await expect(client.organizations.createOrganization({})).rejects.toMatchObject({ code: Code.Unavailable })
  await expect(client.events.retryEvent({}).then(() => calls)).resolves.toBe(2)
})

test('a call is not repeated at once while too many wait in the store: that would make the queue longer', async () => {
  refusals = 1
  refusal = Code.ResourceExhausted
  await expect(client.organizations.getOrganization({})).rejects.toMatchObject({ code: refusal })
  expect(calls).toBe(1)
})

test('a call that is not answered ends with its deadline', async () => {
  const call = client.organizations.listOrganizations({}, { timeoutMs: 100 })
  await expect(call).rejects.toMatchObject({ code: Code.DeadlineExceeded })
})

test('a store that closes idle connections just before calls come answers them all, and ends no process', async () => {
  refusals = 0
  const failed: unknown[] = []
  const keep = (error: unknown) => failed.push(error)
  process.on('uncaughtException', keep)
  try {
    for (let round = 0; round < 12; round++) {
      await client.organizations.getOrganization({})
      for (const session of sessions) session.close()
      const asked: Promise<unknown>[] = []
      // Of those one finds a connection that refuses it, and one a connection that is destroyed and whose socket is not closed yet.
      for (let turn = 0; turn < 10; turn++) {
        asked.push(client.organizations.createOrganization({}).catch(keep))
        await nextTurn()
      }
      await Promise.all(asked)
    }
  } finally {
    process.off('uncaughtException', keep)
  }
  expect(failed).toEqual([])
  // Each call was carried out, and none twice.
  expect(calls).toBe(12 * 11)
})
