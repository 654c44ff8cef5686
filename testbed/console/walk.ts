import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import type { OpenOptions, RunningConsole } from './running-console.ts'

export const acme = '/organizations/acme'
const pages = [
  '/',
  acme,
  ...[
    'events',
    'events?status=pending&q=nothing-has-this',
    'rejections',
    'deliveries',
    'dead-letters',
    'replays',
    'sources',
    'destinations',
    'routes',
    'members',
    'api-keys',
    'audit-log',
    'simulator?provider=stripe',
    'no-such-page',
  ].map(page => `${acme}/${page}`),
]

/** The rules that WCAG 2.1 A and AA ask for. */
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

export async function accessFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(rules)
    .exclude('[data-base-ui-focus-guard]')
    .analyze()
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 160)}`)
}

/** Pixels by which a page is wider than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - window.innerWidth')

/** Looks at every page: each that breaks its policy, overflows or keeps someone out. */
export async function faultsOfPages(running: RunningConsole, options: OpenOptions): Promise<string[]> {
  await running.send('{"for":"the pages"}')
  await running.send('{"for":"the pages"}', 'test-only-another-secret')
  await using watched = await running.open(options)
  const faults: string[] = []
  for (const path of pages) {
    await watched.visit(path)
    for (const fault of await accessFaults(watched.page)) faults.push(`${path} ${fault}`)
    if ((await overflow(watched.page)) > 0) faults.push(`${path} overflows`)
  }
  return [...faults, ...watched.faults]
}
