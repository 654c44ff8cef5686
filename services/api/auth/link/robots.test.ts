import { freePort } from '@fairlead/servers/processes'
import { openBrowser as openChromium } from '@fairlead/testbed/console/browser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi } from '../fixtures/people-api.ts'

/** A mail scanner as they are: HEAD, GET three times, then a real browser that runs scripts and presses whatever can be pressed. */

const opened = new AsyncDisposableStack()
let people: PeopleApi
let chromium: Awaited<ReturnType<typeof openChromium>>
let url: string

beforeAll(async () => {
  const port = await freePort()
  url = `http://localhost:${port}`
  people = opened.use(await openPeopleApi({ FAIRLEAD_API_PORT: port, FAIRLEAD_CONSOLE_URL: url }))
  chromium = await openChromium()
  opened.defer(() => chromium.close())
})
afterAll(() => opened.disposeAsync())

/** Presses each button of a page, each time on the page as it was, and follows where that leads. Answers with the cookies it got. */
async function scan(link: string): Promise<{ pressed: number; cookies: string[] }> {
  const context = await chromium.newContext({ extraHTTPHeaders: { 'x-forwarded-for': '203.0.113.9' } })
  const page = await context.newPage()
  await page.goto(link)
  const buttons = 'button, input[type=submit], a[href]'
  const count = await page.locator(buttons).count()
  let pressed = 0
  for (let i = 0; i < count; i++) {
    await page.goto(link)
    for (const input of await page.locator('input:visible').all()) await input.fill('123456').catch(() => {})
    await page.locator(buttons).nth(i).click({ noWaitAfter: true, timeout: 30_000 })
    await page.waitForLoadState('load')
    pressed++
  }
  const cookies = (await context.cookies()).map(({ name }) => name)
  await context.close()
  return { pressed, cookies }
}

test('a scanner that runs scripts and presses every button gets a session, or takes the person’s', async () => {
  const email = 'owner@acme.example'
  const by = openBrowser(people.api.url)
  await by.post('/auth/request-magic-link', { email })
  const { link, token, code } = await people.mailbox.mailTo(email)

  const robot = openBrowser(people.api.url, 'Mozilla/5.0 (compatible; Scanner)')
  await robot.head(link)
  for (let i = 0; i < 3; i++) await robot.get(link)
  const { pressed, cookies } = await scan(link)
  expect(pressed).toBeGreaterThan(0)
  expect([...robot.cookies.keys(), ...cookies]).not.toContain('fairlead-session')
  expect(await people.client.keys('*:session:*')).toEqual([])

  // A person who opens the link elsewhere is told what to do, and the code of the mail works where it was asked for.
  expect((await openBrowser(people.api.url).get(link)).text).toContain('six-digit code')
  const withCode = openBrowser(people.api.url)
  for (const [name, value] of by.cookies) withCode.cookies.set(name, value)
  expect((await withCode.post('/auth/verify', { code })).status).toBe(303)
  expect((await by.post('/auth/verify', { token })).status).toBe(303)
  expect([withCode.isSignedIn, by.isSignedIn]).toEqual([true, true])
})
