import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { enterCode, openOwner, readMail } from '../people.ts'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, overflows } from '../walk.ts'

const email = 'ada@registered.example'
const password = 'five otters in a canoe'
const another = 'nine herons on a jetty'

/** Who belongs to nobody's organization yet: registering, a forgotten password, and signing in with a new one. */
export function accountJourney(running: () => RunningConsole): void {
  test('who registers needs a program for it, or is locked out by a forgotten password', async () => {
    await using owned = await openOwner(running())
    await using watched = await running().open({ key: null })
    const { page } = watched
    const link = (name: string | RegExp) => page.getByRole('link', { name }).click()
    const button = (name: string) => page.getByRole('button', { name }).click()
    const heading = (name: string) => page.getByRole('heading', { name }).waitFor()

    await page.goto(`${running().url}/auth/sign-in`)
    await link('Register an organization')
    await heading('Register an organization')
    await expectSound(page)
    await page.getByLabel('Name of the organization').fill('Registered')
    await page.getByLabel('Slug').fill('registered')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('New password').fill(password)
    await button('Register')
    await heading('Look at your mail')
    const mail = await readMail(owned.page, email, 1)
    await page.goto(/^http\S+\/auth\/tenants\/verify\S+$/m.exec(mail)![0])
    await page.getByLabel('Password').fill(password)
    await button('Confirm')
    await page.getByRole('link', { name: /^Registered/ }).waitFor()

    await page.goto(`${running().url}/auth/account`)
    await button('Sign out')
    await link('Sign in with a password')
    await heading('Sign in with a password')
    await expectSound(page)
    await link(/^I forgot my password/)
    await heading('Password forgotten')
    await expectSound(page)
    await page.getByLabel('E-mail address').fill(email)
    await button('Send me a link')
    await enterCode(page, await readMail(owned.page, email, 2))
    await heading('Set a new password')
    await expectSound(page)
    await page.getByLabel('New password').fill(another)
    await button('Set the password')
    await heading('The new password counts')

    await page.goto(`${running().url}/auth/account`)
    await button('Sign out')
    await link('Sign in with a password')
    await page.getByLabel('E-mail address').fill(email)
    await page.getByLabel('Password').fill(another)
    await button('Sign in')
    await page.getByRole('link', { name: /^Registered/ }).waitFor()
    expect(watched.faults).toEqual([])
  })
}

async function expectSound(page: Page): Promise<void> {
  expect(await accessFaults(page)).toEqual([])
  expect(await overflows(page)).toEqual([])
}
