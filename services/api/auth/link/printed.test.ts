import { freePort } from '@fairlead/servers/processes'
import { openBrowser as openChromium } from '@fairlead/testbed/console/browser'
import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi, superadmin } from '../fixtures/people-api.ts'
import { makePrintedLink } from './print.ts'

const opened = new AsyncDisposableStack()
type Chromium = Awaited<ReturnType<typeof openChromium>>
let people: PeopleApi
let chromium: Chromium
let url: string

beforeAll(async () => {
  const port = await freePort()
  url = `http://localhost:${port}`
  people = opened.use(await openPeopleApi({ FAIRLEAD_API_PORT: port, FAIRLEAD_CONSOLE_URL: url }))
  chromium = await openChromium()
  opened.defer(() => chromium.close())
})
afterAll(() => opened.disposeAsync())

const print = () => makePrintedLink(people.redis.url, url, superadmin)
type Context = Awaited<ReturnType<Chromium['newContext']>>
const hasSession = async (context: Context) =>
  (await context.cookies(url)).some(({ name }) => name === 'fairlead-session')

test('the printed link tells its token to whoever sees requests, stays in the address bar, or signs in by being opened', async () => {
  const link = await print()
  const token = new URL(link).hash.replace('#token=', '')
  expect(token).toMatch(/^[\w-]{43}$/)
  const context = await chromium.newContext()
  const page = await context.newPage()
  const asked: string[] = []
  page.on('request', request => asked.push(`${request.url()} ${JSON.stringify(request.headers())}`))
  const faults: string[] = []
  page.on('console', message => message.type() === 'error' && faults.push(message.text()))
  for (let i = 0; i < 3; i++) await page.goto(link)
  await page.waitForFunction('!location.hash')
  expect(await page.locator('input').inputValue()).toBe(token)
  expect([asked.length >= 2, asked.join().includes(token), faults]).toEqual([true, false, []])
  expect(await hasSession(context)).toBe(false)

  await page.getByRole('button', { name: 'Sign in as the owner' }).click()
  await until(() => hasSession(context))
  expect(asked.join().includes(token)).toBe(false)
  await context.close()
})

test('the printed link signs in twice, or whoever pressed its button twice is sent away', async () => {
  const token = new URL(await print()).hash.replace('#token=', '')
  const [owner, other] = [openBrowser(url), openBrowser(url)]
  expect((await owner.post('/auth/printed', { token })).status).toBe(303)
  expect((await owner.post('/auth/printed', { token })).status).toBe(303)
  expect([(await other.post('/auth/printed', { token })).status, other.isSignedIn]).toEqual([401, false])
})

test('a browser without scripts has no way in by the printed link', async () => {
  const link = await print()
  const context = await chromium.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(link)
  await page.getByLabel('#token=').fill(new URL(link).hash.replace('#token=', ''))
  await page.getByRole('button', { name: 'Sign in as the owner' }).click()
  await until(() => hasSession(context))
  await context.close()
})

test('the printed page, its script or its button answer elsewhere than on this machine', async () => {
  const token = new URL(await print()).hash.replace('#token=', '')
  const forwarded = { 'x-forwarded-for': '198.51.100.7' }
  const by = openBrowser(url)
  expect([
    (await by.get('/auth/printed', forwarded)).status,
    (await by.get('/auth/printed.js', forwarded)).status,
    (await by.post('/auth/printed', { token }, forwarded)).status,
  ]).toEqual([404, 404, 404])
  expect((await by.get(`/auth/printed?token=${token}`)).text).not.toContain(token)
  expect(by.isSignedIn).toBe(false)
})
