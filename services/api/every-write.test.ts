import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from '@fairlead/servers/processes'
import { testEncryptionKeys } from '@fairlead/testbed/configuration'
import { startTestRedis } from '@fairlead/testbed/redis'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { isThorough } from '@fairlead/testbed/thorough'
import { until } from '@fairlead/testbed/until'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { consoleUrl, testSignInKeys } from './auth/fixtures/people-api.ts'
import { openStoredFacts, type StoredFacts } from './fixtures/stored-facts.ts'
import { type Answer, anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { openWriteTargets, type WriteTargets } from './fixtures/write-targets.ts'
import { isWrite, keepsAnswer, type Operation } from './operation.ts'
import { operations } from './operations.ts'

/*
 * Every operation of the API that changes something: whenever its client leaves, and if the store is killed on the way, a
 * repeat with the same Idempotency-Key finds it carried out once, with one entry in the audit log. The list is the API's
 * own: a new operation needs a row in `fixtures/write-targets.ts`, or a reason in `unkept`.
 */
const writes = operations.filter(isWrite)

/** Writes that this walk leaves out, beside those that say that no answer of theirs is kept; each with the reason. */
const leftOut: Readonly<Record<string, string>> = {
  testDestination: 'it needs a worker: each call sends a test, and a repeat gets the first answer',
}
/** Writes of which no answer is kept, each with the reason. */
const unkept: Readonly<Record<string, string>> = {
  sendSimulated:
    'it changes nothing in the store: the receiver knows a repeat by the id that the provider gave',
  beginImpersonation: 'it changes a session, which Redis keeps; each look has an entry of its own',
  endImpersonation: 'it changes a session, which Redis keeps',
  endOtherSessions: 'it ends sessions, which Redis keeps; those that have ended stay so',
  beginPasskey: 'it makes a challenge, which Redis keeps for one answer',
  addPasskey: 'it takes a challenge, which Redis keeps for one answer',
  removePasskey: 'a passkey that was removed is none',
  removeStaffPasskeys: 'passkeys that were removed are none',
  beginStripeConnect: 'it makes a state, which Redis keeps for one answer of Stripe',
  disconnectStripeAccount: 'it tells Stripe; an account that is disconnected is disconnected again',
  registerTenant: 'it changes nothing but what Redis keeps until the address is proved',
  verifyTenantAddress: 'it takes a registration, which Redis keeps; a completed one is none',
  logInTenant: 'it begins a session, which Redis keeps; each call another one',
  refreshTenantToken: 'a repeat within 30 s gets the same next token anyway',
  changeTenantPassword: 'a repeat finds another password than the one before',
  endSession: 'it ends a session, which Redis keeps; one that has ended is none',
}
const kept = writes.filter(operation => keepsAnswer(operation) && !(operation.name in leftOut))

const base = '/api/v1/organizations/acme'
let api: TestApi
/** Another pod on the same store. */
let other: TestApi
let facts: StoredFacts
let targets: WriteTargets
const opened = new AsyncDisposableStack()
/** Where pods keep the sessions of people. */
let signIn: Readonly<Record<string, string>>

interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

async function aRequest(operation: Operation): Promise<Asked> {
  const { params = {}, body, headers } = await targets.next(operation)
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const value = params[name] ?? (name === 'slug' ? 'acme' : undefined)
    if (value === undefined) throw new Error(`the row of ${operation.name} has no ${name}`)
    return value
  })
  return {
    method: operation.method.toUpperCase(),
    path,
    body,
    headers: {
      ...(!headers?.cookie && { authorization: `Bearer ${api.platformKey}` }),
      ...headers,
      'idempotency-key': randomUUID(),
    },
  }
}

const perform = (pod: TestApi, { method, path, body, headers }: Asked): Promise<Answer> =>
  pod.call(method, path, { key: null, headers, ...(body !== undefined && { body }) })

/** Asks again, as a client would, until the first request is over, and while too many wait for the database. */
const repeat = (asked: Asked): Promise<Answer> =>
  until(
    async () => {
      const answer = await perform(other, asked)
      if (answer.status !== 409 && answer.status !== 429 && answer.status < 500) return answer
      throw new Error(JSON.stringify(answer.body))
    },
    { everyMs: 50, what: `an answer to ${asked.method} ${asked.path}` },
  )

/** Sends a request and leaves: so much of it is written, then the connection is reset after some ms. */
async function sendAndLeave(asked: Asked, [part, afterMs]: readonly [part: number, afterMs: number]) {
  const text = asked.body === undefined ? '' : JSON.stringify(asked.body)
  const request =
    `${asked.method} ${asked.path} HTTP/1.1\r\nhost: x\r\n` +
    Object.entries(asked.headers)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('') +
    `content-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(request.slice(0, Math.ceil(part * request.length)))
  if (afterMs > 0) await delay(afterMs)
  socket.resetAndDestroy()
}

/** Without those of ends: a rebuild goes on by itself when its request is answered. */
async function entries(): Promise<number> {
  const [row] = await api.store.query(
    `select count(*)::int as count from audit_logs where organization_id is not null
       and action not in ('ledger.rebuilt', 'ledger.rebuild_failed')`,
  )
  return Number(row!.count)
}

const moments = [
  [0.9, 0],
  [1, 0],
  [1, 5],
  [1, 25],
] as const
/** In `npm test` an operation meets every second one, and its neighbour the others; the seed says which begins. */
const seed = Number(process.env.FAIRLEAD_MOMENTS_SEED ?? randomInt(2))
const momentsOf = (operation: Operation) =>
  isThorough ? moments : moments.filter((_, at) => (at + kept.indexOf(operation) + seed) % 2 === 0)
/** How long after all writes were begun the store is killed, ms. */
const killedAfterMs = [5, 30, 120]
/** Dead letters of a type that Replays, or retries, take a few of each time. */
const many = 80

beforeAll(async () => {
  console.info(`FAIRLEAD_MOMENTS_SEED=${seed}`)
  const redis = opened.use(await startTestRedis())
  const client = new Redis(redis.url)
  opened.defer(() => client.disconnect())
  signIn = {
    FAIRLEAD_REDIS_URL: redis.url,
    FAIRLEAD_CONSOLE_URL: consoleUrl,
    FAIRLEAD_SIGN_IN_KEYS: testSignInKeys,
  }
  api = opened.use(await openTestApi(signIn))
  other = opened.use(await openTestApi(signIn, api.store))
  const acme = await anOrganization(api.store, 'acme')
  facts = opened.use(await openStoredFacts(api, acme))
  const runs = moments.length + killedAfterMs.length
  const each = (state: 'dead' | 'waiting', count: number, type?: string) =>
    Promise.all(Array.from({ length: count }, () => facts.event(state, type)))
  const dead = await each('dead', 3 * runs)
  const waiting = await each('waiting', 2 * runs)
  for (const type of ['replayed', 'retried']) await each('dead', many, type)
  targets = openWriteTargets({ api: other, acme, facts, redis: client, dead, waiting })
  const logged = async (state: string, count: number) =>
    Number(
      (await api.store.query('select count(*)::int as count from deliveries where state = $1', [state]))[0]!
        .count,
    ) === count
  await until(
    async () => (await logged('dead', dead.length + 2 * many)) && (await logged('waiting', waiting.length)),
    { everyMs: 100, what: 'deliveries in the log' },
  )
})
afterAll(() => opened.disposeAsync())

test('every write has a row in the targets or a reason why not, and nothing else has', () => {
  expect([...targets.names].sort()).toEqual(kept.map(({ name }) => name).sort())
  const others = writes.filter(operation => !keepsAnswer(operation)).map(({ name }) => name)
  expect(others.sort()).toEqual(Object.keys(unkept).sort())
  expect(writes.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(leftOut)))
})

describe.each(kept)('$name', operation => {
  test('is carried out once and written down once, whenever its client leaves', {
    timeout: 180_000,
  }, async () => {
    for (const moment of momentsOf(operation)) {
      const asked = await aRequest(operation)
      const before = await entries()
      await sendAndLeave(asked, moment)
      const answer = await repeat(asked)
      expect([answer.status, answer.body?.code]).toEqual([operation.status, undefined])
      const again = await repeat(asked)
      expect([again.status, again.body]).toEqual([answer.status, answer.body])
      expect(again.headers.get('idempotent-replayed')).toBe('true')
      expect((await entries()) - before).toBe(1)
      await targets.endRuns()
    }
  })
})

test('a store that is killed while all of them are under way leaves each done and written down once', {
  timeout: 240_000,
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
  await using pod = await openTestApi(signIn, { ...api.store, url: `http://127.0.0.1:${port}` })
  for (const [life, ms] of killedAfterMs.entries()) {
    if (life > 0) store.start()
    await until(async () => (await pod.call('GET', `${base}/destinations`)).status === 200, {
      deadlineMs: 60_000,
      everyMs: 100,
      what: 'a store',
    })
    const asked: Asked[] = []
    // A destination is either paused or resumed meanwhile.
    for (const operation of kept.filter(({ name }) => name !== 'resumeDestination')) {
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
    await targets.endRuns()
  }
})
