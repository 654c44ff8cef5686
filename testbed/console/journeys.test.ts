import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { crowding } from '../crowding.ts'
import { until } from '../until.ts'
import { enterCode, openOwner, readMail } from './people.ts'
import { type RunningConsole, startConsole } from './running-console.ts'
import { accessFaults, acme, faultsOfPages, overflows } from './walk.ts'

let running: RunningConsole
beforeAll(async () => {
  running = await startConsole()
}, 240_000)
afterAll(() => running?.[Symbol.asyncDispose](), 60_000)

test('a page breaks its policy, overflows or keeps someone out', async () => {
  expect(await faultsOfPages(running, { width: 1280, colorScheme: 'light' })).toEqual([])
}, 600_000)

test('a webhook arrives in the log that is looked at, and opens by keyboard alone', async () => {
  await using watched = await running.open()
  const { page } = watched
  await watched.visit(`${acme}/events?source=github`)
  const { id } = await running.send('{"n":1152921506151679042,"a":1,"a":2}')
  await page.locator(`a[href="${acme}/events/${id}"]`).waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Request' }).waitFor()
  expect(await page.locator('.lines').innerText()).toMatch(
    /"n": 1152921506151679042,[\s\S]*"a": 1,[\s\S]*"a": 2/,
  )
  await page.getByRole('button', { name: 'Raw' }).click()
  expect(await page.locator('.lines').innerText()).toContain('{"n":1152921506151679042,"a":1,"a":2}')
  await page.goBack()
  await page.waitForURL(/source=github/)
  expect(watched.faults).toEqual([])
}, 60_000)

test('a body that is downloaded differs from the received bytes', async () => {
  const body = '{"text":"ünï\\u0000 \u202e", "n": 1.0}'
  const { id } = await running.send(body)
  await using watched = await running.open()
  await untilLogged(id!)
  await watched.visit(`${acme}/events/${id}`)
  const [download] = await Promise.all([
    watched.page.waitForEvent('download'),
    watched.page.getByRole('button', { name: 'Download' }).click(),
  ])
  const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
  expect(digest(await readFile(await download.path()))).toBe(digest(body))
}, 60_000)

test('captured markup, scripts, escapes and turned text do something', async () => {
  const body = JSON.stringify({
    html: '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>',
    link: 'javascript:window.pwned=1',
    turned: 'abc\u202edef',
    escape: '\u001b[31mred',
    long: 'x'.repeat(200_000),
  }).replace('\\u001b', '\u009b')
  const { id } = await running.send(body)
  await untilLogged(id!)
  await using watched = await running.open()
  const { page } = watched
  const startedMs = performance.now()
  await watched.visit(`${acme}/events/${id}`)
  await page.locator('.lines').waitFor()
  expect(performance.now() - startedMs).toBeLessThan(10_000 * crowding())
  expect(await page.evaluate('window.pwned')).toBeUndefined()
  expect(await page.locator('main img, main script, main iframe').count()).toBe(0)
  const shown = await page.locator('main').innerText()
  expect(shown).toContain('<img src=x onerror=')
  expect(shown).toContain('\\u202e')
  expect(shown).not.toContain('\u202e')
  expect(shown).not.toContain('\u009b')
  expect(watched.faults).toEqual([])
}, 60_000)

test('a refusal says why in a sentence, and nowhere the signature that would have been right', async () => {
  const body = '{"refused":true}'
  expect((await running.send(body, 'test-only-another-secret')).status).toBe(401)
  await using watched = await running.open()
  const { page } = watched
  await watched.visit(`${acme}/rejections?source=github`)
  await page.locator('[data-handle]').first().click()
  await page.locator('.sentence').waitFor()
  expect(await page.locator('.sentence').innerText()).toMatch(/secret/)
  expect(await page.content()).not.toContain('test-only-github-of-acme')
}, 60_000)

test('a filter is lost with a reload, or a copied link means something else tomorrow', async () => {
  await using watched = await running.open()
  const { page } = watched
  await watched.visit(`${acme}/events`)
  await page.getByLabel('After').fill('-2h')
  await page.keyboard.press('Enter')
  await page.getByLabel('Status').selectOption('unrouted')
  await page.waitForURL(/after=-2h&status=unrouted/)
  await page.reload()
  expect(await page.getByLabel('After').inputValue()).toBe('-2h')
  await page.getByText('Nothing matches').waitFor()
  await page.getByRole('button', { name: 'Copy link' }).click()
  const link = await until(async () => (await page.evaluate('navigator.clipboard.readText()')) as string)
  expect(link).toMatch(/after=\d{4}-\d\d-\d\dT[^&]+&status=unrouted$/)
  await page.getByLabel('After').fill('soon')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('Not a time').waitFor()
}, 60_000)

test('a key is shown once, and what was refused keeps what was typed and names the request', async () => {
  await using watched = await running.open()
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
  await page.getByText('for a journey').waitFor()
  expect(await page.content()).not.toContain(key)
  await make('for a journey')
  await page.getByRole('alert').waitFor()
  expect(await page.getByRole('alert').innerText()).toMatch(/req_[0-9a-f]{32}/)
  expect(await page.getByLabel('Name').inputValue()).toBe('for a journey')
}, 60_000)

test('a webhook of the simulator arrives, and each way to break it is explained', async () => {
  await using watched = await running.open()
  const { page } = watched
  await watched.visit(`${acme}/simulator?provider=stripe`)
  await page.getByRole('button', { name: 'Sign and send' }).click()
  await page.getByText('200 accepted').waitFor()
  await page.getByRole('heading', { name: 'In the log' }).waitFor()
  await page.locator('.recent .badge').first().waitFor()
  await page.getByRole('button', { name: 'Send the last one again' }).click()
  await page.getByText('"duplicate": true').waitFor()
  for (const [broken, sentence] of [
    ['secret', /secret/i],
    ['time', /time|clock|old/i],
    ['byte', /body|secret/i],
  ] as const) {
    await page.getByLabel('Break on purpose').selectOption(broken)
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText(/40\d refused/).waitFor()
    await page.locator('.sentence').waitFor()
    expect(await page.locator('.sentence').innerText()).toMatch(sentence)
  }
  expect(watched.faults).toEqual([])
}, 120_000)

test('someone who is not signed in sees anything but the way in', async () => {
  await using watched = await running.open({ key: null })
  const { page } = watched
  await page.goto(`${running.url}${acme}/events?source=github`)
  await page.getByLabel('E-mail address').waitFor()
  const { pathname, searchParams } = new URL(page.url())
  expect([pathname, searchParams.get('to')]).toEqual(['/auth/sign-in', `${acme}/events?source=github`])
}, 60_000)

test('an owner or a viewer by session is shut out, lands elsewhere, or is offered what only others may do', async () => {
  await using owned = await openOwner(running)
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

  await using looked = await running.open({ key: null })
  const { page } = looked
  await page.goto(invitation)
  await page.getByRole('button', { name: 'Send a sign-in link' }).click()
  await enterCode(page, await readMail(owner, email, 2))
  await page.goto(invitation)
  await page.getByRole('button', { name: 'Join' }).click()
  await page.getByRole('link', { name: /^Acme/ }).waitFor()

  await page.goto(`${running.url}/auth/account`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.goto(`${running.url}${acme}/api-keys`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button', { name: 'Send me a link' }).click()
  await enterCode(page, await readMail(owner, email, 3))
  await page.getByRole('heading', { name: 'API keys' }).waitFor()
  const make = page.getByRole('button', { name: 'New API key' })
  await make.getByText('needs the role admin').waitFor()
  expect(await make.isDisabled()).toBe(true)
  await looked.visit(`${acme}/members`)
  expect(await page.getByRole('button', { name: 'Invite' }).isDisabled()).toBe(true)
  for (const list of ['members', 'destinations', 'dead-letters', 'api-keys']) {
    await looked.visit(`${acme}/${list}`)
    await page
      .getByText(/needs the role/)
      .first()
      .waitFor()
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
}, 120_000)

test('an invitation that was revoked stays in the list', async () => {
  await using watched = await running.open()
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
}, 60_000)

async function untilLogged(id: string): Promise<void> {
  const headers = { authorization: `Bearer ${running.platformKey}` }
  await until(
    async () => (await fetch(`${running.url}/api/v1/organizations/acme/events/${id}`, { headers })).ok,
    { what: 'the event in the log', deadlineMs: 20_000 },
  )
}
