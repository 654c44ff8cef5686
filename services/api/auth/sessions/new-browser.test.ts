import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { openBrowser } from '../fixtures/browser.ts'
import { openPeopleApi, type PeopleApi } from '../fixtures/people-api.ts'

const owner = 'owner@acme.example'
let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
})
afterAll(async () => await people?.[Symbol.asyncDispose]())
beforeEach(() => people.client.flushall())

const noticesTo = (email: string) => people.mailbox.notices.filter(({ to }) => to.includes(email))

/** Signs in by mail in a browser that may have been there before. */
async function signIn(email: string, by = openBrowser(people.api.url)) {
  const { token } = await people.mailbox.linkTo(email, () => by.post('/auth/request-magic-link', { email }))
  expect((await by.post('/auth/verify', { token })).status).toBe(303)
  return by
}

test('a sign-in with a new browser is told by mail; the first of all, and one with a known browser, are not', async () => {
  const own = await signIn(owner)
  await own.post('/auth/logout', {})
  await signIn(owner, own)
  const other = openBrowser(people.api.url, 'Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36')
  await signIn(owner, other)
  await until(() => noticesTo(owner).length > 0)
  // The queue is in order: a mail about one of the earlier sign-ins would have come before this one.
  expect(noticesTo(owner)).toHaveLength(1)
  const { raw } = noticesTo(owner)[0]!
  expect(raw).toContain('Chrome on Windows')
  expect(raw).not.toMatch(/https?:\/\//)
})

test('a tool that is signed in is told by mail', async () => {
  const email = 'owner@globex.example'
  const by = await people.signedIn(email)
  const post = async (path: string, fields: Record<string, string>) =>
    (await (
      await fetch(people.api.url + path, {
        method: 'POST',
        headers: { 'user-agent': 'fairlead/1.0' },
        body: new URLSearchParams(fields),
      })
    ).json()) as Record<string, string>
  const begun = await post('/auth/device/code', {})
  await by.post('/auth/device', { user_code: begun.user_code!, decision: 'approve' })
  await post('/auth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: begun.device_code!,
  })
  await until(() => noticesTo(email).length === 1)
  expect(noticesTo(email)[0]!.raw).toContain('the fairlead command')
})

test('Redis that lost all it had makes no browser new', async () => {
  const atFirst = noticesTo(owner).length
  const by = await signIn(owner)
  await until(() => noticesTo(owner).length > atFirst)
  const before = noticesTo(owner).length
  await people.client.flushall()
  await signIn(owner, by)
  const next = await signIn(owner)
  await until(() => noticesTo(owner).length > before)
  expect([noticesTo(owner).length - before, next.isSignedIn]).toEqual([1, true])
})
