import { expect, test } from 'vitest'
import { until } from '../../until.ts'
import { openOwner } from '../people.ts'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'

/** Staff of the platform: looking as a member does, search across organizations, health. */
export function staffJourneys(running: () => RunningConsole): void {
  test('staff who looks as a member changes something, is not told so, or leaves no trace', async () => {
    await using owned = await openOwner(running())
    const { page } = owned
    await owned.visit('/platform/organizations?q=acme')
    await page.locator('[data-handle]').first().click()
    await page.getByRole('button', { name: 'Look as developer@acme.example' }).click()
    await page.getByLabel(/Reason/).fill('a journey of the tests')
    await page.getByRole('button', { name: 'Begin' }).click()
    const banner = page.getByRole('status').filter({ hasText: 'You look at' })
    await banner.getByText('developer@acme.example (developer)').waitFor()
    expect(await banner.innerText()).toContain('a journey of the tests')

    for (const [list, control] of [
      ['sources', 'New source'],
      ['api-keys', 'New API key'],
      ['dead-letters', 'Retry all that match'],
    ] as const) {
      await owned.visit(`${acme}/${list}`)
      await banner.waitFor()
      const button = page.getByRole('button', { name: control })
      await button.getByText('not while you look as another member').waitFor()
      expect(await button.isDisabled(), control).toBe(true)
    }
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])

    await banner.getByRole('button', { name: 'End it now' }).click()
    await banner.waitFor({ state: 'detached' })
    await owned.visit(`${acme}/audit-log?action=member.impersonated`)
    await page.locator('[data-handle]').first().click()
    await page.locator('.details').getByText('a journey of the tests').waitFor()
    expect(owned.faults).toEqual([])
  }, 180_000)

  test('staff who is told an id cannot say whose it is', async () => {
    const { id } = await running().send('{"for":"a search"}')
    await using watched = await running().open()
    const { page } = watched
    await watched.visit('/platform/search')
    await page.getByText('Nothing is searched for yet').waitFor()
    await page.getByLabel('Search').fill(id!)
    await page.keyboard.press('Enter')
    await page.waitForURL(/q=evt_/)
    // It is in the log a moment after it was accepted.
    const found = page.getByRole('row', { name: /event.*Acme Corp/ })
    await until(
      async () => {
        await page.getByRole('button', { name: 'Reload' }).click()
        return (await found.count()) === 1
      },
      { what: 'the event in the search', deadlineMs: 60_000 },
    )
    await found.getByRole('link').click()
    await page.waitForURL(new RegExp(`${acme}/events/${id}$`))
    await watched.visit('/platform/search?q=127.0.0.1')
    await page.getByText('healthy (127.0.0.1').first().waitFor()
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    expect(watched.faults).toEqual([])
  }, 240_000)
}
