import { freePort } from '@fairlead/servers/processes'
import { openBrowser as openChromium } from '@fairlead/testbed/console/browser'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freshMs } from '../../fresh-proof.ts'
import { openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin, support } from '../fixtures/people-api.ts'
import { openSessions, staffLimits } from '../sessions/sessions.ts'

/** A real Chromium with an authenticator of Chromium's own: https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/ */

const opened = new AsyncDisposableStack()
type Chromium = Awaited<ReturnType<typeof openChromium>>
let people: PeopleApi
let chromium: Chromium
let url: string

beforeAll(async () => {
  const port = await freePort()
  // Passkeys are bound to a name, and browsers take this one without TLS.
  url = `http://localhost:${port}`
  people = opened.use(await openPeopleApi({ FAIRLEAD_API_PORT: port, FAIRLEAD_CONSOLE_URL: url }))
  chromium = await openChromium()
  opened.defer(() => chromium.close())
})
afterAll(() => opened.disposeAsync())
beforeEach(async () => {
  await people.client.flushall()
  await people.api.store.query('delete from passkeys')
})

type Context = Awaited<ReturnType<Chromium['newContext']>>

interface Window extends AsyncDisposable {
  readonly context: Context
  readonly page: Awaited<ReturnType<Context['newPage']>>
}

/** A browser with an authenticator, which signs without asking. */
async function openWindow(): Promise<Window> {
  const context = await chromium.newContext()
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { context, page, [Symbol.asyncDispose]: () => context.close() }
}

async function putSession({ context }: Window, email: string, agoMs = 0): Promise<void> {
  const started = { email, method: 'link', peer: '192.0.2.7', agent: 'test', limits: staffLimits } as const
  const { secret } = await openSessions(people.client).begin(started, Date.now() - agoMs)
  await context.addCookies([{ name: 'fairlead-session', value: secret, url }])
}

const sessionOf = async ({ context }: Window) =>
  (await context.cookies(url)).find(({ name }) => name === 'fairlead-session')?.value

/** Adds a passkey by the page, as a person does. */
async function addPasskey(window: Window, email: string, name: string): Promise<void> {
  await putSession(window, email)
  await window.page.goto(`${url}/auth/account/passkeys`)
  await window.page.getByLabel('Name of a new one').fill(name)
  await window.page.getByRole('button', { name: 'Add a passkey' }).click()
  await window.page.getByRole('cell', { name, exact: true }).waitFor()
  await window.context.clearCookies()
}

async function useButton({ page }: Window): Promise<void> {
  await page.goto(`${url}/auth/passkey`)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
}

/** Ends on a page that may ask this origin. */
async function signInByButton(window: Window): Promise<void> {
  await useButton(window)
  await window.page.getByRole('heading', { name: 'Your sessions' }).waitFor()
  expect(await sessionOf(window)).toBeDefined()
  await window.page.goto(`${url}/auth/passkey`)
}

const said = async ({ page }: Window) => {
  const alert = page.getByRole('alert')
  await until(async () => (await alert.textContent()) !== '')
  return await alert.textContent()
}

/** What the browser sends to sign in, which is let through. */
async function signInAndListen(window: Window): Promise<string> {
  const sent = window.page.waitForRequest(request => request.url().endsWith('/auth/passkey'))
  await signInByButton(window)
  return (await sent).postData()!
}

test('staff who add a passkey sign in by it, and by mail alone no more', async () => {
  await using window = await openWindow()
  await addPasskey(window, superadmin, 'Laptop')
  await until(() => people.mailbox.mails.some(({ raw }) => /A passkey of yours was added/.test(raw)))

  await signInByButton(window)
  const me = await window.page.evaluate(async () => await (await fetch('/api/v1/me')).json())
  expect(me).toMatchObject({ email: superadmin, staff: 'superadmin' })
  const sessions = await window.page.evaluate(
    async () => (await (await fetch('/auth/sessions')).json()) as { items: object[] },
  )
  expect(sessions.items[0]).toMatchObject({ current: true, method: 'passkey' })

  const by = openBrowser(people.api.url)
  const { token } = await people.mailbox.linkTo(superadmin, () =>
    by.post('/auth/request-magic-link', { email: superadmin }),
  )
  const refused = await by.post('/auth/verify', { token })
  expect([refused.status, refused.text.includes('/auth/passkey'), by.isSignedIn]).toEqual([401, true, false])
  const [row] = await people.api.store.query(
    `select last_used_at is not null as used, counter::int as counter from passkeys`,
  )
  expect(row).toEqual({ used: true, counter: expect.any(Number) })
})

test('signing in by a passkey leads back to the page that was wanted', async () => {
  await using window = await openWindow()
  await addPasskey(window, support, 'Key')
  await window.page.goto(`${url}/auth/account/passkeys`)
  await useButton(window)
  await window.page.waitForURL(`${url}/auth/account/passkeys`)
  await window.page.getByRole('cell', { name: 'Key', exact: true }).waitFor()
})

test('a session that signed in long ago adds and removes none', async () => {
  await using window = await openWindow()
  await putSession(window, superadmin, freshMs + 60_000)
  await window.page.goto(`${url}/auth/account/passkeys`)
  await window.page.getByRole('button', { name: 'Add a passkey' }).click()
  expect(await said(window)).toContain('more than 10 minutes ago')
  await addPasskey(window, superadmin, 'Laptop')
  await putSession(window, superadmin, freshMs + 60_000)
  await window.page.goto(`${url}/auth/account/passkeys`)
  await window.page.getByRole('button', { name: 'Remove' }).click()
  expect(await said(window)).toContain('more than 10 minutes ago')
  await putSession(window, superadmin)
  await window.page.goto(`${url}/auth/account/passkeys`)
  await window.page.getByRole('button', { name: 'Remove' }).click()
  await window.page.getByText('You have none').waitFor()
})

test('an answer that is sent again, or from another browser, signs nobody in', async () => {
  await using window = await openWindow()
  await addPasskey(window, superadmin, 'Laptop')
  const body = await signInAndListen(window)
  await window.context.clearCookies({ name: 'fairlead-session' })
  const again = await window.page.evaluate(async sent => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch('/auth/passkey', { method: 'POST', headers, body: sent })).status
  }, body)
  expect([again, await sessionOf(window)]).toEqual([401, undefined])

  // Another browser has a challenge of its own.
  const thief = openBrowser(people.api.url)
  expect((await thief.fetch('POST', '/auth/passkey/options')).status).toBe(200)
  const stolen = await thief.fetch('POST', '/auth/passkey', JSON.parse(body))
  expect([stolen.status, thief.isSignedIn]).toEqual([401, false])
  expect((await openBrowser(people.api.url).fetch('POST', '/auth/passkey', JSON.parse(body))).status).toBe(
    401,
  )
})

test('a copy of an authenticator, whose counter is behind, signs nobody in', async () => {
  await using window = await openWindow()
  await addPasskey(window, superadmin, 'Laptop')
  await people.api.store.query('update passkeys set counter = 1000')
  await useButton(window)
  expect(await said(window)).toContain('signs nobody in')
  expect(await sessionOf(window)).toBeUndefined()
})

test('a passkey of somebody who is staff no more signs nobody in', async () => {
  await using window = await openWindow()
  await addPasskey(window, superadmin, 'Laptop')
  await people.api.store.query("update passkeys set email = 'owner@acme.example'")
  await useButton(window)
  expect(await said(window)).toContain('signs nobody in')
  expect(await sessionOf(window)).toBeUndefined()
})

test('a member has no passkeys, and an answer without a challenge adds none', async () => {
  const member = await people.signedIn('owner@acme.example')
  expect((await member.fetch('POST', '/auth/passkeys/options')).status).toBe(403)
  expect((await member.get('/auth/account/passkeys')).status).toBe(403)
  const staff = await people.signedIn(superadmin)
  const credential = {
    id: 'AAAA',
    rawId: 'AAAA',
    type: 'public-key',
    response: { clientDataJSON: 'AAAA', attestationObject: 'AAAA' },
    clientExtensionResults: {},
  }
  expect((await staff.fetch('POST', '/auth/passkeys', { name: 'x', credential })).status).toBe(409)
  await staff.fetch('POST', '/auth/passkeys/options')
  expect((await staff.fetch('POST', '/auth/passkeys', { name: 'x', credential })).status).toBe(409)
})

test('who has lost all passkeys signs in by mail again once a superadmin removed them, which is written down', async () => {
  await using window = await openWindow()
  await addPasskey(window, support, 'Lost')
  const path = `/api/v1/platform/staff/${support}/passkeys`
  const other = await people.signedIn(support)
  expect((await other.fetch('DELETE', path)).status).toBe(403)
  const admin = await people.signedIn(superadmin)
  expect((await admin.fetch('DELETE', path)).status).toBe(204)
  expect((await admin.fetch('DELETE', path)).status).toBe(404)
  const before = people.mailbox.mails.filter(({ raw }) => /A passkey of yours was removed/.test(raw)).length
  expect(before).toBeLessThanOrEqual(2)
  const by = await people.signInByMail(support)
  expect(by.isSignedIn).toBe(true)
  const rows = await people.api.store.query(
    "select action, actor_id from audit_logs where action like 'passkey.%' and subject_id = $1 order by seq",
    [support],
  )
  expect(rows.slice(-2)).toEqual([
    { action: 'passkey.added', actor_id: support },
    { action: 'passkey.removed', actor_id: superadmin },
  ])
})
