import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { until } from '../../until.ts'
import { sendRouted } from '../routed.ts'
import type { RunningConsole, Watched } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'

const at = '/api/v1/organizations/acme'
const type = 'deployment'

/** Failures become an issue, dead letters are retried as planned, by a tenant and by staff. */
export function repairJourneys(running: () => RunningConsole): void {
  test('what fails for one reason is many rows, or cannot be told to be known, ignored or over', async () => {
    await openDying(running())
    await die(running(), 3)
    await using watched = await running().open()
    const { page } = watched
    await openIssue(watched)
    await page.getByRole('heading', { name: 'The newest failure' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('POST /broken HTTP/1.1')
    const state = (word: string) => page.locator('h1 .badge', { hasText: word }).waitFor()
    await page.getByRole('button', { name: 'Acknowledge' }).click()
    await state('acknowledged')
    await page.getByRole('button', { name: 'Ignore …' }).click()
    await page.getByRole('combobox', { name: 'For', exact: true }).selectOption('a week')
    await page.getByRole('button', { name: 'Ignore', exact: true }).click()
    await state('ignored')
    await page.getByRole('button', { name: 'Reopen' }).click()
    await state('open')
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    expect(watched.faults).toEqual([])
  }, 240_000)

  test('a bulk retry tries what died after its plan, or is lost to the colleague who opens its address', async () => {
    await using watched = await running().open()
    const { page } = watched
    await openIssue(watched)
    await page.getByRole('button', { name: 'Retry what died of it' }).click()
    await page.getByRole('heading', { name: 'Retry of 3 deliveries' }).waitFor()
    await page.getByText('Nothing has been sent yet').waitFor()
    const planned = page.url()
    await die(running(), 2)
    await using colleague = await running().open()
    await colleague.page.goto(planned)
    await colleague.page.getByText('2 died since and are not part of it').waitFor()
    await colleague.page.getByRole('row', { name: /dying\s+3/ }).waitFor()

    await running().call('PATCH', `${at}/destinations/dying`, { url: `${running().echoUrl}/healthy` })
    await page.getByRole('button', { name: 'Start' }).click()
    await colleague.page.locator('h1 .badge', { hasText: 'completed' }).waitFor()
    await colleague.page.getByText('3 delivered').waitFor()
    await untilDead(running(), 2)
    expect(await accessFaults(colleague.page)).toEqual([])
    expect(await overflows(colleague.page)).toEqual([])
    expect([...watched.faults, ...colleague.faults]).toEqual([])
  }, 300_000)

  test('dead letters that a filter matches are retried with others, or without having been counted', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/dead-letters?destination=dying`)
    const letters = page.locator('[data-handle]')
    await letters.nth(1).waitFor()
    expect(await letters.count()).toBe(2)
    await page.getByRole('button', { name: 'Discard' }).first().click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Discard' }).click()
    await page.getByText('That is the only one').waitFor()
    await page.getByRole('button', { name: 'Retry all that match' }).click()
    await page.getByRole('heading', { name: 'Retry of 1 delivery' }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click()
    await page.locator('h1 .badge', { hasText: 'cancelled' }).waitFor()
    expect(await deadOf(running())).toBe(1)
  }, 240_000)

  test('staff retries dead letters of organizations one by one, unplanned, or loses the plan with a reload', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit('/platform/health')
    await page.getByRole('row', { name: /Acme Corp/ }).waitFor()
    await page.getByRole('link', { name: 'Retry dead letters of several organizations' }).click()
    await page.getByLabel(/Acme Corp/).check()
    await page.getByLabel('Only those that died after').fill('soon')
    await page.getByRole('alert').getByText('Not a time').waitFor()
    await page.getByLabel('Only those that died after').fill('-2h')
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    await page.getByRole('button', { name: 'Plan a retry in each' }).click()
    await page.waitForURL(/plans=acme/)
    await page.reload()
    await page.getByText(/Exactly these \d+ deliveries of 1 organization are tried/).waitFor()
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    await page.getByRole('button', { name: 'Start all' }).click()
    await page.locator('td .badge', { hasText: 'completed' }).waitFor()
    // Completed is what is handed over; the delivery is told a moment later.
    await untilDead(running(), 0)
    expect(watched.faults).toEqual([])
  }, 240_000)
}

/** A destination that refuses every delivery, each of which dies at once, and a route to it. */
async function openDying(running: RunningConsole): Promise<void> {
  await running.call('POST', `${at}/destinations`, {
    name: 'dying',
    url: `${running.echoUrl}/broken`,
    allowInsecureHttp: true,
    retry: { preset: 'none' },
  })
  await running.call('POST', `${at}/routes`, {
    source: 'github',
    eventTypes: [type],
    destinations: ['dying'],
  })
}

const deadOf = async (running: RunningConsole): Promise<number> =>
  (await running.call('GET', `${at}/dead-letters?destination=dying`)).items.length

const untilDead = (running: RunningConsole, count: number) =>
  until(async () => (await deadOf(running)) === count, {
    what: `${count} dead letters`,
    deadlineMs: 60_000,
  })

/** Has exactly so many more deliveries to `dying` become dead letters. */
async function die(running: RunningConsole, count: number): Promise<void> {
  const before = await deadOf(running)
  for (let dead = 0; dead < count; dead++) await sendRouted(running, type, 2)
  await untilDead(running, before + count)
}

/** From the list of issues to the page of the one that all of them are. */
async function openIssue({ page, visit }: Watched): Promise<void> {
  await visit(`${acme}/issues?destination=dying`)
  await page.getByRole('link', { name: /dying fails/ }).click()
  await pageOfIssue(page)
}

const pageOfIssue = (page: Page) => page.getByRole('heading', { name: /dying fails/ }).waitFor()
