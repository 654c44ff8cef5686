import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../until.ts'
import { type Filled, fillLedger, ledgered } from '../ledgered.ts'
import type { RunningConsole } from '../running-console.ts'
import { accessFaults, acme, overflows } from '../walk.ts'
import { figuresJourneys } from './figures.ts'

/** The ledger: off, filled from two generated lives, asked why, by mode, as figures, and erased. */
export function billingJourneys(running: () => RunningConsole): void {
  // A group, so that the ledger is filled when its turn comes.
  describe('the ledger', () => ledgerJourneys(running))
}

function ledgerJourneys(running: () => RunningConsole): void {
  let filled: Filled
  beforeAll(async () => {
    filled = await fillLedger(running())
  }, 240_000)
  const rows = async (list: string) =>
    (await running().call('GET', `/api/v1${ledgered}/billing/${list}`)).items

  test('where the ledger is off, a list is empty and says no more', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/billing/customers`)
    await page.getByRole('heading', { name: 'The ledger is off' }).waitFor()
    await expectSound(page)
    expect(await page.locator('.empty pre').innerText()).toMatch(/ledger: \{ enabled: true \}/)
    await page.getByRole('link', { name: 'Switch it on in the settings' }).click()
    await page.getByLabel('Ledger').check()
    // A file declares the sample: the change is one to paste there.
    await page.getByRole('button', { name: 'Make the patch' }).click()
    await page.locator('.patch').waitFor()
    expect(await page.locator('.patch').innerText()).toMatch(/ledger:\s+enabled: true/)
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('the menu folds the ledger’s pages at each load until the API has answered', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/sources`)
    const menu = page.getByRole('navigation', { name: 'Pages' })
    await menu.getByRole('link', { name: 'Customers' }).waitFor()
    await page.route(`**/api/v1${ledgered}`, () => {})
    await page.reload()
    await menu.getByRole('link', { name: 'Customers' }).waitFor()
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a customer’s page doesn’t say what may be used now, or which event made a subscription what it is', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/subscriptions?status=active`)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    const timeline = page.getByRole('list', { name: 'Timeline' })
    await timeline.getByText(/begins as/).waitFor()
    expect(await page.locator('h1').innerText()).toMatch(/active/)
    expect(await page.locator('main').innerText()).not.toMatch(/missing|cut short|only mentioned/)
    await expectSound(page)

    const cause = timeline.getByRole('link', { name: 'customer.subscription.created' }).last()
    await cause.waitFor()
    await cause.click()
    await page.waitForURL(/\/events\/evt_/)
    await page.getByRole('heading', { name: 'customer.subscription.created' }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'Why is it as it is?' }).waitFor()
    await page.locator('.facts').getByRole('link').first().click()
    await page.waitForURL(/\/billing\/customers\//)
    const access = page.getByRole('region', { name: 'What may this customer use now?' })
    await access.getByText('has access').waitFor()
    expect(await access.getByRole('row').count()).toBeGreaterThan(1)
    await expectSound(page)
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('an amount is shown with the decimals of another currency, or a dispute not at all', async () => {
    const [disputed] = [...filled.live.objects.values()].filter(({ object }) => object === 'dispute')
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/payments/${disputed!.payment_intent}`)
    const text = (await page.locator('main').innerText()).replaceAll('\u00a0', ' ')
    expect(text).toContain(`BHD ${thousandths(disputed!.amount as number)}`)
    expect(text).toContain(disputed!.id)
    await watched.visit(`${ledgered}/billing/invoices`)
    const amounts = page.getByRole('cell').filter({ hasText: 'BHD' })
    await amounts.first().waitFor()
    const [invoice] = await rows('invoices?mode=live')
    expect((await amounts.allInnerTexts()).map(each => each.replaceAll('\u00a0', ' '))).toContain(
      `BHD ${thousandths(invoice.total.amount)}`,
    )
    await expectSound(page)
  }, 180_000)

  test('test data is taken for live: in a list, on a page whose id both have, or in the revenue', async () => {
    const plans = async (mode: string) => (await rows(`plans?mode=${mode}`)) as { id: string }[]
    const [live, ofTest] = [await plans('live'), await plans('test')]
    const shared = live.find(({ id }) => ofTest.some(other => other.id === id))
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/plans`)
    expect(await page.getByRole('status').filter({ hasText: 'Test data' }).count()).toBe(0)
    expect(await page.locator('main').innerText()).not.toContain('¥')
    await page.getByLabel('Mode').selectOption('test')
    await page.getByRole('status').filter({ hasText: 'Test data' }).waitFor()
    await page.getByRole('cell', { name: '¥' }).first().waitFor()
    await expectSound(page)
    const id = shared?.id ?? ofTest[0]!.id
    await page.locator(`a[href*="/plans/${id}?"]`).first().click()
    await page.getByRole('status').filter({ hasText: 'Test data' }).waitFor()
    expect(await page.locator('main').innerText()).toContain('¥')
    // Who looks at test data goes on doing so.
    await page.getByRole('navigation').getByRole('link', { name: 'Invoices' }).click()
    await page.getByRole('heading', { name: 'Invoices' }).waitFor()
    await page.getByRole('status').filter({ hasText: 'Test data' }).waitFor()
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('revenue is a picture without its figures, or figures that don’t add up', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/revenue?after=-400d`)
    await page.getByRole('heading', { name: 'From beginning to end' }).waitFor()
    const bridge = page.getByRole('table', { name: 'What moved recurring revenue' }).getByRole('row').nth(1)
    await bridge.waitFor()
    const cells = (await bridge.getByRole('cell').allInnerTexts()).map(amountOf)
    const [start = 0, began = 0, again = 0, grew = 0, shrank = 0, left = 0, end = 0] = cells
    expect(start + began + again + grew - shrank - left).toBe(end)
    expect(end).toBeGreaterThan(0)
    const chart = page.getByRole('slider', { name: 'Recurring revenue a month' })
    await chart.focus()
    await page.keyboard.press('ArrowLeft')
    const [, said = ''] = ((await chart.getAttribute('aria-valuetext')) ?? '').split(': ')
    expect(amountOf(said)).toBe(end)
    const days = page.getByRole('table', { name: 'Day by day' }).getByRole('row')
    await days.nth(2).waitFor()
    await expectSound(page)
    await page.getByLabel('Mode').selectOption('test')
    await page.getByText('¥').first().waitFor()
    // Each part of the page has an answer of its own.
    await until(async () => !(await page.locator('main').innerText()).includes('BHD'), {
      what: 'a page without the currency of live data',
    })
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('recurring revenue is missing in a quiet time, or another kind of figures is in another currency', async () => {
    const { days } = await running().call(
      'GET',
      `/api/v1${ledgered}/billing/analytics/days?mode=live&after=${ago(400)}`,
    )
    const quiet = quietTime(days)
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/revenue?after=${quiet.after}&before=${quiet.before}`)
    await page.getByText('Nothing moved in this time').waitFor()
    const figures = page.locator('.figures').first()
    await figures.getByText('Recurring revenue a month').waitFor()
    const shown = (await figures.innerText()).replaceAll('\u00a0', ' ')
    expect(shown).toContain(`BHD ${thousandths(quiet.mrr)}\nRecurring revenue a month`)
    expect(shown).toContain(`${quiet.subscribers}\nCustomers with recurring revenue`)
    await expectSound(page)
    await page.getByRole('navigation', { name: 'Figures' }).getByRole('link', { name: 'Churn' }).click()
    await page.waitForURL(/currency=BHD/)
    await page.getByRole('table', { name: 'Churn by month' }).waitFor()
    // Nobody began in this time.
    await page.getByRole('navigation', { name: 'Figures' }).getByRole('link', { name: 'Cohorts' }).click()
    await page.getByRole('heading', { name: 'Nothing in BHD in this time' }).waitFor()
    expect(await page.getByLabel('Currency').inputValue()).toBe('BHD')
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('an event that the ledger could not read is nowhere, or without its reason', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/quarantine`)
    await page.getByText('The ledger knows no event of this type').waitFor()
    await expectSound(page)
    await page.getByRole('link', { name: /odd\.happened/ }).click()
    await page.getByRole('heading', { name: 'odd.happened' }).waitFor()
  }, 180_000)

  test('personal data is erased without being asked for, or stays on the page', async () => {
    const [customer] = await rows('customers?mode=live')
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${ledgered}/billing/customers?q=${encodeURIComponent(customer.email)}`)
    await page.locator('[data-handle]').first().click()
    await page.locator('.facts').getByText(customer.email).waitFor()
    await page.getByRole('button', { name: 'Erase personal data' }).click()
    await page.getByRole('alertdialog').getByText('no rebuild brings them back').waitFor()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Erase personal data' }).click()
    await page.locator('.facts').getByText('erased').first().waitFor()
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    await until(async () => !(await page.content()).includes(customer.email), {
      what: 'a page without the address',
    })
    expect(await page.getByRole('button', { name: 'Erase personal data' }).count()).toBe(0)
    expect(watched.faults).toEqual([])
  }, 180_000)

  figuresJourneys(running)
}

/** `1999` of a currency with three decimals. */
const thousandths = (amount: number): string =>
  (amount / 1_000).toLocaleString('en-US', { minimumFractionDigits: 3 })

const dayMs = 86_400_000
const ago = (days: number): string => new Date(Date.now() - days * dayMs).toISOString()

interface Day {
  readonly day: string
  readonly mrr: { readonly end: { readonly amount: number } }
  readonly subscribers: number
}

/** Between two days of UTC on which something moved, a day from each: also where a browser's day begins elsewhere. */
function quietTime(days: readonly Day[]) {
  for (const [index, { day, mrr, subscribers }] of days.entries()) {
    const [from, until] = [day, days[index + 1]?.day ?? ''].map(Date.parse)
    if (mrr.end.amount > 0 && until! - from! > 5 * dayMs) {
      const [after, before] = [from! + 2 * dayMs, until! - dayMs].map(ms => new Date(ms).toISOString())
      return { after, before, mrr: mrr.end.amount, subscribers }
    }
  }
  throw new Error('something moved every day')
}

/** The number in a text such as `BHD 1,999.000`, in the least units that are shown; 0 where there is none. */
function amountOf(text: string): number {
  const found = /(-?)(?:[A-Z]{3}|[^\s\w-])\s*([\d,]+)\.?(\d*)/.exec(text.replaceAll('\u00a0', ' '))
  return found ? Number(`${found[1]}${found[2]!.replaceAll(',', '')}${found[3]}`) : 0
}

async function expectSound(page: Page): Promise<void> {
  expect(await accessFaults(page)).toEqual([])
  expect(await overflows(page)).toEqual([])
}
