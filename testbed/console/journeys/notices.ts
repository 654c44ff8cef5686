import { expect, test } from 'vitest'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'

const at = '/api/v1/organizations/acme'

/** Operational webhooks, and what of its role a key may do. */
export function noticeJourneys(running: () => RunningConsole): void {
  test('who is to be told of failures is written over, lost, or cannot be taken back', async () => {
    await running().call('POST', `${at}/destinations`, {
      name: 'pager',
      url: `${running().echoUrl}/healthy`,
      allowInsecureHttp: true,
    })
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/notifications`)
    await page.getByLabel('Tell this destination').selectOption('pager')
    await page.getByLabel(/an issue is over/).uncheck()
    await page.getByText('Silent sources').click()
    await page.getByLabel('github: seconds', { exact: true }).fill('3600')
    await page.getByRole('button', { name: 'What would change?' }).click()
    await page.getByText('This would change').waitFor()
    expect((await running().call('GET', `${at}/notifications`)).destination).toBeNull()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved; in force').waitFor()
    const saved = await running().call('GET', `${at}/notifications`)
    expect(saved).toMatchObject({ destination: 'pager', silentAfterSeconds: { github: 3600 } })
    expect(saved.types).not.toContain('issue.resolved')
    expect(saved.types).toContain('issue.opened')

    await page.reload()
    await page.getByText('Silent sources').click()
    expect(await page.getByLabel('Tell this destination').inputValue()).toBe('pager')
    expect(await page.getByLabel('github: seconds', { exact: true }).inputValue()).toBe('3600')
    expect(await page.getByLabel(/an issue is over/).isChecked()).toBe(false)
    const chosen = page.getByRole('checkbox', { checked: true })
    while ((await chosen.count()) > 0) await chosen.first().uncheck()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('alert').waitFor()
    expect(await page.getByLabel('github: seconds', { exact: true }).inputValue()).toBe('3600')
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    expect(watched.faults).toEqual([])
    await page.getByLabel(/an issue was opened/).check()
    await page.getByLabel('Tell this destination').selectOption('')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved; in force').waitFor()
    expect((await running().call('GET', `${at}/notifications`)).destinationId).toBeNull()
  }, 240_000)

  test('a key for tests, or with scopes, can do all that its role may', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/api-keys`)
    await page.getByRole('button', { name: 'New API key' }).click()
    await page.getByLabel('Name').fill('reads test events')
    await page.getByRole('combobox', { name: 'Data' }).selectOption('test data alone')
    await page.getByText('choose scopes').click()
    await page.getByLabel('events:read').check()
    expect(await accessFaults(page)).toEqual([])
    await page.getByRole('button', { name: 'Make the key' }).click()
    const key = await page.locator('code.secret').innerText()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page
      .getByRole('row', { name: /reads test events test/ })
      .getByText('events:read')
      .waitFor()
    const get = async (path: string) =>
      (await fetch(running().url + at + path, { headers: { authorization: `Bearer ${key}` } })).status
    expect([await get('/events'), await get('/sources')]).toEqual([200, 403])
  }, 240_000)

  test('test data is taken for live data', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/events?mode=test`)
    await page.getByText('Test data', { exact: true }).waitFor()
    await watched.visit(`${acme}/events?mode=live`)
    expect(await page.getByText('Test data', { exact: true }).count()).toBe(0)
  }, 180_000)
}
