import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { isThorough } from '../thorough.ts'
import { ledgered } from './ledgered.ts'
import type { OpenOptions, RunningConsole, Watched } from './running-console.ts'

export const acme = '/organizations/acme'
const pages: readonly string[] = [
  '/',
  '/account',
  '/platform/organizations',
  '/platform/health',
  '/platform/search?q=acme',
  '/platform/dead-letters',
  '/platform/audit-log',
  '/platform/new-organization',
  acme,
  ...[
    'events',
    'events?status=pending&q=nothing-has-this',
    'issues',
    'rejections',
    'attempts',
    'retries',
    'analytics',
    'usage',
    'deliveries',
    'dead-letters',
    'replays',
    'sources',
    'stripe-accounts',
    'destinations',
    'routes',
    'new-source?provider=paypal',
    'new-destination',
    'new-route',
    'sources/github',
    'destinations/flaky',
    'members',
    'api-keys',
    'notifications',
    'audit-log',
    'settings',
    'simulator?provider=stripe',
    'no-such-page',
  ].map(page => `${acme}/${page}`),
]

/** Of the ledger: off, filled, and with test data. */
const ledgerPages = [
  `${acme}/billing/customers`,
  ...[
    'revenue?after=-400d',
    'revenue?after=-400d&mode=test',
    'revenue?show=churn',
    'revenue?show=customers',
    'revenue?show=cohorts',
    'revenue?show=recovery&mode=test',
    'customers',
    'subscriptions',
    'invoices?mode=test',
    'payments',
    'plans',
    'quarantine',
    'rates',
    'restatements',
    'rebuilds',
  ].map(page => `${ledgered}/billing/${page}`),
]

/** The rules that WCAG 2.1 A and AA ask for. */
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

/** The rows of a list after its first eight. */
const laterRows = 'table.resource > tbody > tr:nth-child(n + 9)'

/** What keeps people out. Rows of a list come from one declaration: beside `test:chaos` axe looks at the first eight alone. */
export async function accessFaults(page: Page): Promise<string[]> {
  // There are no frames, and without the legacy mode each look would open a page of its own to put their results together.
  const axe = new AxeBuilder({ page })
    .setLegacyMode()
    // A selector for each element that passes takes longer than all rules.
    .options({ resultTypes: ['violations'], selectors: false })
    .withTags(rules)
    .exclude('[data-base-ui-focus-guard]')
  const { violations } = await (isThorough ? axe : axe.exclude(laterRows)).analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`)
}

/** Widths at which lists show other columns, 1280 pixels at 200 % zoom, and the narrowest phone, in pixels. */
const widths = [1400, 1280, 900, 640, 320]

/** By how much a page is wider than its window, and what sticks out; '' where nothing does. */
const overflow = `(() => {
  const { scrollWidth } = document.documentElement
  if (scrollWidth <= innerWidth) return ''
  const out = [...document.querySelectorAll('body *')].filter(
    element => element.getBoundingClientRect().right > innerWidth,
  )
  const named = out.slice(-3).map(({ tagName, className }) => tagName + '.' + className)
  return scrollWidth - innerWidth + ' too many: ' + named.join(' ')
})()`

/** Text a tenth wider than this machine's fonts make it: another machine has others. */
const widerText = `document.documentElement.style.fontSize = '16.5px'
document.documentElement.style.letterSpacing = '0.03em'`
const usualText = `document.documentElement.style.fontSize = ''
document.documentElement.style.letterSpacing = ''`

/** Widths at which a page is wider than its window, with text a tenth wider. The window is left as it was. */
export async function overflows(page: Page, at: readonly number[] = widths): Promise<string[]> {
  const before = page.viewportSize()!
  await page.evaluate(widerText)
  const found: string[] = []
  for (const width of at) {
    await page.setViewportSize({ ...before, width })
    const fault = await page.evaluate<string>(overflow)
    if (fault) found.push(`${width} pixels: ${fault}`)
  }
  await page.evaluate(usualText)
  await page.setViewportSize(before)
  return found
}

/** Pages of one thing each, of those that are there. */
async function pagesOfThings(running: RunningConsole): Promise<string[]> {
  const found: string[] = []
  for (const list of ['events', 'rejections', 'issues', 'retries', 'routes']) {
    const { items } = await running.call('GET', `/api/v1${acme}/${list}`)
    if (items[0]) found.push(`${acme}/${list}/${items[0].id}`)
  }
  const { items } = await running.call('GET', `/api/v1${acme}/attempts?limit=1`)
  return items[0] ? [...found, `${acme}/attempts?open=${items[0].id}`] : found
}

/** The pages of the ledger, and one of each kind of row. `fillLedger` comes first. */
export async function pagesOfLedger(running: RunningConsole): Promise<string[]> {
  const found: string[] = []
  for (const list of ['customers', 'subscriptions', 'invoices', 'payments', 'plans']) {
    const path = `${ledgered}/billing/${list}`
    const { items } = await running.call('GET', `/api/v1${path}?mode=live`)
    found.push(`${path}/${encodeURIComponent(items[0].id)}`)
  }
  return [...ledgerPages, ...found]
}

/** How a page is looked at: width in pixels; 640 with two physical pixels for each is 1280 at 200 % zoom. */
export const looks = [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 320, colorScheme: 'light' },
  { width: 320, colorScheme: 'dark' },
  { width: 640, deviceScaleFactor: 2, colorScheme: 'light' },
  { width: 640, deviceScaleFactor: 2, colorScheme: 'dark' },
] as const satisfies readonly OpenOptions[]

/** Looks at every page in one way: each that breaks its policy, overflows or keeps someone out. */
export async function faultsOfPages(
  running: RunningConsole,
  look: OpenOptions,
  more: readonly string[] = [],
): Promise<string[]> {
  await using watched = await running.open(look)
  const faults: string[] = []
  for (const path of [...(await pathsOf(running)), ...more]) {
    faults.push(...(await faultsOf(watched, path, widths)))
  }
  return [...faults, ...watched.faults]
}

/** Pages that a journey looks at as closely, in one theme. */
const lookedAtByJourneys =
  /^\/platform\/(?:search|dead-letters)|\/(?:stripe-accounts|notifications)$|\/(?:iss|rty)_/

/** Looks at every page once that no journey looks at: at the next one in the next way, from the seed on. */
export async function faultsOfPagesInTurn(running: RunningConsole, seed: number): Promise<string[]> {
  await using watched = await running.open()
  const faults: string[] = []
  const paths = (await pathsOf(running)).filter(path => !lookedAtByJourneys.test(path))
  for (const [index, path] of paths.entries()) {
    const { width, colorScheme } = looks[(index + seed) % looks.length]!
    await watched.page.emulateMedia({ colorScheme })
    await watched.page.setViewportSize({ width, height: 800 })
    const found = await faultsOf(watched, path, [width, widths[(index + seed) % widths.length]!])
    faults.push(...found.map(fault => `${width} pixels, ${colorScheme}: ${fault}`))
  }
  return [...faults, ...watched.faults]
}

/** All pages, once there is an event and a rejection. */
async function pathsOf(running: RunningConsole): Promise<string[]> {
  await running.send('{"for":"the pages"}')
  await running.send('{"for":"the pages"}', 'test-only-another-secret')
  return [...pages, ...(await pagesOfThings(running))]
}

async function faultsOf(watched: Watched, path: string, at: readonly number[]): Promise<string[]> {
  await watched.visit(path)
  return [
    ...(await accessFaults(watched.page)).map(fault => `${path} ${fault}`),
    ...(await overflows(watched.page, at)).map(fault => `${path} overflows at ${fault}`),
  ]
}
