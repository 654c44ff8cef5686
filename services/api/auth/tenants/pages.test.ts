import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openTestApi } from '../../fixtures/test-api.ts'
import { type Browser, openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin } from '../fixtures/people-api.ts'

/** Accounts with passwords as people use them, page by page: no script runs, and no program has tokens. */

const password = 'five otters in a canoe'
const another = 'nine herons on a jetty'
const own = '/auth/account/password'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi({ FAIRLEAD_TENANT_ACCOUNTS: 'true' })
})
afterAll(async () => await people?.[Symbol.asyncDispose]())
beforeEach(async () => {
  await people.client.flushall()
  people.mailbox.mails.length = 0
})

let count = 0
/** Registers somebody new, and confirms by the mail, in one browser. */
async function registered(): Promise<{ readonly email: string; readonly browser: Browser }> {
  count += 1
  const email = `ada${count}@paged.example`
  const browser = openBrowser(people.api.url)
  const slug = `paged-${count}`
  const begun = await browser.post('/auth/tenants/register', { email, password, slug, displayName: '' })
  expect([begun.status, begun.text]).toEqual([202, expect.stringContaining('Look at your mail')])
  const { token } = await people.mailbox.mailTo(email)
  const done = await browser.post('/auth/tenants/verify', { token, password })
  expect([done.status, done.location, browser.isSignedIn]).toEqual([303, '/', true])
  return { email, browser }
}

const logIn = (browser: Browser, email: string, given: string) =>
  browser.post('/auth/tenants/login', { email, password: given })

test('without the switch there is a page for passwords, or the sign-in page leads to one', async () => {
  const off = await openPeopleApi()
  await using _ = off
  const browser = openBrowser(off.api.url)
  for (const path of ['login', 'register', 'forgotten', 'verify'].map(name => `/auth/tenants/${name}`)) {
    expect((await browser.get(path)).status, path).toBe(404)
    expect((await browser.post(path, {})).status, path).toBe(404)
  }
  const member = await off.signedIn('owner@acme.example')
  expect((await member.get(own)).status).toBe(404)
  for (const path of ['/auth/sign-in', '/auth/account']) {
    expect((await member.get(path)).text, path).not.toMatch(/password<|tenants/i)
  }
})

test('where nobody signs in at all, the pages answer as others do', async () => {
  await using off = await openTestApi({}, people.api.store)
  const browser = openBrowser(off.url)
  const pages = await Promise.all(
    ['tenants/login', 'tenants/register', 'sign-in'].map(path => browser.get(`/auth/${path}`)),
  )
  expect(pages.map(({ status }) => status)).toEqual([404, 404, 404])
})

test('who registers in a browser loses what they typed, or is not told what to put right', async () => {
  const browser = openBrowser(people.api.url)
  const typed = { email: 'grace@hopper.example', slug: 'Not a slug', displayName: 'Hopper & <Co>' }
  const refused = await browser.post('/auth/tenants/register', { ...typed, password: 'short' })
  expect(refused.status).toBe(400)
  expect(refused.text).toMatch(/role="alert">The slug /)
  for (const kept of ['grace@hopper.example', 'Not a slug', 'Hopper &amp; &lt;Co&gt;'])
    expect(refused.text).toContain(`value="${kept}"`)
  const weak = { ...typed, slug: 'hopper', password: 'password1234' }
  const common = await browser.post('/auth/tenants/register', weak)
  expect([common.status, common.text]).toEqual([
    400,
    expect.stringMatching(/The password is one that others try/),
  ])
  expect(common.text).not.toContain('password1234')
  const taken = await browser.post('/auth/tenants/register', { ...typed, slug: 'acme', password })
  expect([taken.status, taken.text]).toEqual([409, expect.stringContaining('choose another slug')])
  expect(people.mailbox.mails).toEqual([])
})

test('an address that has an account is told apart from a new one by the page', async () => {
  const texts = []
  for (const [i, email] of ['owner@acme.example', superadmin, 'nobody@new.example'].entries()) {
    const browser = openBrowser(people.api.url)
    const page = await browser.post('/auth/tenants/register', { email, password, slug: `told-${i}` })
    texts.push([page.status, page.text])
  }
  expect(new Set(texts.map(text => JSON.stringify(text))).size).toBe(1)
})

test('a password signs in elsewhere than where one wanted to go, or a wrong one is told from an unknown address', async () => {
  const { email } = await registered()
  const browser = openBrowser(people.api.url)
  expect((await browser.get('/auth/sign-in')).text).toContain('href="/auth/tenants/login"')
  const to = '/organizations/paged-1/events?status=failed'
  await browser.get(`/auth/sign-in?to=${encodeURIComponent(to)}`)
  const wrong = await logIn(browser, email, another)
  const unknown = await logIn(browser, 'nobody@new.example', another)
  const staff = await logIn(browser, superadmin, password)
  expect([wrong.status, unknown.status, staff.status]).toEqual([401, 401, 401])
  const bare = (text: string) => text.replace(/value="[^"]*"/, '')
  expect(new Set([wrong, unknown, staff].map(({ text }) => bare(text))).size).toBe(1)
  expect(wrong.text).toContain(`value="${email}"`)
  expect([wrong.text.includes(another), browser.isSignedIn]).toEqual([false, false])
  const foreign = await browser.post(
    '/auth/tenants/login',
    { email, password },
    { 'sec-fetch-site': 'cross-site' },
  )
  expect([foreign.status, browser.isSignedIn]).toEqual([403, false])
  const done = await logIn(browser, email, password)
  expect([done.status, done.location, browser.isSignedIn]).toEqual([303, to, true])
})

test('too many wrong passwords are answered without saying how long to wait', async () => {
  const { email } = await registered()
  const browser = openBrowser(people.api.url)
  // As from another network, where the address never signed in.
  const from = { 'x-forwarded-for': '203.0.113.9' }
  const tries = await Promise.all(
    Array.from({ length: 14 }, () => browser.post('/auth/tenants/login', { email, password: another }, from)),
  )
  const [limited] = tries.filter(({ status }) => status === 429)
  expect(limited?.text).toMatch(/role="alert">Too many passwords .* Try again in \d+ (seconds|minutes)\./)
  expect(Number(limited?.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('who forgot the password is asked for it, or does not come to the page that sets another', async () => {
  const { email, browser: before } = await registered()
  const browser = openBrowser(people.api.url)
  expect((await browser.get('/auth/tenants/forgotten')).text).toContain('/auth/request-magic-link')
  people.mailbox.mails.length = 0
  await browser.post('/auth/request-magic-link', { email })
  const { code } = await people.mailbox.mailTo(email)
  const entered = await browser.post('/auth/verify', { code })
  expect([entered.status, entered.location]).toEqual([303, own])
  const page = await browser.get(own)
  expect(page.text).toContain('name="newPassword"')
  expect(page.text).not.toContain('name="currentPassword"')
  const weak = await browser.post(own, { newPassword: 'short' })
  expect([weak.status, weak.text]).toEqual([
    400,
    expect.stringMatching(/role="alert">The new password must have 12/),
  ])
  const set = await browser.post(own, { newPassword: another })
  expect([set.status, set.text]).toEqual([200, expect.stringContaining('1 of your other sessions ended')])
  // The session of before goes to the sign-in page, and comes back from there.
  expect((await before.get(own)).location).toBe('/auth/sign-in')
  expect((await logIn(before, email, password)).status).toBe(401)
  expect((await logIn(before, email, another)).location).toBe(own)
})

test('a browser that was left open sets another password without the one before', async () => {
  const { browser } = await registered()
  expect((await browser.get('/auth/account')).text).toContain(`href="${own}"`)
  expect((await browser.get(own)).text).toContain('name="currentPassword"')
  for (const currentPassword of ['', another]) {
    const refused = await browser.post(own, { currentPassword, newPassword: another })
    expect(refused.status).toBe(400)
    expect(refused.text).toMatch(/role="alert">The password until now is/)
  }
  const foreign = await browser.post(
    own,
    { currentPassword: password, newPassword: another },
    { 'sec-fetch-site': 'cross-site' },
  )
  expect(foreign.status).toBe(403)
  const set = await browser.post(own, { currentPassword: password, newPassword: another })
  expect([set.status, set.text]).toEqual([200, expect.stringContaining('You had no other session')])
})

test('staff of the platform gets a password', async () => {
  const staff = await people.signedIn(superadmin)
  expect((await staff.get('/auth/account')).text).not.toContain(own)
  expect((await staff.get(own)).status).toBe(403)
  expect((await staff.post(own, { newPassword: another })).status).toBe(403)
})
