import { until } from '@fairlead/testbed/until'
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Browser, openBrowser } from '../fixtures/browser.ts'
import {
  consoleUrl,
  openPeopleApi,
  type PeopleApi,
  superadmin,
  testSignInKeys,
} from '../fixtures/people-api.ts'
import { readSignInKeys } from '../keys.ts'
import { memberLimits, openSessions } from '../sessions/sessions.ts'
import { openAccessTokens } from './jwt.ts'
import { graceMs, openRefreshTokens } from './refresh.ts'

const ada = 'owner@acme.example'
const at = '/api/v1/organizations/acme'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
})
afterAll(async () => await people?.[Symbol.asyncDispose]())
beforeEach(async () => void (await people.client.flushall()))

async function post(path: string, fields: Record<string, string>) {
  const response = await fetch(people.api.url + path, { method: 'POST', body: new URLSearchParams(fields) })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

const use = (token: string) => people.api.call('GET', `${at}/events`, { key: token })

/** Signs a tool in, as `fairlead login` and a person do. */
async function signInTool(email = ada, browser?: Browser) {
  const { body: begun } = await post('/auth/device/code', {})
  const by = browser ?? (await people.signedIn(email))
  const page = await by.get(begun.verification_uri_complete)
  expect(page.text).toContain(`Sign it in as ${email}`)
  await by.post('/auth/device', { user_code: begun.user_code, decision: 'approve' })
  const { status, body } = await post('/auth/token', {
    grant_type: deviceGrant,
    device_code: begun.device_code,
  })
  expect(status).toBe(200)
  return body as { access_token: string; refresh_token: string; expires_in: number }
}

test('a session that a password began is none of staff once its address is, nor is a tool that it approves', async () => {
  const elsewhere = '/api/v1/organizations/globex'
  // The address was a member's, with a password, and was added to the staff then.
  const member = `insert into members (organization_id, id, email, role, managed_by)
     select id, gen_random_uuid(), $1, 'admin', 'tenant' from organizations where slug = 'acme'`
  await people.api.store.query(member, [superadmin])
  const begun = { email: superadmin, peer: '192.0.2.7', agent: 'test', limits: memberLimits }
  const { secret } = await openSessions(people.client).begin({ ...begun, method: 'password' }, Date.now())
  const byPassword = openBrowser(people.api.url)
  byPassword.cookies.set('fairlead-session', secret)
  try {
    expect((await byPassword.fetch('GET', at)).status).toBe(200)
    expect((await byPassword.fetch('GET', elsewhere)).status).toBe(404)
    expect((await byPassword.get('/auth/account/passkeys')).status).toBe(403)
    const tool = await signInTool(superadmin, byPassword)
    expect((await people.api.call('GET', elsewhere, { key: tool.access_token })).status).toBe(404)
    const refreshed = await post('/auth/refresh', { refresh_token: tool.refresh_token })
    expect([refreshed.status, refreshed.body.error]).toEqual([400, 'invalid_grant'])
    // By mail the same person is staff, and so is a tool of that session.
    const byMail = await people.signedIn(superadmin)
    expect((await byMail.fetch('GET', elsewhere)).status).toBe(200)
    const tools = await signInTool(superadmin, byMail)
    expect((await people.api.call('GET', elsewhere, { key: tools.access_token })).status).toBe(200)
    expect((await post('/auth/refresh', { refresh_token: tools.refresh_token })).status).toBe(200)
  } finally {
    await people.api.store.query('delete from members where email = $1', [superadmin])
  }
})

describe('the device flow', () => {
  test('a tool is signed in once a person agrees, and only once', async () => {
    const { body: begun } = await post('/auth/device/code', {})
    const poll = () => post('/auth/token', { grant_type: deviceGrant, device_code: begun.device_code })
    expect((await poll()).body).toEqual({ error: 'authorization_pending' })
    // Asked sooner than 5 s after the one before, which a machine that stalls may not do at once.
    await until(async () => (await poll()).body.error === 'slow_down', { everyMs: 0 })
    const by = await people.signedIn(ada)
    // Looking signs nothing in.
    for (let i = 0; i < 3; i++) await by.get(begun.verification_uri_complete)
    expect((await poll()).status).toBe(400)
    await by.post('/auth/device', { user_code: begun.user_code.toLowerCase(), decision: 'approve' })
    const answers = await Promise.all(Array.from({ length: 10 }, poll))
    const [good, ...others] = answers.filter(({ status }) => status === 200)
    expect(others).toEqual([])
    expect((await use(good!.body.access_token)).status).toBe(200)
  })

  test('who has to sign in first comes back to the tool that asks', async () => {
    const { body: begun } = await post('/auth/device/code', {})
    const by = openBrowser(people.api.url)
    const asked = await by.get(begun.verification_uri_complete)
    expect([asked.status, asked.location]).toEqual([303, '/auth/sign-in'])
    const { token } = await people.mailbox.linkTo(ada, () =>
      by.post('/auth/request-magic-link', { email: ada }),
    )
    const { location } = await by.post('/auth/verify', { token })
    const { pathname, search } = new URL(begun.verification_uri_complete)
    expect(location).toBe(pathname + search)
    expect((await by.get(location!)).text).toContain(`Sign it in as ${ada}`)
  })

  test.each([
    ['/auth/token', {}],
    ['/auth/token', { grant_type: deviceGrant }],
    ['/auth/token', { grant_type: 'refresh_token' }],
    ['/auth/refresh', {}],
  ])(
    'a tool that forgot a parameter (%s, %j) is told so, and not that its code or token has ended',
    async (path, body) => {
      const { status, body: answer } = await post(path, body)
      expect([status, answer]).toEqual([400, { error: 'invalid_request' }])
    },
  )

  test('what is refused, unknown or not signed in gets nothing', async () => {
    const { body: begun } = await post('/auth/device/code', {})
    const by = await people.signedIn(ada)
    await by.post('/auth/device', { user_code: begun.user_code, decision: 'deny' })
    const poll = (code: string) => post('/auth/token', { grant_type: deviceGrant, device_code: code })
    expect((await poll(begun.device_code)).body).toEqual({ error: 'access_denied' })
    expect((await poll('x'.repeat(43))).body).toEqual({ error: 'expired_token' })
    const { body: other } = await post('/auth/device/code', {})
    const foreign = await by.post(
      '/auth/device',
      { user_code: other.user_code, decision: 'approve' },
      { 'sec-fetch-site': 'cross-site' },
    )
    expect(foreign.status).toBe(403)
    expect((await poll(other.device_code)).body).toEqual({ error: 'authorization_pending' })
  })
})

describe('access tokens', () => {
  test('a token is ours by the published key, short, and good for what the person may do', async () => {
    const { access_token: token, expires_in } = await signInTool()
    const jwks = await (await fetch(`${people.api.url}/.well-known/jwks.json`)).json()
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks as never))
    expect(protectedHeader).toEqual({ alg: 'EdDSA', kid: 'test', typ: 'at+jwt' })
    expect(payload.exp! - payload.iat!).toBe(600)
    expect([payload.iss, payload.aud, expires_in]).toEqual([consoleUrl, consoleUrl, 600])
    expect(JSON.stringify(jwks)).not.toContain('"d"')
    expect((await use(token)).status).toBe(200)
    expect((await people.api.call('GET', '/api/v1/organizations/globex', { key: token })).status).toBe(404)
  })

  test.each([
    ['another key', 'EdDSA', { typ: 'at+jwt', kid: 'test' }, {}],
    ['a key that it brings along', 'EdDSA', { typ: 'at+jwt', kid: 'own', jwk: {} }, {}],
  ])('a token by %s is none', async (_name, alg, header, claims) => {
    const { generateKeyPair } = await import('jose')
    const { privateKey } = await generateKeyPair(alg)
    const token = await new SignJWT({ sid: 'ses_0', ...claims })
      .setProtectedHeader({ alg, ...header })
      .setSubject(ada)
      .setIssuer(consoleUrl)
      .setAudience(consoleUrl)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
    expect((await use(token)).status).toBe(401)
  })

  test('a token without signature, of another type, for others, or that has ended is none', async () => {
    const keys = readSignInKeys(testSignInKeys)!
    const subject = { email: ada, sessionId: 'ses_0' }
    const none = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify({ sub: ada, sid: 'ses_0' })).toString('base64url')}.x`
    const elsewhere = await openAccessTokens(keys, 'https://other.example').issue(subject, Date.now())
    const ended = await openAccessTokens(keys, consoleUrl).issue(subject, Date.now() - 700_000)
    const noSession = await openAccessTokens(keys, consoleUrl).issue(subject, Date.now())
    for (const token of [none, elsewhere, ended, noSession]) expect((await use(token)).status).toBe(401)
  })

  test('a token ends with its session, whatever time it has left', async () => {
    const { access_token: token } = await signInTool()
    const by = await people.signedIn(ada)
    const { items } = JSON.parse((await by.fetch('GET', '/auth/sessions')).text)
    const tool = items.find(({ method }: { method: string }) => method === 'device')
    expect((await use(token)).status).toBe(200)
    await by.fetch('DELETE', `/auth/sessions/${tool.id}`)
    expect((await use(token)).status).toBe(401)
  })
})

describe('refresh tokens', () => {
  const refresh = (token: string) => post('/auth/refresh', { refresh_token: token })

  test('ten tabs that wake at once all get the same successor, and nobody is signed out', async () => {
    const { refresh_token: first } = await signInTool()
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(first)))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    const [second] = [...successors]
    expect(second).not.toBe(first)
    expect((await refresh(second)).status).toBe(200)
  })

  test('a token that is used after the one after it ends the family, and the person is told', async () => {
    const before = people.mailbox.mails.length
    const { refresh_token: first } = await signInTool()
    const second = (await refresh(first)).body.refresh_token
    const third = await refresh(second)
    expect((await refresh(first)).body).toEqual({ error: 'invalid_grant' })
    expect((await refresh(third.body.refresh_token)).status).toBe(400)
    expect((await use(third.body.access_token)).status).toBe(401)
    await until(() => people.mailbox.mails.length > before)
    expect(people.mailbox.mails.at(-1)!.raw).toContain('was used twice')
  })

  test('the grace ends after 30 s', async () => {
    const tokens = openRefreshTokens(people.client, readSignInKeys(testSignInKeys)!)
    const sessionId = `ses_${'a'.repeat(24)}`
    const first = await tokens.begin(sessionId)
    const nowMs = Date.now()
    const used = await tokens.use(first, nowMs)
    expect(await tokens.use(first, nowMs + graceMs)).toEqual(used)
    expect(await tokens.use(first, nowMs + graceMs + 1)).toEqual({ kind: 'reused', sessionId })
    expect(used.kind === 'refreshed' && (await tokens.use(used.token, nowMs))).toEqual({ kind: 'unknown' })
  })

  test('guesses end nobody’s family', async () => {
    const { refresh_token: first } = await signInTool()
    const [head] = first.split('.')
    for (const guess of [`${head}.0.${'A'.repeat(43)}`, `${head}.1.${'A'.repeat(43)}`, 'x', '']) {
      expect((await refresh(guess)).status).toBe(400)
    }
    expect((await refresh(first)).status).toBe(200)
  })

  test('who is no member any more gets no fresh token', async () => {
    await people.api.store.query(
      `insert into members (organization_id, id, email, role, managed_by)
       select id, gen_random_uuid(), 'tmp@acme.example', 'viewer', 'tenant' from organizations where slug = 'acme'`,
    )
    const { refresh_token: token, access_token } = await signInTool('tmp@acme.example')
    await people.api.store.query("delete from members where email = 'tmp@acme.example'")
    expect((await use(access_token)).status).toBe(401)
    expect((await refresh(token)).status).toBe(400)
  })

  test('signing out ends it', async () => {
    const { refresh_token: token, access_token } = await signInTool()
    expect((await post('/auth/revoke', { refresh_token: token })).status).toBe(204)
    expect((await use(access_token)).status).toBe(401)
    expect((await refresh(token)).status).toBe(400)
  })
})

test('without Redis a token that was let in lately looks on, and changes nothing', async () => {
  const { access_token: token } = await signInTool()
  expect((await use(token)).status).toBe(200)
  await people.redis.stop()
  try {
    expect((await use(token)).status).toBe(200)
    expect(
      (await people.api.call('POST', `${at}/api-keys`, { key: token, body: { name: 'x' } })).status,
    ).toBe(503)
  } finally {
    await people.redis.restart()
  }
})
