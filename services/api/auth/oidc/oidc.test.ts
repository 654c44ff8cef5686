import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Browser, openBrowser } from '../fixtures/browser.ts'
import { consoleUrl, openPeopleApi, type PeopleApi } from '../fixtures/people-api.ts'

/** What the provider says of whoever signs in next. */
let account = { sub: 'u-1', email: 'owner@acme.example', email_verified: true }
let people: PeopleApi
let issuer: string
const opened = new AsyncDisposableStack()

beforeAll(async () => {
  issuer = await openProvider()
  people = opened.use(
    await openPeopleApi({
      FAIRLEAD_OIDC_ISSUER: issuer,
      FAIRLEAD_OIDC_CLIENT_ID: 'fairlead',
      FAIRLEAD_OIDC_CLIENT_SECRET: 'test-only-secret',
      FAIRLEAD_OIDC_NAME: 'Example Login',
    }),
  )
})
afterAll(() => opened.disposeAsync())

/** A real provider with its own sign-in and consent pages. */
async function openProvider(): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.defer(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'fairlead',
        client_secret: 'test-only-secret',
        redirect_uris: [`${consoleUrl}/auth/oidc/callback`],
      },
    ],
    cookies: { keys: ['test-only'] },
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ ...account, sub, name: 'Ada' }),
    }),
  })
  server.on('request', provider.callback())
  return url
}

/** Walks through the provider's pages as the person would, and answers with where it leads back to. */
async function throughProvider(start: string, login: string): Promise<string> {
  const cookies = new Map<string, string>()
  let url = start
  for (let step = 0; step < 12; step++) {
    if (url.startsWith(consoleUrl)) return url
    const page = await visit(url, cookies)
    const form = /<form[^>]* action="([^"]+)"/.exec(page.text)?.[1]
    const next =
      page.location ??
      (
        await visit(new URL(form!, url).href, cookies, {
          prompt: page.text.includes('name="password"') ? 'login' : 'consent',
          login,
          password: 'x',
        })
      ).location
    url = new URL(next!, url).href
  }
  throw new Error(`the provider leads nowhere: ${url}`)
}

async function visit(url: string, cookies: Map<string, string>, fields?: Record<string, string>) {
  const response = await fetch(url, {
    redirect: 'manual',
    headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    ...(fields && { method: 'POST', body: new URLSearchParams(fields) }),
  })
  for (const line of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    cookies.set(name, value)
  }
  return { location: response.headers.get('location'), text: await response.text() }
}

async function signIn(login: string): Promise<{ by: Browser; status: number; text: string }> {
  const by = openBrowser(people.api.url)
  const { location } = await by.get('/auth/oidc')
  const back = await throughProvider(location!, login)
  return { by, ...(await by.get(back)) }
}

test('a member signs in by the provider', async () => {
  const page = await openBrowser(people.api.url).get('/auth/sign-in')
  expect(page.text).toContain('Sign in with Example Login')
  const { by, status } = await signIn('u-1')
  expect([status, by.isSignedIn]).toEqual([303, true])
  const me = JSON.parse((await by.fetch('GET', '/api/v1/me')).text)
  expect(me).toMatchObject({ email: 'owner@acme.example', name: 'Ada', organizations: [{ slug: 'acme' }] })
})

test('the subject is the person: another one with the same address signs nobody in', async () => {
  account = { ...account, email: 'owner@acme.example' }
  const { by, status } = await signIn('u-2')
  expect([status, by.isSignedIn]).toEqual([401, false])
})

test('an address that changed at the provider stays who it was here', async () => {
  account = { ...account, email: 'owner@globex.example' }
  const { by } = await signIn('u-1')
  expect(JSON.parse((await by.fetch('GET', '/api/v1/me')).text).email).toBe('owner@acme.example')
})

test('an address that is not verified, or belongs to no member, signs nobody in', async () => {
  account = { ...account, email: 'owner@globex.example', email_verified: false }
  expect((await signIn('u-3')).by.isSignedIn).toBe(false)
  account = { ...account, email: 'nobody@nowhere.example', email_verified: true }
  const { by, text } = await signIn('u-4')
  expect([by.isSignedIn, text.includes('no member of an organization')]).toEqual([false, true])
})

test('an answer for another browser, or with another state, signs nobody in', async () => {
  account = { ...account, email: 'owner@acme.example' }
  const by = openBrowser(people.api.url)
  const back = await throughProvider((await by.get('/auth/oidc')).location!, 'u-1')
  const thief = openBrowser(people.api.url)
  await thief.get('/auth/oidc')
  expect((await thief.get(back)).status).toBe(401)
  expect((await openBrowser(people.api.url).get(back)).status).toBe(401)
  const forged = new URL(back)
  forged.searchParams.set('state', 'x'.repeat(43))
  expect((await by.get(forged.href)).status).toBe(401)
  // Used up by the try before.
  expect((await by.get(back)).status).toBe(401)
  expect(by.isSignedIn).toBe(false)
})

test('a stranger who begins sign-ins without an end fills Redis, and nobody signs in any more', async () => {
  const begin = async (from: string) =>
    (await openBrowser(people.api.url).get('/auth/oidc', { 'x-forwarded-for': from })).status
  const statuses: number[] = []
  for (let i = 0; i < 310; i++) statuses.push(await begin(`203.0.113.${i % 250}`))
  expect([statuses.filter(status => status === 303).length, statuses.at(-1)]).toEqual([300, 429])
  expect(await begin('198.51.100.1')).toBe(303)
})
