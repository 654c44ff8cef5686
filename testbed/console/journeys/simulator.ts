import { expect, test } from 'vitest'
import type { RunningConsole } from '../running-console.ts'
import { acme } from '../walk.ts'

/** The simulator: what it sends arrives, and each way to break it is explained. */
export function simulatorJourneys(running: () => RunningConsole): void {
  test('a webhook of the simulator arrives, and each way to break it is explained', async () => {
    await using watched = await running().open()
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
      // The answer of before is away by then, and its sentence with it.
      const answered = page.waitForResponse(response => response.request().method() === 'POST')
      await page.getByRole('button', { name: 'Sign and send' }).click()
      await answered
      await page.getByText(/40\d refused/).waitFor()
      await page.locator('.sentence').waitFor()
      expect(await page.locator('.sentence').innerText()).toMatch(sentence)
    }
    expect(watched.faults).toEqual([])
  }, 240_000)
}
