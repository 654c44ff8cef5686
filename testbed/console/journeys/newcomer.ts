import { expect, test } from 'vitest'
import { openOwner } from '../people.ts'
import type { RunningConsole } from '../running-console.ts'

/** All that a new user does in the first ten minutes, by clicks alone. */
export function newcomerJourney(running: () => RunningConsole): void {
  test('a newcomer needs more than clicks to send, break, understand, mend, promote, replay and invite', async () => {
    await using owned = await openOwner(running())
    const { page } = owned
    const menu = (label: string) => page.getByRole('navigation').getByRole('link', { name: label }).click()
    const heading = (name: string | RegExp) => page.getByRole('heading', { name }).first().waitFor()
    await page.getByRole('link', { name: /^Acme/ }).click()

    // Send: it arrives in the log.
    await menu('Simulator')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('200 accepted').waitFor()
    await page.locator('.recent .badge').first().waitFor()

    // A destination that answers, and a route that leads there.
    await menu('Destinations')
    await page.getByRole('link', { name: 'New destination' }).click()
    await page.getByLabel('Name', { exact: true }).fill('mine')
    await page.getByLabel('Address').fill(`${running().echoUrl}/mine`)
    await page.getByLabel('Allow http://').check()
    await page.getByRole('button', { name: 'Create the destination' }).click()
    await heading('mine')
    await menu('Routes')
    await page.getByRole('link', { name: 'New route' }).click()
    await page.getByLabel('Source').fill('simulator-github')
    await page.getByLabel('mine').check()
    await page.getByRole('button', { name: 'Create the route' }).click()
    await heading(/simulator-github to mine/)

    // Send again, and watch it delivered.
    await menu('Simulator')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('200 accepted').waitFor()
    await page.locator('.recent').getByText('mine').waitFor()

    // Break the secret, read why, put it right.
    await page.getByLabel('Break on purpose').selectOption('secret')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('401 refused').waitFor()
    await page.locator('.sentence').waitFor()
    expect(await page.locator('.sentence').innerText()).toMatch(/secret/i)
    await page.getByRole('button', { name: 'Give the source the sender’s key' }).click()
    await page.getByRole('link', { name: 'see which refused requests pass now' }).click()

    // Promote what passes now: once, and no other.
    await page.getByText('1 of 1 would pass').waitFor()
    await page.getByRole('button', { name: 'Promote those that pass' }).click()
    await page.getByRole('button', { name: 'Promote 1' }).click()
    await page.getByText('1 promoted.').waitFor()
    await page.getByRole('link', { name: 'See the event log' }).click()
    await heading('Event log')
    await page.locator('[data-handle]').nth(1).waitFor()

    // Replay what came since yesterday.
    await menu('Replays')
    await page.getByRole('button', { name: 'New replay' }).click()
    await page.getByLabel('Sources').fill('simulator-github')
    await page.getByLabel('Received after').fill('yesterday 00:00')
    await page.getByRole('button', { name: 'Count' }).click()
    await page.getByText(/deliver(y|ies) of \d+ events?/).waitFor()
    await page.getByRole('button', { name: 'Start' }).click()
    await page.getByText(/[1-9]\d* delivered of/).waitFor()

    // Invite a colleague as viewer.
    await menu('Members')
    await page.getByRole('button', { name: 'Invite' }).click()
    await page.getByLabel('E-mail address').fill('colleague@acme.example')
    await page.getByRole('button', { name: 'Send the invitation' }).click()
    await heading('Invited, not here yet')
    await page.getByText('as viewer').waitFor()
    expect(owned.faults).toEqual([])
  }, 240_000)
}
