import { expect, test } from 'vitest'
import { enterCode, openOwner, readMail } from '../people.ts'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'

/** Signing in, members, invitations and keys. */
export function peopleJourneys(running: () => RunningConsole): void {
  test('someone who is not signed in sees anything but the way in', async () => {
    await using watched = await running().open({ key: null })
    const { page } = watched
    await page.goto(`${running().url}${acme}/events?source=github`)
    await page.getByLabel('E-mail address').waitFor()
    const { pathname, searchParams } = new URL(page.url())
    expect([pathname, searchParams.get('to')]).toEqual(['/auth/sign-in', `${acme}/events?source=github`])
  }, 180_000)

  test('an owner or a viewer by session is shut out, lands elsewhere, or is offered what only others may do', async () => {
    await using owned = await openOwner(running())
    const owner = owned.page
    await owner.getByRole('link', { name: /^Acme/ }).click()
    await owner.getByRole('link', { name: 'Event log' }).click()
    await owner.getByRole('heading', { name: 'Event log' }).waitFor()

    const email = 'looks@acme.example'
    await owned.visit(`${acme}/members`)
    await owner.getByRole('button', { name: 'Invite' }).click()
    await owner.getByLabel('E-mail address').fill(email)
    await owner.getByRole('button', { name: 'Send the invitation' }).click()
    await owner.getByRole('heading', { name: 'Invited, not here yet' }).waitFor()
    const invitation = /^http\S+\/auth\/invitation\S+$/m.exec(await readMail(owner, email, 1))![0]

    await using looked = await running().open({ key: null })
    const { page } = looked
    await page.goto(invitation)
    await page.getByRole('button', { name: 'Send a sign-in link' }).click()
    await enterCode(page, await readMail(owner, email, 2))
    await page.goto(invitation)
    await page.getByRole('button', { name: 'Join' }).click()
    await page.getByRole('link', { name: /^Acme/ }).waitFor()

    await page.goto(`${running().url}/auth/account`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.goto(`${running().url}${acme}/api-keys`)
    await page.getByLabel('E-mail address').fill(email)
    await page.getByRole('button', { name: 'Send me a link' }).click()
    await enterCode(page, await readMail(owner, email, 3))
    await page.getByRole('heading', { name: 'API keys' }).waitFor()
    const make = page.getByRole('button', { name: 'New API key' })
    // The role that it takes, and who gives it.
    await make.getByText('needs the role admin: ask owner@acme.example').waitFor()
    expect(await make.isDisabled()).toBe(true)
    await looked.visit(`${acme}/members`)
    expect(await page.getByRole('button', { name: 'Invite' }).isDisabled()).toBe(true)
    for (const list of ['members', 'destinations', 'dead-letters', 'api-keys']) {
      await looked.visit(`${acme}/${list}`)
      await page
        .getByText(/needs the role/)
        .first()
        .waitFor()
      await page.getByText('ask owner@acme.example').first().waitFor()
      expect(await overflows(page), list).toEqual([])
    }

    await owned.visit(`${acme}/members`)
    const row = owner.getByRole('row', { name: email })
    await row.getByRole('button', { name: 'Change role' }).click()
    await owner.getByRole('combobox', { name: 'Role' }).selectOption('admin')
    await owner.getByRole('button', { name: 'Change the role' }).click()
    await row.getByText('admin').waitFor()
    await looked.visit(`${acme}/members`)
    await page.getByRole('button', { name: 'Invite' }).and(page.locator(':enabled')).waitFor()
    await row.getByRole('button', { name: 'Remove' }).click()
    await owner.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    // While it is open, nothing else has a role.
    await owner.getByRole('alertdialog').waitFor({ state: 'detached' })
    await row.waitFor({ state: 'detached' })
    await page.reload()
    // Who belongs nowhere any more has no session either.
    await page.getByLabel('E-mail address').waitFor()
    expect([...owned.faults, ...looked.faults]).toEqual([])
  }, 240_000)

  test('an invitation that was revoked stays in the list', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/members`)
    await page.getByRole('button', { name: 'Invite' }).click()
    await page.getByLabel('E-mail address').fill('revoked@acme.example')
    await page.getByRole('button', { name: 'Send the invitation' }).click()
    const item = page.getByRole('listitem').filter({ hasText: 'revoked@acme.example' })
    await item.waitFor()
    expect(await accessFaults(page)).toEqual([])
    await item.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await item.waitFor({ state: 'detached' })
  }, 180_000)

  test('a key is shown once, and what was refused keeps what was typed and names the request', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/api-keys`)
    const make = async (name: string) => {
      await page.getByRole('button', { name: 'New API key' }).click()
      await page.getByLabel('Name').fill(name)
      await page.getByRole('button', { name: 'Make the key' }).click()
    }
    await make('for a journey')
    const key = await page.locator('code.secret').innerText()
    expect(key).toMatch(/^sk_/)
    expect(await accessFaults(page)).toEqual([])
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.locator('code.secret').waitFor({ state: 'detached' })
    await page.getByText('for a journey').waitFor()
    expect(await page.content()).not.toContain(key)
    await make('for a journey')
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').innerText()).toMatch(/req_[0-9a-f]{32}/)
    expect(await page.getByLabel('Name').inputValue()).toBe('for a journey')
  }, 180_000)
}
