import { expect, test } from 'vitest'
import { ledgered } from '../ledgered.ts'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, overflows } from '../walk.ts'

const api = `/api/v1${ledgered}/billing`

/** Figures of the ledger by month, rates that they are converted by, and the ledger computed anew. The ledger is filled. */
export function figuresJourneys(running: () => RunningConsole): void {
  test('a kind of figures is empty, or shows other figures than the API has', async () => {
    const after = new Date(Date.now() - 1_000 * 86_400_000).toISOString()
    const asked = `mode=live&currency=BHD&after=${after}`
    const { periods } = await running().call('GET', `${api}/analytics/churn?${asked}`)
    const { cohorts } = await running().call('GET', `${api}/analytics/cohorts?${asked}`)
    const last = periods.at(-1)
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/revenue?show=churn&currency=BHD&after=${after}`)
    const show = (kind: string) =>
      page.getByRole('navigation', { name: 'Figures' }).getByRole('link', { name: kind }).click()
    const cellsOf = (table: string, row: string) =>
      page
        .getByRole('table', { name: table })
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: row }) })
        .getByRole('cell')

    await cellsOf('Churn by month', last.period).first().waitFor()
    const [customers, began, left] = await cellsOf('Churn by month', last.period).allInnerTexts()
    const { start, started } = last.subscribers
    expect([customers, began, left]).toEqual([start, started, last.customerChurn.left].map(String))
    await show('Per customer')
    await cellsOf('Averages by month', last.period).first().waitFor()
    await show('Cohorts')
    const [cohort] = cohorts
    await cellsOf('Cohorts', cohort.month).first().waitFor()
    expect(await cellsOf('Cohorts', cohort.month).first().innerText()).toBe(String(cohort.size))
    await show('Recovery')
    await page.waitForURL(/show=recovery/)
    await page.getByText('Loading …').first().waitFor({ state: 'detached' })
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('figures are converted by a rate that nobody entered, or a line that is no rate is sent', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/revenue?after=-400d&convert=EUR`)
    await page.getByText('The table of rates has none from').waitFor()
    await page.getByRole('link', { name: 'Exchange rates' }).first().click()
    const rates = page.getByLabel('Rates, one on each line')
    const summary = page.getByRole('alert')
    await rates.fill('BHD EUR 2020-01-01 2.5\n\nUSD EUR yesterday 1,1')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('.setting .fault').getByText('Line 3: “USD EUR yesterday 1,1”').waitFor()
    expect(await summary.innerText()).toContain('“USD EUR yesterday 1,1”')
    // A number that counts from 0 beside one that counts from 1 leads to another line.
    expect(await summary.innerText()).not.toMatch(/rates\.\d/)
    await rates.fill('\nBHD,EUR,2020-13-01,2.5')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('.setting .fault').getByText('Line 2: “BHD,EUR,2020-13-01,2.5”').waitFor()
    expect(await summary.innerText()).not.toMatch(/rates\.\d/)
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    await rates.fill('BHD EUR 2020-01-01 2.5')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved; in force').waitFor()
    expect((await running().call('GET', `${api}/rates`)).rates).toEqual({
      BHD: [{ currency: 'EUR', day: '2020-01-01', rate: '2.5' }],
    })
    await watched.visit(`${ledgered}/billing/revenue?after=-400d&convert=EUR`)
    await page.getByText('€').first().waitFor()
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a rebuild is begun unasked, or nobody sees its end', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/rebuilds`)
    await page.getByText('The ledger was never rebuilt').waitFor()
    await page.getByRole('button', { name: 'Rebuild …' }).click()
    expect((await running().call('GET', `${api}/rebuilds`)).items).toEqual([])
    await page.getByRole('dialog').getByRole('button', { name: 'Rebuild' }).click()
    await page.getByRole('row').getByText('completed').waitFor()
    const [rebuild] = (await running().call('GET', `${api}/rebuilds`)).items
    expect(rebuild.objects).toBeGreaterThan(0)
    await page.getByText(`${rebuild.objects} objects`).waitFor()
    expect(await accessFaults(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a page of a ledger that takes no events any more looks as if all was current', async () => {
    const enable = (enabled: boolean) =>
      running().call('PATCH', `/api/v1${ledgered}`, { ledger: { enabled } })
    await using watched = await running().open()
    const note = watched.page.getByText('No event comes in; what is there stays as it was')
    await enable(false)
    try {
      for (const name of ['revenue', 'customers', 'restatements', 'quarantine', 'rebuilds']) {
        await watched.visit(`${ledgered}/billing/${name}`)
        await note.waitFor()
        expect(await note.count(), name).toBe(1)
      }
    } finally {
      await enable(true)
    }
    await watched.visit(`${ledgered}/billing/quarantine`)
    await watched.page.getByText('The ledger knows no event of this type').waitFor()
    expect(await note.count()).toBe(0)
    expect(watched.faults).toEqual([])
  })
}
