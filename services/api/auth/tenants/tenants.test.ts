import { isThorough } from '@fairlead/testbed/thorough'
import { until } from '@fairlead/testbed/until'
import { MemberRole } from '@fairlead/wire/store/member'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestApi } from '../../fixtures/test-api.ts'
import { operations } from '../../operations.ts'
import { openBrowser } from '../fixtures/browser.ts'
import { kolmogorovSmirnov } from '../fixtures/kolmogorov-smirnov.ts'
import { openPeopleApi, type PeopleApi, superadmin, support } from '../fixtures/people-api.ts'
import { newSecret } from '../secret.ts'
import { openDelays } from './delays.ts'

const base = '/api/v1/auth/tenants'
const password = 'five otters in a canoe'
const another = 'nine herons on a jetty'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi({ FAIRLEAD_TENANT_ACCOUNTS: 'true' })
})
afterAll(async () => await people?.[Symbol.asyncDispose]())
beforeEach(async () => {
  await people.client.flushall()
  people.mailbox.mails.length = 0
})

interface Asked {
  readonly key?: string | null
  readonly from?: string
}

const ask = (method: string, path: string, body?: unknown, { key = null, from }: Asked = {}) =>
  people.api.call(method, `${base}/${path}`, {
    key,
    ...(body !== undefined && { body }),
    ...(from && { headers: { 'x-forwarded-for': from } }),
  })
const logIn = (email: string, given = password, from?: string) =>
  ask('POST', 'login/', { email, password: given }, from ? { from } : {})
const me = (key: string) => ask('GET', 'me/', undefined, { key })

let count = 0
/** Registers somebody new, and confirms by the mail. */
async function registered(given = password) {
  count += 1
  const slug = `made-${count}`
  const email = `ada${count}@made.example`
  const begun = await ask('POST', 'register/', { email, password: given, slug, displayName: 'Made' })
  expect([begun.status, begun.body]).toEqual([202, { sent: 'if_possible' }])
  const { token } = await people.mailbox.mailTo(email)
  const { status, body } = await ask('POST', 'verify/', { token, password: given })
  expect(status).toBe(201)
  return { email, slug, token, tokens: body as { accessToken: string; refreshToken: string } }
}

const rowsOf = (table: string) => people.api.store.query(`select * from ${table}`)
/** Without what no two answers share. */
const bare = ({ status, body }: { status: number; body: object }) => ({
  status,
  body: { ...body, requestId: '' },
})

test('without the switch these paths answer as any unknown path does, and no document names them', async () => {
  await using off = await openTestApi({}, people.api.store)
  const nowhere = await off.call('POST', '/api/v1/auth/none/', { body: {}, key: null })
  for (const { method, path } of operations.filter(({ partOf }) => partOf === 'tenant-accounts')) {
    for (const one of [method, 'put', 'options']) {
      const answer = await off.call(one.toUpperCase(), path, {
        key: null,
        ...(one !== 'get' && one !== 'options' && { body: {} }),
      })
      expect(bare(answer), `${one} ${path}`).toEqual(bare(nowhere))
      expect(answer.headers.get('allow')).toBeNull()
    }
  }
  expect(await (await fetch(`${off.url}/openapi.json`)).text()).not.toContain('/auth/tenants')
  expect(await (await fetch(`${off.url}/docs`)).text()).not.toContain('/auth/tenants')
  expect(await (await fetch(`${people.api.url}/openapi.json`)).text()).toContain('/auth/tenants')
  expect(await rowsOf('passwords')).toEqual([])
})

describe('registering', () => {
  test('makes nothing until the mail is opened and the password typed; then an organization with its owner', async () => {
    const email = 'ada@engines.example'
    await ask('POST', 'register/', { email, password, slug: 'engines' })
    const mail = await people.mailbox.mailTo(email)
    const made = () =>
      people.api.store.query(
        `select (select count(*)::int from organizations where slug = 'engines') as organizations,
           (select count(*)::int from members where email = $1) as members,
           (select count(*)::int from passwords where email = $1) as passwords`,
        [email],
      )
    expect(await made()).toEqual([{ organizations: 0, members: 0, passwords: 0 }])
    expect((await logIn(email)).status).toBe(401)
    const robot = await fetch(people.api.url + new URL(mail.link).pathname + new URL(mail.link).search)
    expect([robot.status, (await robot.text()).includes('Type the password')]).toEqual([200, true])
    expect((await ask('POST', 'verify/', { token: mail.token, password: another })).status).toBe(401)
    const done = await ask('POST', 'verify/', { token: mail.token, password })
    expect([done.status, done.body.organization]).toEqual([201, 'engines'])
    expect(await made()).toEqual([{ organizations: 1, members: 1, passwords: 1 }])
    expect((await ask('POST', 'verify/', { token: mail.token, password })).status).toBe(401)

    const own = await me(done.body.accessToken)
    expect(own.body).toMatchObject({
      kind: 'person',
      email,
      emailVerified: true,
      mode: null,
      organizations: [
        { slug: 'engines', displayName: 'engines', role: 'owner', isOwner: true, isAdmin: true },
      ],
    })
    const details = await ask('GET', 'details/', undefined, { key: done.body.accessToken })
    expect(details.body.items).toMatchObject([{ slug: 'engines', role: 'owner', webhookLimit: 10_000 }])
    // The same session, tokens and keys as everywhere.
    const key = await people.api.call('POST', '/api/v1/organizations/engines/api-keys', {
      key: done.body.accessToken,
      body: { name: 'ci', mode: 'test' },
    })
    expect(key.status).toBe(201)
    const byKey = await ask('GET', 'verify/', undefined, { key: key.body.key })
    expect(byKey.body).toEqual({
      valid: true,
      kind: 'api_key',
      email: null,
      keyId: key.body.id,
      mode: 'test',
    })
    const audit = await people.api.store.query(
      `select action, actor_kind, details->>'registeredBy' as by from audit_logs a join organizations o on o.id = a.organization_id
       where o.slug = 'engines' order by seq limit 1`,
    )
    expect(audit).toEqual([{ action: 'organization.created', actor_kind: 'member', by: email }])
  })

  test('in a browser: the page behind the link signs in whoever knows the password', async () => {
    const email = 'eve@browser.example'
    await ask('POST', 'register/', { email, password, slug: 'browser' })
    const { link, token } = await people.mailbox.mailTo(email)
    const browser = openBrowser(people.api.url)
    expect((await browser.get(link)).text).toContain('type="password"')
    const wrong = await browser.post('/auth/tenants/verify', { token, password: another })
    expect([wrong.status, browser.isSignedIn]).toEqual([401, false])
    const elsewhere = await browser.post(
      '/auth/tenants/verify',
      { token, password },
      { 'sec-fetch-site': 'cross-site' },
    )
    expect([elsewhere.status, browser.isSignedIn]).toEqual([403, false])
    const done = await browser.post('/auth/tenants/verify', { token, password })
    expect([done.status, done.location, browser.isSignedIn]).toEqual([303, '/', true])
    expect((await browser.fetch('GET', `${base}/me/`)).status).toBe(200)
  })

  test('an address that is known, staff, or new: the same answer, and its owner alone is told by mail', async () => {
    const { email } = await registered()
    people.mailbox.mails.length = 0
    const answers = []
    for (const [i, address] of [email, superadmin, 'owner@acme.example', 'nobody@new.example'].entries()) {
      answers.push(bare(await ask('POST', 'register/', { email: address, password, slug: `same-${i}` })))
    }
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
    const mails = []
    for (const address of [email, superadmin, 'owner@acme.example', 'nobody@new.example'])
      mails.push(await people.mailbox.mailTo(address))
    expect(mails.map(({ raw }) => /^Subject: (.*)$/m.exec(raw)?.[1]?.trim())).toEqual([
      'You have an account on Fairlead',
      'You have an account on Fairlead',
      'You have an account on Fairlead',
      'Confirm your address for Fairlead',
    ])
    expect(mails.slice(0, 3).map(({ token }) => token)).toEqual(['', '', ''])
  })

  test('many registrations of one address at once, all of whose mails are used, make one account', async () => {
    const email = 'many@parallel.example'
    const begun = await Promise.all(
      Array.from({ length: isThorough ? 200 : 40 }, (_, i) =>
        ask('POST', 'register/', { email, password, slug: `parallel-${i}` }, { from: `198.51.${i % 2}.1` }),
      ),
    )
    expect(begun.filter(({ status }) => status !== 202 && status !== 429)).toEqual([])
    await people.mailbox.mailTo(email, 3)
    const tokens = people.mailbox.mails
      .filter(({ to }) => to.includes(email))
      .map(({ raw }) => /token=([\w-]{43})/.exec(raw)![1]!)
    // Three in a quarter of an hour, however many ask.
    expect(tokens).toHaveLength(3)
    const done = await Promise.all(
      tokens.flatMap(token =>
        Array.from({ length: 4 }, (_, i) =>
          ask('POST', 'verify/', { token, password }, { from: `203.0.${i}.1` }),
        ),
      ),
    )
    expect(done.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(done.filter(({ status }) => ![201, 401, 409].includes(status))).toEqual([])
    const made = await people.api.store.query(
      `select (select count(*)::int from organizations where slug like 'parallel-%') as organizations,
         (select count(*)::int from members where email = $1) as members`,
      [email],
    )
    expect(made).toEqual([{ organizations: 1, members: 1 }])
  })

  test('five wrong passwords end a registration', async () => {
    const email = 'guess@made.example'
    await ask('POST', 'register/', { email, password, slug: 'guessed' })
    const { token } = await people.mailbox.mailTo(email)
    for (let i = 0; i < 5; i++) await ask('POST', 'verify/', { token, password: another })
    expect((await ask('POST', 'verify/', { token, password })).status).toBe(401)
    expect((await ask('POST', 'verify/', { token: newSecret(), password })).status).toBe(401)
  })

  test('a slug that is taken is said before the mail, and one taken meanwhile can be another', async () => {
    const taken = await ask('POST', 'register/', { email: 'a@b.example', password, slug: 'acme' })
    expect([taken.status, taken.body.code]).toEqual([409, 'conflict'])
    const email = 'late@made.example'
    await ask('POST', 'register/', { email, password, slug: 'contested' })
    const { token } = await people.mailbox.mailTo(email)
    await people.api.call('POST', '/api/v1/organizations', { body: { slug: 'contested' } })
    const late = await ask('POST', 'verify/', { token, password })
    expect([late.status, late.body.detail]).toEqual([409, expect.stringContaining('contested')])
    const done = await ask('POST', 'verify/', { token, password, slug: 'uncontested' })
    expect([done.status, done.body.organization]).toEqual([201, 'uncontested'])
  })

  test.each([
    [{ password: 'short' }, 'password'],
    [{ password: 'Password2026!' }, 'password'],
    [{ password: 12 }, 'password'],
    [{ password: ['five otters in a canoe'] }, 'password'],
    [{ email: 'a@b@c' }, 'email'],
    [{ email: 'a@b.example\r\nbcc: c@d.example' }, 'email'],
    [{ slug: 'Not A Slug' }, 'slug'],
    [{ role: 'owner' }, 'role'],
    [{ organizationId: 'org_01jd3k5t9vexqa7w2m8zr4c6hs' }, 'organizationId'],
  ])('%j is refused by its name, and nothing is sent', async (changed, field) => {
    const body = { email: 'x@refused.example', password, slug: 'refused', ...changed }
    const { status, body: problem } = await ask('POST', 'register/', body)
    expect([status, problem.errors[0].name]).toEqual([400, field])
    expect(people.mailbox.mails).toEqual([])
  })
})

describe('signing in', () => {
  test('a wrong password, an unknown address, one without a password and staff are answered with the same bytes', async () => {
    const { email } = await registered()
    const answers = []
    for (const [address, given] of [
      [email, another],
      ['nobody@new.example', password],
      ['owner@acme.example', password],
      [superadmin, password],
    ] as const) {
      const answer = await logIn(address, given)
      answers.push([bare(answer), answer.headers.get('retry-after'), answer.headers.get('content-length')])
    }
    expect(new Set(answers.map(answer => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]![0]).toMatchObject({ status: 401, body: { code: 'sign_in_refused' } })
  })

  test('the time of an answer does not tell whether an address is known', async () => {
    const { email } = await registered()
    const times = { known: [] as number[], unknown: [] as number[] }
    // Of 8 and 8 times that share none the test below still says so.
    for (let i = 0; i < (isThorough ? 15 : 8); i++) {
      // Alternating, so that the machine's load falls on both; each from its own network and without earlier tries.
      for (const kind of i % 2 ? (['known', 'unknown'] as const) : (['unknown', 'known'] as const)) {
        await people.client.flushall()
        const begun = performance.now()
        await logIn(kind === 'known' ? email : 'nobody@new.example', another)
        times[kind].push(performance.now() - begun)
      }
    }
    expect(kolmogorovSmirnov(times.known, times.unknown)).toBeGreaterThan(0.001)
  })

  test('staff has no password that signs in, also where one is in the database', async () => {
    const { email } = await registered()
    await people.api.store.query(
      `insert into passwords (email, digest) select $1, digest from passwords where email = $2 on conflict do nothing`,
      [support, email],
    )
    expect((await logIn(support)).status).toBe(401)
    await people.api.store.query('delete from passwords where email = $1', [support])
  })

  test('who is a member nowhere any more is refused as for a wrong password, and its token is no good', async () => {
    const { email, tokens } = await registered()
    expect((await logIn(email)).status).toBe(200)
    await people.api.store.query('update members set active = false where email = $1', [email])
    expect((await logIn(email)).body.code).toBe('sign_in_refused')
    expect((await me(tokens.accessToken)).status).toBe(401)
  })

  test('a refresh token gives the next one, and one that is used late ends the session', async () => {
    const { tokens } = await registered()
    const next = await ask('POST', 'token/refresh/', { refreshToken: tokens.refreshToken })
    expect([next.status, next.body.refreshToken === tokens.refreshToken]).toEqual([200, false])
    expect((await me(next.body.accessToken)).status).toBe(200)
    // Two uses later the first one is a copy.
    await ask('POST', 'token/refresh/', { refreshToken: next.body.refreshToken })
    const late = await ask('POST', 'token/refresh/', { refreshToken: tokens.refreshToken })
    expect([late.status, late.body.code]).toEqual([401, 'sign_in_refused'])
    expect((await me(next.body.accessToken)).status).toBe(401)
    expect((await ask('POST', 'token/refresh/', { refreshToken: 'flr_none' })).status).toBe(401)
  })

  test('after many wrong passwords a try waits, for an address that is nobody’s as well, and the mail goes on', async () => {
    const { email } = await registered()
    const delays = openDelays(people.client)
    const answers = []
    for (const address of [email, 'nobody@new.example']) {
      for (let i = 0; i < 12; i++) await delays.take(address, '192.0.2.0/24', Date.now())
      const answer = await logIn(address, password, '203.0.113.1')
      answers.push(bare(answer))
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]).toMatchObject({ status: 429, body: { code: 'rate_limited' } })
    // At home, where the address has signed in, nothing waits; and the mail signs in anywhere.
    expect((await logIn(email)).status).toBe(200)
    expect((await people.signInByMail(email)).isSignedIn).toBe(true)
  })

  test('without Redis nobody signs in, and nothing is told', async () => {
    const { email } = await registered()
    await people.redis.stop()
    try {
      const known = await logIn(email)
      const unknown = await logIn('nobody@new.example')
      expect([known.status, bare(known)]).toEqual([503, bare(unknown)])
    } finally {
      await people.redis.restart()
      await until(async () => (await logIn(email)).status === 200, { deadlineMs: 30_000 })
    }
  }, 180_000)

  test('digests made with other parameters are made anew when the password is proved', async () => {
    const { email } = await registered()
    // https://github.com/P-H-C/phc-winner-argon2/blob/master/src/test.c
    const old = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    await people.api.store.query('update passwords set digest = $2 where email = $1', [email, old])
    expect((await logIn(email, 'password')).status).toBe(200)
    const [row] = await people.api.store.query('select digest, version from passwords where email = $1', [
      email,
    ])
    expect(row).toMatchObject({ digest: expect.stringContaining('m=19456,t=2,p=1'), version: '1' })
    expect((await logIn(email, 'password')).status).toBe(200)
  })
})

describe('changing the password', () => {
  const change = (key: string, body: object) => ask('POST', 'change-password/', body, { key })

  test('ends all other sessions, and keeps this one', async () => {
    const { email, tokens } = await registered()
    const other = (await logIn(email)).body
    const browser = await people.signedIn(email)
    const refused = await change(tokens.accessToken, { newPassword: another })
    expect([refused.status, refused.body.errors[0].name]).toEqual([400, 'currentPassword'])
    const wrong = await change(tokens.accessToken, { currentPassword: another, newPassword: another })
    expect([wrong.status, wrong.body.errors[0].name]).toEqual([400, 'currentPassword'])
    const done = await change(tokens.accessToken, { currentPassword: password, newPassword: another })
    expect([done.status, done.body]).toEqual([200, { endedSessions: 2 }])
    expect((await me(tokens.accessToken)).status).toBe(200)
    expect((await me(other.accessToken)).status).toBe(401)
    expect((await ask('POST', 'token/refresh/', { refreshToken: other.refreshToken })).status).toBe(401)
    expect((await browser.fetch('GET', `${base}/me/`)).status).toBe(401)
    expect([(await logIn(email)).status, (await logIn(email, another)).status]).toEqual([401, 200])
    await until(() =>
      people.mailbox.mails.some(({ raw }) => /Your password on Fairlead was changed/.test(raw)),
    )
    const audit = await people.api.store.query(
      `select action, details from audit_logs where organization_id is null and subject_id = $1`,
      [email],
    )
    expect(audit).toEqual([{ action: 'password.changed', details: { email } }])
  })

  test('tells by mail also where sessions can not be ended, and ends them as soon as they can', async () => {
    const { email, tokens } = await registered()
    const other = (await logIn(email)).body
    const [list] = await people.client.keys('*sessions-of:*')
    await people.client.rename(list!, 'test-list')
    await people.client.set(list!, 'no list of sessions')
    const done = await change(tokens.accessToken, { currentPassword: password, newPassword: another })
    expect([done.status, done.body.detail]).toEqual([503, expect.stringContaining('password is changed')])
    await until(() =>
      people.mailbox.mails.some(({ raw }) => /Your password on Fairlead was changed/.test(raw)),
    )
    expect((await me(other.accessToken)).status).toBe(200)
    await people.client.rename('test-list', list!)
    await until(async () => (await me(other.accessToken)).status === 401, { deadlineMs: 60_000 })
    expect((await me(tokens.accessToken)).status).toBe(200)
  }, 180_000)

  test('who forgot it signs in by mail and sets another one', async () => {
    const { email } = await registered()
    const browser = await people.signInByMail(email)
    const done = await browser.fetch('POST', `${base}/change-password/`, { newPassword: another })
    expect(done.status).toBe(200)
    expect((await logIn(email, another)).status).toBe(200)
  })

  test('a member without a password sets one by a fresh sign-in by mail, and by no older one', async () => {
    const email = 'owner@acme.example'
    const browser = await people.signInByMail(email)
    const session = (await people.client.keys('*session:*')).find(name => !name.includes('session-id'))!
    const record = JSON.parse((await people.client.get(session))!)
    const old = { ...record, provenAtMs: record.provenAtMs - 11 * 60_000 }
    await people.client.set(session, JSON.stringify(old), 'KEEPTTL')
    const late = await browser.fetch('POST', `${base}/change-password/`, { newPassword: another })
    expect([late.status, JSON.parse(late.text).code]).toEqual([403, 'proof_too_old'])
    await people.client.set(session, JSON.stringify(record), 'KEEPTTL')
    expect((await browser.fetch('POST', `${base}/change-password/`, { newPassword: another })).status).toBe(
      200,
    )
    expect((await logIn(email, another)).status).toBe(200)
    await people.api.store.query('delete from passwords where email = $1', [email])
  })

  test('of six changes at once one counts', async () => {
    const { email, tokens } = await registered()
    const wanted = Array.from({ length: 6 }, (_, i) => `${another} ${i}`)
    const done = await Promise.all(
      wanted.map(newPassword => change(tokens.accessToken, { currentPassword: password, newPassword })),
    )
    const won = done.map(({ status }) => status === 200)
    expect(won.filter(Boolean)).toHaveLength(1)
    await people.client.del(...(await people.client.keys('*password*')))
    expect((await logIn(email, wanted[won.indexOf(true)])).status).toBe(200)
  }, 180_000)

  test('sign-ins by the password before, under way while it is changed, have no session afterwards', async () => {
    const { email, tokens } = await registered()
    const logins = Array.from({ length: 5 }, (_, i) => logIn(email, password, `198.51.${i}.1`))
    const changed = change(tokens.accessToken, { currentPassword: password, newPassword: another })
    const [answers, { status }] = [await Promise.all(logins), await changed]
    expect(status).toBe(200)
    for (const { body } of answers.filter(answer => answer.status === 200))
      expect((await me(body.accessToken)).status).toBe(401)
    expect((await me(tokens.accessToken)).status).toBe(200)
  }, 180_000)

  test('keys and staff have no password to change, and pages of other sites change none', async () => {
    const { email, slug } = await registered()
    const { organization } = await people.api.store.client.organizations.getOrganization({
      by: { case: 'slug', value: slug },
    })
    const key = await people.api.makeKey(organization, MemberRole.OWNER)
    const byKey = await change(key, { newPassword: another })
    expect([byKey.status, byKey.body.code]).toEqual([403, 'forbidden'])
    const byPlatform = await change(people.api.platformKey, { newPassword: another })
    expect(byPlatform.status).toBe(403)
    const staff = await people.signedIn(superadmin)
    expect((await staff.fetch('POST', `${base}/change-password/`, { newPassword: another })).status).toBe(403)
    const browser = await people.signInByMail(email)
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const foreign = await people.api.call('POST', `${base}/change-password/`, {
      key: null,
      body: { newPassword: another },
      headers: { cookie, 'sec-fetch-site': 'cross-site' },
    })
    expect([foreign.status, foreign.body.code]).toEqual([403, 'cross_site'])
  })
})

test("a tenant sees its own organizations alone, and none of a key's neighbours", async () => {
  const [one, two] = [await registered(), await registered()]
  for (const [own, other] of [
    [one, two],
    [two, one],
  ] as const) {
    for (const path of ['me/', 'details/']) {
      const { status, body } = await ask('GET', path, undefined, { key: own.tokens.accessToken })
      expect(status).toBe(200)
      expect(JSON.stringify(body)).toContain(own.slug)
      expect(JSON.stringify(body)).not.toContain(other.slug)
    }
    const foreign = await people.api.call('GET', `/api/v1/organizations/${other.slug}`, {
      key: own.tokens.accessToken,
    })
    expect(foreign.status).toBe(404)
  }
})

test('no digest of a password leaves the database: not in answers, mails, audit log or Redis after the registration', async () => {
  const { email, tokens } = await registered()
  await logIn(email)
  const texts = [
    JSON.stringify(await me(tokens.accessToken)),
    JSON.stringify(await ask('GET', 'details/', undefined, { key: tokens.accessToken })),
    JSON.stringify(await rowsOf('audit_logs')),
    ...people.mailbox.mails.map(({ raw }) => raw),
  ]
  for (const name of await people.client.keys('*')) {
    const type = await people.client.type(name)
    texts.push(
      type === 'hash'
        ? JSON.stringify(await people.client.hgetall(name))
        : type === 'string'
          ? ((await people.client.get(name)) ?? '')
          : '',
    )
  }
  for (const text of texts) {
    expect(text).not.toContain('argon2id')
    expect(text).not.toContain(password)
  }
})
