import { randomBytes } from 'node:crypto'
import { until } from '@fairlead/testbed/until'
import { apiKeyText } from '@fairlead/wire/api-key'
import type { Organization } from '@fairlead/wire/store/organization'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { anOrganization, openTestApi, type TestApi } from './fixtures/test-api.ts'
import { openRefusalLog } from './refusal-log.ts'

const path = '/api/v1/organizations/acme'
let api: TestApi
let acme: Organization
beforeAll(async () => {
  api = await openTestApi({ FAIRLEAD_TRUSTED_PROXIES: '127.0.0.1' })
  acme = await anOrganization(api.store, 'acme')
})
afterAll(async () => await api?.[Symbol.asyncDispose]())

const guess = () => apiKeyText('sk_live_fl_', randomBytes(32))
const from = (peer: string, key: string) =>
  api.call('GET', path, { key, headers: { 'x-forwarded-for': `192.0.2.1, ${peer}` } })

/** Keys that the store was asked about so far. */
async function lookups(): Promise<number> {
  const text = await api.store.metrics()
  const line =
    /fairlead_store_call_seconds_count\{call="[^"]*ApiKeyService\/AuthenticateApiKey"[^}]*\} (\d+)/g
  return [...text.matchAll(line)].reduce((sum, [, count]) => sum + Number(count), 0)
}

test('guessed keys of one peer cost the database ten lookups a minute, and nobody else waits for them', async () => {
  const key = await api.makeKey(acme)
  expect((await from('198.51.100.1', key)).status).toBe(200)
  const before = await lookups()
  const begunMs = performance.now()
  const answers = await Promise.all(Array.from({ length: 100 }, () => from('198.51.100.1', guess())))
  const limited = answers.filter(({ status }) => status === 429)
  expect([answers.filter(({ status }) => status === 401).length, limited.length]).toEqual([10, 90])
  const tookSeconds = (performance.now() - begunMs) / 1_000
  for (const { headers, body } of limited) {
    expect(body.code).toBe('rate_limited')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(59 - tookSeconds)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
  }
  expect((await lookups()) - before).toBe(10)
  // A right key of the same peer goes on working, and another peer's first use of one as well.
  expect((await from('198.51.100.1', key)).status).toBe(200)
  expect((await from('198.51.100.2', await api.makeKey(acme))).status).toBe(200)
  // What an untrusted hop wrote is nobody's.
  expect((await from('198.51.100.1', guess())).status).toBe(429)
})

test('a peer that floods with wrong keys is answered late, and no other peer waits for it', async () => {
  let round = 0
  // Again where the machine was so slow that it was no flood: 20 a second are answered at once.
  await until(async () => {
    const [flooding, asking] = [`198.51.101.${2 * round}`, `198.51.101.${2 * round + 1}`]
    round += 1
    const answered: string[] = []
    const flood = Array.from({ length: 80 }, () =>
      from(flooding, guess().slice(0, -1)).then(() => answered.push('flood')),
    )
    const other = from(asking, guess().slice(0, -1)).then(() => answered.push('other'))
    await Promise.all([...flood, other])
    return answered.length === 81 && answered.at(-1) === 'flood'
  })
})

test('a right key that is used many times at once is no guess, whatever else its peer tries', async () => {
  const key = await api.makeKey(acme)
  expect((await from('198.51.100.7', key)).status).toBe(200)
  await Promise.all(Array.from({ length: 20 }, () => from('198.51.100.7', guess())))
  const answers = await Promise.all(Array.from({ length: 30 }, () => from('198.51.100.7', key)))
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})

test('texts that can not be keys never reach the database, and use nothing up', async () => {
  const before = await lookups()
  const real = await api.makeKey(acme)
  const typos = [
    real.slice(0, -1),
    `${real}0`,
    real.replace(/.$/, c => (c === 'a' ? 'b' : 'a')),
    'key_live_short',
    'x',
  ]
  for (let i = 0; i < 10; i++) {
    for (const text of typos) expect((await from('198.51.100.3', text)).status).toBe(401)
  }
  expect(await lookups()).toBe(before)
  expect((await from('198.51.100.3', real)).status).toBe(200)
})

test('a key that many requests bring at once for the first time is looked up once, and all are answered', async () => {
  const key = await api.makeKey(acme)
  const before = await lookups()
  const answers = await Promise.all(Array.from({ length: 50 }, () => from('198.51.100.4', key)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect((await lookups()) - before).toBeLessThan(50)
})

test('a key that was right and is revoked is wrong at once, also in another pod', async () => {
  await using other = await openTestApi({}, api.store)
  const key = await api.makeKey(acme)
  expect((await from('198.51.100.5', key)).status).toBe(200)
  await api.store.query('update api_keys set revoked_at = now() where prefix = $1', [key.slice(0, 15)])
  expect((await from('198.51.100.5', key)).status).toBe(401)
  expect((await other.call('GET', path, { key })).status).toBe(401)
})

test('keys of before stay good', async () => {
  const old = `key_live_${randomBytes(32).toString('base64url')}`
  await api.store.query(
    `update api_keys set sha256 = sha256($1::bytea) where id = (select id from api_keys where organization_id is not null
       and revoked_at is null order by created_at desc limit 1)`,
    [Buffer.from(old)],
  )
  expect((await from('198.51.100.6', old)).status).toBe(200)
})

test('a flood of wrong keys is a few lines and a count', async () => {
  const lines: string[] = []
  const log = {
    info: (_: object, message: string) => void lines.push(message),
    warn: (fields: { count: number }, message: string) => void lines.push(`${message} ${fields.count}`),
  }
  {
    using refusals = openRefusalLog(log as unknown as Parameters<typeof openRefusalLog>[0])
    for (let i = 0; i < 1_000; i++) refusals.take({ peer: 'a', code: 'unauthenticated' }, i)
  }
  expect(lines).toEqual([...Array(5).fill('request.answered'), 'requests.unauthenticated 995'])
})
