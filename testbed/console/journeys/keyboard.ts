import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { until } from '../../until.ts'
import type { RunningConsole } from '../running-console.ts'
import { acme } from '../walk.ts'

const type = 'release'
const at = `/api/v1${acme}`

/** What failed is found, understood, repaired and closed without a pointer. */
export function keyboardJourney(running: () => RunningConsole): void {
  test('triage of issues and events asks for a pointer, or a live update takes the focus', async () => {
    await running().call('POST', `${at}/destinations`, {
      name: 'unwell',
      url: `${running().echoUrl}/broken`,
      allowInsecureHttp: true,
      retry: { preset: 'none' },
    })
    await running().call('POST', `${at}/routes`, {
      source: 'github',
      eventTypes: [type],
      destinations: ['unwell'],
    })
    const issues = () => running().call('GET', `${at}/issues?destination=unwell`)
    await until(
      async () => {
        await running().send('{"fails":true}', undefined, type)
        return (await issues()).items.length > 0
      },
      { what: 'an issue', deadlineMs: 60_000, everyMs: 1_000 },
    )
    await using watched = await running().open()
    const { page } = watched
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first().waitFor()

    // The letter after `g` leads away, and presses nothing of the row in focus.
    await watched.visit(`${acme}/dead-letters?destination=unwell`)
    await press('j', 'g', 'r')
    await heading('Rejections')
    const { items: done } = await running().call('GET', `${at}/audit-log?limit=3`)
    expect(done.map(({ action }: { action: string }) => action)).not.toContain('dead_letter.retried')

    // From anywhere to the issues, to those of one destination, and into the list.
    await watched.visit(acme)
    await press('ControlOrMeta+k')
    // It is in the page a moment before it takes what is typed.
    await until(async () => (await focused(page)) === 'INPUT', { what: 'the palette in focus' })
    await page.keyboard.type('issues')
    await press('Enter')
    await heading('Issues')
    await press('/')
    await until(async () => (await focused(page)) === 'SELECT', { what: 'a filter in focus' })
    await page.goto(`${page.url()}?destination=unwell`)
    await page.getByRole('link', { name: /unwell fails/ }).waitFor()
    await press('?')
    await page.getByRole('dialog').getByText('acknowledge, resolve, ignore').waitFor()
    await press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await press('j', 'a')
    await page.locator('td .badge', { hasText: 'acknowledged' }).waitFor()
    expect(await focused(page)).toBe('A')
    await press('Enter')
    await heading(/unwell fails/)
    await press('r')
    await heading(/Retry of/)
    await running().call('PATCH', `${at}/destinations/unwell`, { url: `${running().echoUrl}/healthy` })
    await press('r')
    await page.locator('h1 .badge', { hasText: 'completed' }).waitFor()

    // Back to the issue, which is said to be over.
    await press('g', 'i')
    await heading('Issues')
    await page.goto(`${running().url}${acme}/issues?destination=unwell`)
    await page.getByRole('link', { name: /unwell fails/ }).waitFor()
    await press('j', 'e')
    await page.locator('td .badge', { hasText: 'resolved' }).waitFor()

    // The event: opened, read, and back on the row that it was.
    await press('g', 'e')
    await heading('Event log')
    await press('/')
    await page.keyboard.type(type)
    await press('Enter')
    await page.waitForURL(/q=release/)
    await page.getByRole('link', { name: type }).first().waitFor()
    // Rows of before are there until the API has answered.
    await page.locator('tr[data-row]').filter({ hasNotText: type }).first().waitFor({ state: 'detached' })
    await press('ArrowDown')
    await until(async () => (await focused(page)) === 'A', { what: 'a row in focus' })
    const row = await page.evaluate<string>('document.activeElement.getAttribute("href")')
    await press('Enter')
    await heading('Request')
    await page.goBack()
    await until(async () => (await page.evaluate('document.activeElement.getAttribute("href")')) === row, {
      what: 'the row that was opened in focus again',
    })
    expect(watched.faults).toEqual([])
  }, 240_000)
}

const focused = (page: Page): Promise<string> => page.evaluate('document.activeElement.tagName')
