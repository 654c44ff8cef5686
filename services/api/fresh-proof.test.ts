import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from './auth/fixtures/browser.ts'
import { openBrowser } from './auth/fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin } from './auth/fixtures/people-api.ts'
import { digestOf } from './auth/secret.ts'
import { memberLimits, openSessions, staffLimits } from './auth/sessions/sessions.ts'
import { freshMs } from './fresh-proof.ts'
import { redisPrefix } from './redis.ts'

const at = '/api/v1/organizations/acme'
const owner = 'owner@acme.example'
let people: PeopleApi

beforeAll(async () => {
  people = await openPeopleApi()
})
afterAll(() => people?.[Symbol.asyncDispose]())

/** A browser in which somebody signed in some time ago. */
async function signedInAgo(email: string, agoMs: number): Promise<Browser> {
  const limits = email === superadmin ? staffLimits : memberLimits
  const started = { email, method: 'link', peer: '192.0.2.7', agent: 'test', limits } as const
  const { secret } = await openSessions(people.client).begin(started, Date.now() - agoMs)
  const browser = openBrowser(people.api.url)
  browser.cookies.set('fairlead-session', secret)
  return browser
}

const codeOf = ({ text }: { text: string }) => JSON.parse(text || '{}').code

const acts: [string, string, string, string, object | undefined][] = [
  ['invite an owner', owner, 'POST', `${at}/invitations`, { email: 'new@acme.example', role: 'owner' }],
  ['make a key of an owner', owner, 'POST', `${at}/api-keys`, { name: 'all', role: 'owner' }],
]

test.each(acts)('who signed in long ago may not %s before signing in again', async (...act) => {
  const [, email, method, path, body] = act
  const old = await signedInAgo(email, freshMs + 60_000)
  const refused = await old.fetch(method, path, body)
  expect([refused.status, codeOf(refused)]).toEqual([403, 'proof_too_old'])
  const fresh = await signedInAgo(email, freshMs - 120_000)
  expect((await fresh.fetch(method, path, body)).status).toBe(201)
})

/** Has a session approve a tool; answers with the tool's tokens. */
async function toolApprovedBy(browser: Browser) {
  const post = async <Answer>(path: string, fields: Record<string, string>): Promise<Answer> => {
    const response = await fetch(people.api.url + path, { method: 'POST', body: new URLSearchParams(fields) })
    return (await response.json()) as Answer
  }
  const begun = await post<{ user_code: string; device_code: string }>('/auth/device/code', {})
  await browser.post('/auth/device', { user_code: begun.user_code, decision: 'approve' })
  const grant = 'urn:ietf:params:oauth:grant-type:device_code'
  const fields = { grant_type: grant, device_code: begun.device_code }
  return await post<{ access_token: string; refresh_token: string }>('/auth/token', fields)
}

const makeOwnersKey = async (token: string) => {
  const body = { name: `by a tool ${token.slice(-8)}`, role: 'owner' }
  const { status, body: answer } = await people.api.call('POST', `${at}/api-keys`, { key: token, body })
  return [status, answer.code]
}

test('an old session gets no fresh proof by approving a tool, nor by refreshing its token', async () => {
  const old = await toolApprovedBy(await signedInAgo(owner, freshMs + 60_000))
  expect((await people.api.call('GET', `${at}/events`, { key: old.access_token })).status).toBe(200)
  expect(await makeOwnersKey(old.access_token)).toEqual([403, 'proof_too_old'])
  const fields = { grant_type: 'refresh_token', refresh_token: old.refresh_token }
  const refreshed = await fetch(`${people.api.url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
  })
  const { access_token: token } = (await refreshed.json()) as { access_token: string }
  expect(await makeOwnersKey(token)).toEqual([403, 'proof_too_old'])
  const fresh = await toolApprovedBy(await signedInAgo(owner, 0))
  expect(await makeOwnersKey(fresh.access_token)).toEqual([201, undefined])
})

test('a session of a version that noted no proof is as old as itself', async () => {
  for (const [agoMs, status] of [
    [freshMs + 60_000, 403],
    [0, 201],
  ] as const) {
    const browser = await signedInAgo(owner, agoMs)
    const key = `${redisPrefix}session:${digestOf(browser.cookies.get('fairlead-session')!)}`
    const { provenAtMs, ...earlier } = JSON.parse((await people.client.get(key))!)
    expect(provenAtMs).toBe(earlier.createdAtMs)
    await people.client.set(key, JSON.stringify(earlier), 'KEEPTTL')
    const made = await browser.fetch('POST', `${at}/api-keys`, { name: `of before ${agoMs}`, role: 'owner' })
    expect(made.status).toBe(status)
  }
})

test('the same person goes on with everything else', async () => {
  const old = await signedInAgo(owner, freshMs + 60_000)
  const invited = await old.fetch('POST', `${at}/invitations`, {
    email: 'viewer@acme.example',
    role: 'viewer',
  })
  expect(invited.status).toBe(201)
  expect((await old.fetch('POST', `${at}/api-keys`, { name: 'ci', role: 'viewer' })).status).toBe(201)
})

test('who is an owner is not changed or removed by an old session', async () => {
  const { items } = (await people.api.call('GET', `${at}/members`)).body
  const { id } = items.find((member: { role: string }) => member.role === 'owner')
  const old = await signedInAgo(owner, freshMs + 60_000)
  for (const [method, body] of [
    ['PATCH', { role: 'viewer' }],
    ['DELETE', undefined],
  ] as const) {
    const refused = await old.fetch(method, `${at}/members/${id}`, body)
    expect([refused.status, codeOf(refused)]).toEqual([403, 'proof_too_old'])
  }
})

test('staff deletes an organization only with a fresh proof', async () => {
  await people.api.call('POST', '/api/v1/organizations', { body: { slug: 'ends' } })
  const remove = async (agoMs: number) => {
    const browser = await signedInAgo(superadmin, agoMs)
    const response = await fetch(`${people.api.url}/api/v1/organizations/ends`, {
      method: 'DELETE',
      headers: {
        cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'sec-fetch-site': 'same-origin',
        'if-match': '*',
      },
    })
    return response.status
  }
  expect(await remove(freshMs + 60_000)).toBe(403)
  expect(await remove(0)).toBe(204)
})
