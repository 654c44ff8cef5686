import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { until } from '../../until.ts'
import { openOwner } from '../people.ts'
import type { RunningConsole, Watched } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'

/** Sources, destinations and routes: made, tried, changed and deleted. */
export function settingsJourneys(running: () => RunningConsole): void {
  test('a source can be made and its secret rotated only by who knows the API; or a secret is shown', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/new-source`)
    await page.getByLabel('Provider').selectOption('stripe')
    await page.getByRole('heading', { name: 'Set up Stripe' }).waitFor()
    await page.getByLabel('Name').first().fill('Not a name')
    await page.getByLabel('Secret', { exact: true }).fill('test-only-first-secret')
    await page.getByRole('button', { name: 'Create the source' }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('alert').innerText()).toMatch(/req_[0-9a-f]{32}/)
    expect(await page.getByLabel('Name').first().getAttribute('aria-invalid')).toBe('true')
    expect(await page.getByLabel('Secret', { exact: true }).inputValue()).toBe('test-only-first-secret')
    expect(await accessFaults(page)).toEqual([])

    await page.getByLabel('Name').first().fill('stripe-two')
    await page.getByRole('button', { name: 'Create the source' }).click()
    await page.waitForURL(/\/sources\/stripe-two$/)
    await page.getByText('0 events verified with it').waitFor()
    expect(await page.content()).not.toContain('test-only-first-secret')

    await page.getByRole('button', { name: 'Add the new secret' }).click()
    await page.getByLabel('Secret', { exact: true }).nth(1).fill('test-only-second-secret')
    await page.getByRole('button', { name: 'What would change?' }).click()
    await page.getByText('This would change').waitFor()
    expect((await told(running(), '/sources/stripe-two')).secrets).toHaveLength(1)
    await save(page).click()
    await page.getByText('Saved; in force').waitFor()
    const { secrets } = await told(running(), '/sources/stripe-two')
    expect(secrets).toHaveLength(2)
    await page.getByRole('button', { name: 'Take away' }).first().click()
    await save(page).click()
    await page.getByText('Saved; in force').waitFor()
    const left = async () => (await told(running(), '/sources/stripe-two')).secrets
    await until(async () => (await left()).length === 1, { what: 'the secret taken away' })
    expect(await left()).toEqual([expect.objectContaining({ id: secrets[1]?.id })])
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
    await page.waitForURL(/\/sources$/)
    expect((await api(running(), '/sources/stripe-two')).status).toBe(404)
    expect(watched.faults).toEqual([])
  }, 240_000)

  test('a destination is made without its credentials, or its test hides what was sent and answered', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/new-destination`)
    await page.getByLabel('Name', { exact: true }).fill('echo')
    await page.getByLabel('Address').fill(`${running().echoUrl}/hook`)
    await page.getByLabel('Allow http://').check()
    await page.getByRole('button', { name: 'Add Bearer token' }).click()
    await page.getByLabel('Bearer token').fill('test-only-token')
    await page.getByRole('button', { name: 'Add a header' }).click()
    await page.getByLabel('Name', { exact: true }).nth(1).fill('x-tenant')
    await page.getByLabel('Value (secret)').fill('test-only-tenant')
    await page.getByRole('button', { name: 'Create the destination' }).click()
    await page.getByRole('heading', { name: 'echo' }).waitFor()
    expect(await page.content()).not.toContain('test-only-token')
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByRole('heading', { name: 'Answer' }).waitFor()
    const shown = await page.locator('main').innerText()
    expect(shown).toMatch(/POST \/hook HTTP\/1\.1/)
    expect(shown).toMatch(/x-tenant/)
    expect(shown).toMatch(/fairlead\.test/)
    expect(shown).not.toContain('test-only-tenant')
    // It is marked as a test, and counts in no list.
    expect((await running().call('GET', `/api/v1${acme}/attempts?destination=echo`)).items).toEqual([])
    expect((await running().call('GET', `/api/v1${acme}/events?type=fairlead.test`)).items).toEqual([])
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    expect(watched.faults).toEqual([])
  }, 240_000)

  test('what the owner declares is written over, or its change is lost', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/destinations/flaky`)
    await page.getByText('Limits, retries, pause').click()
    await page.getByLabel('Time-out, seconds').fill('7')
    await page.getByRole('button', { name: 'Make the patch' }).click()
    const patch = page.locator('.patch')
    await patch.waitFor()
    expect(await patch.innerText()).toMatch(/kind: Organization[\s\S]*name: flaky[\s\S]*timeoutSeconds: 7/)
    expect(await page.getByLabel('Time-out, seconds').inputValue()).toBe('7')
    expect((await told(running(), '/destinations/flaky')).timeoutSeconds).not.toBe(7)
    expect(await accessFaults(page)).toEqual([])
  }, 180_000)

  test('two people who change one setting write over each other unseen', async () => {
    await using one = await running().open()
    await using other = await running().open()
    await makeDestination(running(), one, 'shared')
    const timeOut = async ({ page }: Watched, seconds: string) => {
      await page.getByText('Limits, retries, pause').click()
      await page.getByLabel('Time-out, seconds').fill(seconds)
      await save(page).click()
    }
    await other.visit(`${acme}/destinations/shared`)
    await timeOut(one, '5')
    await one.page.getByText('Saved; in force').waitFor()
    await timeOut(other, '9')
    await other.page.getByText('Somebody else changed it meanwhile').waitFor()
    expect((await told(running(), '/destinations/shared')).timeoutSeconds).toBe(5)
    expect(await other.page.getByRole('row', { name: /timeoutSeconds/ }).innerText()).toMatch(/5\s+9/)
    await other.page.getByRole('button', { name: 'Write yours over theirs' }).click()
    await other.page.getByText('Saved; in force').waitFor()
    expect((await told(running(), '/destinations/shared')).timeoutSeconds).toBe(9)
  }, 240_000)

  test('a route is made blindly: nobody sees what it would have matched', async () => {
    await running().send('{"for":"the preview"}')
    await using watched = await running().open()
    const { page } = watched
    await makeDestination(running(), watched, 'target')
    await watched.visit(`${acme}/new-route`)
    await page.getByLabel('Source').fill('github')
    await page.getByText(/[1-9]\d* of the last [1-9]\d* events/).waitFor()
    await page.getByLabel('Types, one on each line').fill('no-such-type')
    await page.getByText(/^0 of the last/).waitFor()
    await page.getByLabel('Types, one on each line').fill('push')
    await page.getByLabel('target').check()
    await page.getByRole('button', { name: 'Create the route' }).click()
    await page.waitForURL(/\/routes\/rte_/)
    await page.getByRole('heading', { name: 'github to target' }).waitFor()
    expect(await accessFaults(page)).toEqual([])
    expect(watched.faults).toEqual([])
  }, 240_000)

  test('an account at Stripe is connected without its owner’s yes, or stays connected when it should not', async () => {
    const { stripe } = running()
    await using owned = await openOwner(running())
    const { page } = owned
    await owned.visit(`${acme}/sources`)
    await page.getByRole('link', { name: 'Stripe accounts' }).click()
    await page.getByRole('heading', { name: 'No account is connected' }).waitFor()
    expect(await accessFaults(page)).toEqual([])
    await page.getByRole('button', { name: 'Connect an account' }).click()
    await page.waitForURL(`${stripe.url}/oauth/authorize?**`)
    const back = await stripe.agree(page.url(), 'acct_of1journey')
    await page.goto(back.href)
    await page.getByRole('heading', { name: 'Connected' }).waitFor()

    await owned.visit(`${acme}/stripe-accounts`)
    const row = page.getByRole('row', { name: 'acct_of1journey' })
    await row.locator('.badge.good', { hasText: 'connected' }).waitFor()
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    const dialog = page.getByRole('alertdialog')
    stripe.instead = response => response.writeHead(500).end()
    await row.getByRole('button', { name: 'Disconnect' }).click()
    await dialog.getByRole('button', { name: 'Disconnect' }).click()
    await dialog.getByText('Stripe does not answer as it should').waitFor()
    stripe.instead = undefined
    expect([...stripe.connected]).toEqual(['acct_of1journey'])
    // It is disconnected here, and its row must still have a way to end the access.
    await owned.visit(`${acme}/stripe-accounts`)
    await row.locator('.badge', { hasText: 'disconnected' }).waitFor()
    await row.getByRole('button', { name: 'End access' }).click()
    await dialog.getByRole('button', { name: 'End access' }).click()
    await until(() => stripe.connected.size === 0, { what: 'the access ended at Stripe' })
    await dialog.waitFor({ state: 'detached' })
    expect(owned.faults.filter(fault => !fault.includes(stripe.url) && !fault.includes('503'))).toEqual([])
  }, 180_000)
}

const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true })
const api = ({ url, platformKey }: RunningConsole, path: string) =>
  fetch(`${url}/api/v1${acme}${path}`, { headers: { authorization: `Bearer ${platformKey}` } })
/** A source or destination as the API tells it. */
const told = async (running: RunningConsole, path: string) =>
  (await (await api(running, path)).json()) as { timeoutSeconds: number; secrets: { id: string }[] }

async function makeDestination(
  running: RunningConsole,
  { page, visit }: Watched,
  name: string,
): Promise<void> {
  await visit(`${acme}/new-destination`)
  await page.getByLabel('Name', { exact: true }).fill(name)
  await page.getByLabel('Address').fill(`${running.echoUrl}/${name}`)
  await page.getByLabel('Allow http://').check()
  await page.getByRole('button', { name: 'Create the destination' }).click()
  await page.waitForURL(new RegExp(`/destinations/${name}$`))
}
