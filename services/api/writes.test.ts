import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { timestampNow } from '@bufbuild/protobuf/wkt'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { startService } from '@fairlead/testbed/service'
import { until } from '@fairlead/testbed/until'
import { DeliveryState, Trigger } from '@fairlead/wire/store/event'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'

const base = '/api/v1/organizations/acme'
let api: TestApi
/** Another pod on the same store. */
let other: TestApi
let acme: Organization
beforeAll(async () => {
  api = await openTestApi()
  other = await openTestApi({}, api.store)
  acme = await anOrganization(api.store, 'acme')
})
afterAll(async () => {
  await other?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
})

/** Sends a request and leaves: `atByte` of it are written, then the connection is reset after some ms. */
async function sendAndLeave(
  pod: TestApi,
  [method, path, body]: readonly [method: string, path: string, body?: unknown],
  [atByte, afterMs]: readonly [atByte: number, afterMs: number],
) {
  const text = body === undefined ? '' : JSON.stringify(body)
  const request =
    `${method} ${base}${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${pod.platformKey}\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  const socket = connect(Number(new URL(pod.url).port), '127.0.0.1')
  await once(socket, 'connect')
  socket.on('error', () => {})
  socket.write(request.slice(0, atByte))
  if (afterMs > 0) await delay(afterMs)
  socket.resetAndDestroy()
}

const whole = Number.POSITIVE_INFINITY
/** Bytes written, and parts of an answer's time waited: within the head, within the body, and while the answer is made. */
const moments = [
  [40, 0],
  [260, 0.1],
  [whole, 0],
  ...[0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2].map(part => [whole, part] as const),
] as const

async function entries(action: string): Promise<{ subject: string; details: Record<string, unknown> }[]> {
  const rows = await api.store.query(
    'select subject_id as subject, details from audit_logs where action = $1 order by at',
    [action],
  )
  return rows as { subject: string; details: Record<string, unknown> }[]
}

async function addDeadLetters(count: number, type: string): Promise<string[]> {
  const attempt = { number: 1, at: timestampNow(), durationMs: 1, trigger: Trigger.ROUTE, outcome: 'gone' }
  return await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const { event } = await api.store.client.events.createEvent({
        organizationId: acme.id,
        source: 'stripe',
        providerDeliveryId: `${type} ${i}`,
        type,
        receivedAt: timestampNow(),
        sizeBytes: 1n,
        deliveries: [{ destination: 'billing', state: DeliveryState.DEAD, attempts: [attempt] }],
      })
      const { deliveries } = await api.store.client.events.getEvent({
        organizationId: acme.id,
        eventId: event!.id,
      })
      return deliveries[0]!.id
    }),
  )
}

test('a client that leaves during a write leaves no change without its entry in the audit log', async () => {
  const dead = await addDeadLetters(moments.length, 'left.one')
  await addDeadLetters(moments.length, 'left.all')
  const keys = await Promise.all(moments.map(() => api.makeKey(acme)))
  const { body } = await api.call('GET', `${base}/api-keys`)
  const revoked: string[] = body.items.slice(0, keys.length).map(({ id }: { id: string }) => id)
  const pod = await openTestApi({}, api.store)
  const requests = (i: number): [method: string, path: string, body?: unknown][] => [
    ['POST', '/api-keys', { name: `left ${i}` }],
    ['DELETE', `/api-keys/${revoked[i]}`],
    ['POST', '/replays', { types: ['none.such'] }],
    ['POST', `/dead-letters/${dead[i]}/discard`, { reason: 'left' }],
    ['POST', '/dead-letters/discard', { type: 'left.all', discardReason: 'left' }],
    ['POST', `/destinations/billing/${i % 2 ? 'resume' : 'pause'}`],
  ]
  const startedAt = performance.now()
  const waited = requests(moments.length).filter(([, path]) => !path.includes('undefined'))
  await Promise.all(waited.map(([method, path, body]) => pod.call(method, `${base}${path}`, { body })))
  const answerMs = performance.now() - startedAt
  for (const [i, [atByte, part]] of moments.entries()) {
    await Promise.all(requests(i).map(asked => sendAndLeave(pod, asked, [atByte, part * answerMs])))
  }
  // It stops once it has carried out what was begun.
  await pod[Symbol.asyncDispose]()
  const found = async (statement: string) =>
    (await api.store.query(statement)).map(({ found }) => String(found)).sort()
  const subjects = async (action: string) => (await entries(action)).map(({ subject }) => subject).sort()
  const ids = async (action: string) => new Set(await subjects(action)).size

  const made = await found("select name as found from api_keys where name like 'left %'")
  const written = (await entries('api_key.created')).map(({ details }) => String(details.name))
  expect(written.filter(name => /^left /.test(name)).sort()).toEqual(made)
  expect(made.length).toBeGreaterThan(1)
  const gone = await found('select id as found from api_keys where revoked_at is not null')
  expect(await ids('api_key.revoked')).toBe(gone.length)
  expect(await ids('replay.created')).toBe((await found('select id as found from replays')).length)
  const single = await found("select id as found from deliveries where discard_reason = 'left'")
  const all = (await entries('dead_letter.all_discarded')).reduce(
    (sum, { details }) => sum + Number(details.discarded),
    0,
  )
  expect((await ids('dead_letter.discarded')) + all).toBe(single.length)
}, 180_000)

test('an entry says who asked, how, from where and with which request, and a made-up trace hides none', async () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const headers = { traceparent, 'user-agent': 'test-agent/1', 'x-forwarded-for': '203.0.113.9' }
  const answers = await Promise.all([
    api.call('POST', `${base}/destinations/builds/pause`, { headers }),
    api.call('POST', `${base}/destinations/builds/pause`, { headers }),
  ])
  const { body } = await api.call('GET', `${base}/audit-log?action=destination.paused`)
  for (const { headers: answered } of answers) {
    const requestId = answered.get('x-request-id')
    expect(requestId).toMatch(/^req_[0-9a-f]{32}$/)
    expect(body.items.filter((item: { requestId: string }) => item.requestId === requestId)).toMatchObject([
      { via: 'api', address: '127.0.0.1', agent: 'test-agent/1', actor: { kind: 'api_key' } },
    ])
  }
})

test('one Idempotency-Key makes one thing, whichever pods are asked at once', async () => {
  const ask = (pod: TestApi, name: string) =>
    pod.call('POST', `${base}/api-keys`, {
      key: api.platformKey,
      body: { name },
      headers: { 'idempotency-key': 'pods' },
    })
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, i) => ask(i % 2 ? api : other, 'from two pods')),
  )
  const made = answers.filter(({ status }) => status === 201)
  expect(made.length).toBeGreaterThan(0)
  for (const { status, headers, body } of answers) {
    if (status === 201) expect(body).toEqual(made[0]!.body)
    else
      expect([status, body.code, headers.get('retry-after')]).toEqual([409, 'idempotency_in_progress', '2'])
  }
  const later = await ask(other, 'from two pods')
  expect([later.body, later.headers.get('idempotent-replayed')]).toEqual([made[0]!.body, 'true'])
  const reused = await ask(api, 'another')
  expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused'])
  expect((await entries('api_key.created')).filter(e => e.details.name === 'from two pods')).toHaveLength(1)
  const [row] = await api.store.query("select sealed from idempotency_keys where key = 'pods'")
  expect(Buffer.from(String(row!.sealed).split('.')[2]!, 'base64url').toString()).not.toContain(
    made[0]!.body.key,
  )
})

test("another caller's Idempotency-Key is one of its own", async () => {
  const headers = { 'idempotency-key': 'shared' }
  const own = await api.makeKey(acme)
  const made = await api.call('POST', `${base}/api-keys`, { headers, body: { name: 'mine' } })
  const others = await api.call('POST', `${base}/api-keys`, { key: own, headers, body: { name: 'theirs' } })
  expect([made.status, others.status, others.body.name]).toEqual([201, 201, 'theirs'])
})

test('what failed is forgotten, and after a day the key is free', async () => {
  const headers = { 'idempotency-key': 'again' }
  const ask = (name: string) => api.call('POST', `${base}/api-keys`, { headers, body: { name } })
  await api.call('POST', `${base}/api-keys`, { body: { name: 'taken' } })
  expect((await ask('taken')).status).toBe(409)
  expect((await ask('free')).status).toBe(201)
  await api.store.query("update idempotency_keys set expires_at = now() where key = 'again'")
  expect((await ask('the next day')).body.name).toBe('the next day')
})

/** Finds a call that waits for a lock. */
const waiting =
  "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

test('while the first runs a repeat is told to wait; a pod that stops carries out what was begun', async () => {
  const stopping = await openTestApi({}, api.store)
  const options = { body: { name: 'begun' }, headers: { 'idempotency-key': 'begun' }, key: api.platformKey }
  let stopped: PromiseLike<void>
  {
    await using _held = await api.store.lockTable('audit_logs')
    const leaving = new AbortController()
    const asked = fetch(`${stopping.url}${base}/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.platformKey}`,
        'content-type': 'application/json',
        ...options.headers,
      },
      body: JSON.stringify(options.body),
      signal: leaving.signal,
    }).catch(() => {})
    const repeat = () => other.call('POST', `${base}/api-keys`, options)
    await until(async () => (await api.store.query(waiting))[0])
    const second = await repeat()
    expect([second.status, second.body.code]).toEqual([409, 'idempotency_in_progress'])
    leaving.abort()
    await asked
    stopped = stopping[Symbol.asyncDispose]()
  }
  await stopped
  expect((await entries('api_key.created')).filter(({ details }) => details.name === 'begun')).toHaveLength(1)
  const repeated = await other.call('POST', `${base}/api-keys`, options)
  expect([repeated.status, repeated.headers.get('idempotent-replayed')]).toEqual([201, 'true'])
  expect((await api.call('GET', `${base}/api-keys`, { key: repeated.body.key })).status).toBe(403)
})

test('an API that is killed at any moment makes nothing twice, and nothing unwritten', async () => {
  await using folder = await scratchFolder()
  await using pod = startService({
    name: 'api',
    main: 'services/api/main.ts',
    env: { FAIRLEAD_STORE_URL: api.store.url, FAIRLEAD_API_PORT: '0', FAIRLEAD_API_HOST: '127.0.0.1' },
    logFolder: folder.path,
  })
  let lives = 0
  for (const [i, ms] of [1, 4, 9].entries()) {
    if (i > 0) pod.start()
    lives++
    const port = await until(
      async () => [...(await pod.output()).matchAll(/"port":(\d+).*api\.listening/g)][lives - 1]?.[1],
      { deadlineMs: 60_000 },
    )
    const options = { body: { name: `killed ${i}` }, headers: { 'idempotency-key': `killed ${i}` } }
    const asked = fetch(`http://127.0.0.1:${port}${base}/api-keys`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${api.platformKey}`,
        'content-type': 'application/json',
        ...options.headers,
      },
      body: JSON.stringify(options.body),
    }).catch(() => {})
    await delay(ms)
    await pod.kill9()
    await asked
    const repeated = await until(async () => {
      const answer = await other.call('POST', `${base}/api-keys`, { ...options, key: api.platformKey })
      return answer.status !== 409 && answer
    })
    expect([repeated.status, repeated.body.name]).toEqual([201, `killed ${i}`])
    const written = (await entries('api_key.created')).filter(e => e.details.name === `killed ${i}`)
    expect(written).toHaveLength(1)
  }
}, 180_000)

test('the audit log is one chain, also when many write at once; who changes it in the database is found', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      (i % 2 ? api : other).call('POST', `${base}/destinations/builds/pause`, { key: api.platformKey }),
    ),
  )
  const verify = async () => await api.store.client.audit.verifyAuditLog({ organizationId: acme.id })
  const { entries, faults } = await verify()
  expect([faults, Number(entries)]).toEqual([
    [],
    (await api.store.query('select 1 from audit_logs where organization_id is not null')).length,
  ])
  const force = (statement: string) =>
    api.store.query(`do $$ begin
      alter table audit_logs disable row level security;
      ${statement};
      alter table audit_logs enable row level security;
    end $$`)
  await force("update audit_logs set actor_id = 'key_other' where seq = 3 and organization_id is not null")
  await force('delete from audit_logs where seq = 5 and organization_id is not null')
  await force(
    'delete from audit_logs where organization_id is not null and seq = (select max(seq) from audit_logs where organization_id is not null)',
  )
  expect((await verify()).faults).toMatchObject([
    { kind: 'edited', seq: 3n },
    { kind: 'deleted', seq: 5n },
    { kind: 'truncated', seq: entries },
  ])
})
