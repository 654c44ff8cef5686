import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from '../auth/fixtures/browser.ts'
import { consoleUrl, openPeopleApi, type PeopleApi } from '../auth/fixtures/people-api.ts'
import { openTestApi } from '../fixtures/test-api.ts'
import { operations } from '../operations.ts'
import { openStripeStandIn, type StripeStandIn } from './fixtures/stripe-stand-in.ts'

const clientId = 'ca_test'
const secretKey = 'sk_test_only_of_the_platform'
const path = (slug: string) => `/api/v1/organizations/${slug}/billing/connect`
const opened = new AsyncDisposableStack()
let people: PeopleApi
let stripe: StripeStandIn
let owner: Browser
let other: Browser

beforeAll(async () => {
  stripe = opened.use(
    await openStripeStandIn({
      clientId,
      secretKey,
      redirectUris: [`${consoleUrl}/connect/stripe/callback`],
    }),
  )
  people = opened.use(
    await openPeopleApi({
      FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: clientId,
      FAIRLEAD_STRIPE_CONNECT_SECRET_KEY: secretKey,
      FAIRLEAD_STRIPE_CONNECT_URL: stripe.url,
    }),
  )
  owner = await people.signedIn('owner@acme.example')
  other = await people.signedIn('owner@globex.example')
})
afterAll(() => opened.disposeAsync())

async function begun(by: Browser = owner, slug = 'acme'): Promise<string> {
  const page = await by.fetch('POST', path(slug))
  expect(page.status, page.text).toBe(200)
  return (JSON.parse(page.text) as { url: string }).url
}
const comeBack = (by: Browser, back: URL, headers = {}) =>
  by.get(back.pathname + back.search, { 'sec-fetch-site': 'cross-site', ...headers })
const accounts = async (slug = 'acme') =>
  (await people.api.call('GET', path(slug))).body.items as {
    account: string
    connected: boolean
    scope: string
  }[]

test('without a client id there is no such path', async () => {
  await using off = await openTestApi({ FAIRLEAD_STRIPE_CONNECT_CLIENT_ID: undefined }, people.api.store)
  for (const { method } of operations.filter(({ partOf }) => partOf === 'stripe-connect'))
    expect((await off.call(method.toUpperCase(), path('acme'))).body.code).toBe('not_found')
  expect((await fetch(`${off.url}/connect/stripe/callback`)).status).toBe(404)
})

test('an owner connects an account, by Stripe’s own protocol, and the audit log names both', async () => {
  const url = await begun()
  const { searchParams } = new URL(url)
  expect(searchParams.get('scope')).toBe('read_only')
  expect(await accounts()).toEqual([])
  const done = await comeBack(owner, await stripe.agree(url, 'acct_acme1'))
  expect([done.status, done.text.includes('acct_acme1')]).toEqual([200, true])
  expect(done.headers.get('referrer-policy')).toBe('no-referrer')
  expect(await accounts()).toMatchObject([
    { account: 'acct_acme1', connected: true, scope: 'read_only', livemode: false, held: 0 },
  ])
  const [entry] = await people.api.store.query(
    `select action, actor_kind, actor_name, subject_id from audit_logs where action like 'connected_account.%'
     and organization_id = (select id from organizations where slug = 'acme')`,
  )
  expect(entry).toEqual({
    action: 'connected_account.connected',
    actor_kind: 'member',
    actor_name: 'owner@acme.example',
    subject_id: 'acct_acme1',
  })
})

test('a state is good once, in the session that began it, and for nothing else', async () => {
  const back = await stripe.agree(await begun(), 'acct_acme2')
  // Somebody is led to the answer of another: nothing of theirs is connected, and the state stays.
  expect((await comeBack(other, back)).status).toBe(401)
  const stranger = await fetch(`${people.api.url}${back.pathname}${back.search}`)
  expect(stranger.status).toBe(401)
  const forged = new URL(back)
  forged.searchParams.set('state', 'A'.repeat(43))
  expect((await comeBack(owner, forged)).status).toBe(401)
  expect((await comeBack(owner, back)).status).toBe(200)
  expect((await comeBack(owner, back)).status).toBe(401)
  expect((await accounts('globex')).length).toBe(0)
})

test('of two answers at once to one state a single one counts', async () => {
  const back = await stripe.agree(await begun(), 'acct_acme2')
  const asked = stripe.asked.length
  const pages = await Promise.all(Array.from({ length: 20 }, () => comeBack(owner, back)))
  expect(pages.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(stripe.asked.length - asked).toBe(1)
})

test('who does not agree connects nothing', async () => {
  const before = await accounts()
  const page = await comeBack(owner, await stripe.deny(await begun()))
  expect([page.status, page.text.includes('You did not agree')]).toEqual([200, true])
  expect(await accounts()).toEqual(before)
})

test('a code that Stripe refuses, and answers that are none of Stripe’s, connect nothing', async () => {
  const before = await accounts()
  const used = await stripe.agree(await begun(), 'acct_acme3')
  used.searchParams.set('code', 'ac_of_somebody_else')
  expect((await comeBack(owner, used)).status).toBe(400)
  const answers: StripeStandIn['instead'][] = [
    response => response.writeHead(200).end('<html>'),
    response => response.writeHead(200).end('{}'),
    response => response.writeHead(200).end(JSON.stringify({ stripe_user_id: 'acct_x/../y' })),
    response => response.writeHead(200).end('x'.repeat(10_000_000)),
    response => response.writeHead(307, { location: `${people.api.url}/` }).end(),
    response => response.destroy(),
    response => response.writeHead(500).end('{"error":"api_error"}'),
  ]
  for (const instead of answers) {
    const back = await stripe.agree(await begun(), 'acct_acme3')
    stripe.instead = instead
    const page = await comeBack(owner, back)
    stripe.instead = undefined
    expect([page.status, page.text.includes(secretKey)]).toEqual([503, false])
  }
  expect(await accounts()).toEqual(before)
})

test('a role that was taken away meanwhile is asked for anew', async () => {
  const email = 'admin@acme.example'
  await people.api.store.query(
    `insert into members (organization_id, id, email, role, managed_by)
     select id, gen_random_uuid(), $1, 'admin', 'tenant' from organizations where slug = 'acme'`,
    [email],
  )
  const admin = await people.signedIn(email)
  const back = await stripe.agree(await begun(admin), 'acct_admin')
  await people.api.store.query(`update members set role = 'viewer' where email = $1`, [email])
  expect((await comeBack(admin, back)).status).toBe(403)
  expect((await admin.fetch('POST', path('acme'))).status).toBe(403)
  expect((await accounts()).map(({ account }) => account)).not.toContain('acct_admin')
})

test('an account is one organization’s at a time', async () => {
  await comeBack(owner, await stripe.agree(await begun(), 'acct_shared'))
  const taken = await comeBack(other, await stripe.agree(await begun(other, 'globex'), 'acct_shared'))
  expect([taken.status, await accounts('globex')]).toEqual([409, []])
  const asked = `${path('acme')}?account=acct_shared`
  expect((await owner.fetch('DELETE', asked)).status).toBe(204)
  const done = await comeBack(other, await stripe.agree(await begun(other, 'globex'), 'acct_shared'))
  expect(done.status).toBe(200)
  expect((await accounts()).find(({ account }) => account === 'acct_shared')?.connected).toBe(false)
  expect(await accounts('globex')).toMatchObject([{ account: 'acct_shared', connected: true }])
  expect((await other.fetch('DELETE', `${path('globex')}?account=acct_acme1`)).status).toBe(404)
  // Who had it before has nothing of another organization's ended at Stripe.
  expect((await owner.fetch('DELETE', asked)).status).toBe(204)
  expect(stripe.connected.has('acct_shared')).toBe(true)
})

test('disconnecting tells Stripe; while Stripe is away it is disconnected here, and asking again tells Stripe', async () => {
  await comeBack(owner, await stripe.agree(await begun(), 'acct_gone'))
  expect(stripe.connected.has('acct_gone')).toBe(true)
  stripe.instead = response => response.destroy()
  const asked = `${path('acme')}?account=acct_gone`
  const away = await owner.fetch('DELETE', asked)
  expect([away.status, JSON.parse(away.text).code]).toEqual([503, 'unavailable'])
  expect((await accounts()).find(({ account }) => account === 'acct_gone')?.connected).toBe(false)
  stripe.instead = undefined
  expect((await owner.fetch('DELETE', asked)).status).toBe(204)
  expect(stripe.connected.has('acct_gone')).toBe(false)
  expect((await owner.fetch('DELETE', asked)).status).toBe(204)
  // With several connected the caller says which.
  expect((await owner.fetch('DELETE', path('acme'))).status).toBe(409)
})

test('a key connects nothing, and learns so', async () => {
  const answer = await people.api.call('POST', path('acme'))
  expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
})
