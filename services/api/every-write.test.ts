import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@fairlead/servers/processes'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { until } from '@fairlead/testbed/until'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openStoredFacts, type StoredDelivery, type StoredFacts } from './fixtures/stored-facts.ts'
import { type Answer, anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { isWrite, type Operation } from './operation.ts'
import { operations } from './operations.ts'

/*
 * Every operation of the API that changes something: whenever its client leaves, and if the store is killed on the way, a
 * repeat with the same Idempotency-Key finds it carried out once, with one entry in the audit log. The list is the API's
 * own: a new operation needs a row in `targets`, unless it takes nothing but the organization.
 */
const writes = operations.filter(isWrite)

const base = '/api/v1/organizations/acme'
let api: TestApi
/** Another pod on the same store. */
let other: TestApi
let acme: Organization
let facts: StoredFacts
/** Deliveries, each for one target. */
const stored = { dead: [] as StoredDelivery[], waiting: [] as StoredDelivery[] }
let destination: string

interface Target {
  readonly params?: Readonly<Record<string, string>>
  readonly body?: unknown
}

const pauseOrResume = async (verb: 'pause' | 'resume'): Promise<Target> => {
  await other.call('POST', `${base}/destinations/${destination}/${verb}`)
  return { params: { destination } }
}
/** Replays that may still go on. */
const replays: string[] = []

/** It would last for more than a minute. */
const aReplay = async (paused: boolean): Promise<Target> => {
  const { body } = await other.call('POST', `${base}/replays`, {
    body: { types: ['replayed'], ratePerSecond: 1 },
  })
  if (paused) await other.call('POST', `${base}/replays/${body.id}/pause`)
  replays.push(body.id)
  return { params: { replay: body.id } }
}
/** Leaves events for the next ones. */
async function endReplays(): Promise<void> {
  for (const id of replays.splice(0)) await other.call('POST', `${base}/replays/${id}/cancel`)
}

const dead = (): Target => ({ params: { delivery: stored.dead.pop()!.delivery } })
const waiting = (): Target => ({ params: { delivery: stored.waiting.pop()!.delivery }, body: {} })

/** Something of its own for each run of an operation: what can be done once only is done to another one each time. */
const targets: Readonly<Record<string, () => Target | Promise<Target>>> = {
  retryEvent: () => ({ params: { event: stored.dead.pop()!.event }, body: {} }),
  retryDelivery: waiting,
  cancelDelivery: () => ({ params: { delivery: stored.waiting.pop()!.delivery } }),
  retryDeadLetter: dead,
  discardDeadLetter: () => ({ ...dead(), body: { reason: 'test' } }),
  retryDeadLetters: () => ({ body: { type: 'none.such' } }),
  discardDeadLetters: () => ({ body: { type: 'none.such', discardReason: 'test' } }),
  createReplay: () => ({ body: { types: ['none.such'] } }),
  pauseReplay: () => aReplay(false),
  resumeReplay: () => aReplay(true),
  cancelReplay: () => aReplay(true),
  takeOfferedSecret: async () => ({ params: { rejection: await facts.rejection('offer') } }),
  takeInRejection: async () => ({ params: { rejection: await facts.rejection('repeat') } }),
  pauseDestination: () => pauseOrResume('resume'),
  resumeDestination: () => pauseOrResume('pause'),
  createApiKey: () => ({ body: { name: `every write ${randomUUID()}` } }),
  async revokeApiKey() {
    const { body } = await other.call('POST', `${base}/api-keys`, { body: { name: randomUUID() } })
    return { params: { key: body.id } }
  },
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly idempotencyKey: string
}

async function aRequest(operation: Operation): Promise<Asked> {
  const { params = {}, body } = (await targets[operation.name]?.()) ?? {}
  const path = operation.path.replace('{slug}', 'acme').replaceAll(/\{(\w+)\}/g, (_, name) => {
    if (params[name] === undefined) throw new Error(`targets has no ${name} for ${operation.name}`)
    return params[name]
  })
  return { method: operation.method.toUpperCase(), path, body, idempotencyKey: randomUUID() }
}

const perform = (pod: TestApi, { method, path, body, idempotencyKey }: Asked): Promise<Answer> =>
  pod.call(method, path, {
    key: api.platformKey,
    headers: { 'idempotency-key': idempotencyKey },
    ...(body !== undefined && { body }),
  })

/** Asks again, as a client would, until the first request is over. */
const repeat = (asked: Asked): Promise<Answer> =>
  until(
    async () => {
      const answer = await perform(other, asked)
      if (answer.status !== 409 && answer.status < 500) return answer
      throw new Error(JSON.stringify(answer.body))
    },
    { deadlineMs: 20_000, everyMs: 50, what: `an answer to ${asked.method} ${asked.path}` },
  )

/** Sends a request and leaves: so much of it is written, then the connection is reset after some ms. */
async function sendAndLeave(asked: Asked, [part, afterMs]: readonly [part: number, afterMs: number]) {
  const text = asked.body === undefined ? '' : JSON.stringify(asked.body)
  const request =
    `${asked.method} ${asked.path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.platformKey}\r\n` +
    `idempotency-key: ${asked.idempotencyKey}\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(request.slice(0, Math.ceil(part * request.length)))
  if (afterMs > 0) await delay(afterMs)
  socket.resetAndDestroy()
}

async function entries(): Promise<number> {
  const [row] = await api.store.query(
    'select count(*)::int as count from audit_logs where organization_id is not null',
  )
  return Number(row!.count)
}

const moments = [
  [0.9, 0],
  [1, 0],
  [1, 5],
  [1, 25],
] as const
/** How long after all writes were begun the store is killed, ms. */
const killedAfterMs = [5, 30, 120]
/** Events that Replays deliver again. */
const replayed = 80

beforeAll(async () => {
  api = await openTestApi()
  other = await openTestApi({}, api.store)
  acme = await anOrganization(api.store, 'acme')
  facts = await openStoredFacts(api, acme)
  const { body } = await other.call('GET', `${base}/destinations`)
  destination = body.items[0].id
  const runs = moments.length + killedAfterMs.length
  const each = (state: 'dead' | 'waiting', count: number) =>
    Promise.all(Array.from({ length: count }, () => facts.event(state)))
  stored.dead = await each('dead', 3 * runs)
  stored.waiting = await each('waiting', 2 * runs)
  await Promise.all(Array.from({ length: replayed }, () => facts.event('dead', 'replayed')))
  const logged = async (state: string, count: number) =>
    Number(
      (await api.store.query('select count(*)::int as count from deliveries where state = $1', [state]))[0]!
        .count,
    ) === count
  await until(
    async () => (await logged('dead', 3 * runs + replayed)) && (await logged('waiting', 2 * runs)),
    {
      deadlineMs: 20_000,
      everyMs: 100,
      what: 'deliveries in the log',
    },
  )
})
afterAll(async () => {
  await facts?.[Symbol.asyncDispose]()
  await other?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
})

describe.each(writes)('$name', operation => {
  test('is carried out once and written down once, whenever its client leaves', {
    timeout: 60_000,
  }, async () => {
    for (const moment of moments) {
      const asked = await aRequest(operation)
      const before = await entries()
      await sendAndLeave(asked, moment)
      const answer = await repeat(asked)
      expect([answer.status, answer.body?.code]).toEqual([operation.status, undefined])
      const again = await perform(other, asked)
      expect([again.status, again.body]).toEqual([answer.status, answer.body])
      expect(again.headers.get('idempotent-replayed')).toBe('true')
      expect((await entries()) - before).toBe(1)
      await endReplays()
    }
  })
})

test('a store that is killed while all of them are under way leaves each done and written down once', {
  timeout: 120_000,
}, async () => {
  await using folder = await scratchFolder()
  const port = await freePort()
  await using store = startService({
    name: 'store',
    main: 'services/store/main.ts',
    env: {
      FAIRLEAD_POSTGRES_URL: api.store.postgresUrl,
      FAIRLEAD_NATS_URL: api.store.natsUrl,
      FAIRLEAD_ENCRYPTION_KEYS: testEncryptionKeys,
      FAIRLEAD_STORE_PORT: `${port}`,
      FAIRLEAD_STORE_HOST: '127.0.0.1',
    },
    logFolder: folder.path,
  })
  await using pod = await openTestApi({}, { ...api.store, url: `http://127.0.0.1:${port}` })
  for (const [life, ms] of killedAfterMs.entries()) {
    if (life > 0) store.start()
    await until(async () => (await pod.call('GET', `${base}/destinations`)).status === 200, {
      deadlineMs: 30_000,
      everyMs: 100,
      what: 'a store',
    })
    const asked: Asked[] = []
    // A destination is either paused or resumed meanwhile.
    for (const operation of writes.filter(({ name }) => name !== 'resumeDestination')) {
      asked.push(await aRequest(operation))
    }
    const before = await entries()
    const begun = asked.map(one => perform(pod, one).catch(() => undefined))
    await delay(ms)
    await store.kill9()
    await Promise.all(begun)
    const answers = await Promise.all(asked.map(repeat))
    expect(answers.filter(({ status }) => status >= 300)).toEqual([])
    expect((await entries()) - before).toBe(asked.length)
    await endReplays()
  }
})
