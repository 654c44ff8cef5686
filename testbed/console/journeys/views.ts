import { isDeepStrictEqual } from 'node:util'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { seeded } from '../../seeded.ts'
import { until } from '../../until.ts'
import type { RunningConsole, Watched } from '../running-console.ts'
import { acme } from '../walk.ts'

/** Lists with what may be chosen in each; '' is nothing. */
const lists = {
  events: {
    status: ['', 'success', 'failed', 'unrouted'],
    source: ['', 'github', 'no-such-source'],
    type: ['', 'push', 'star', 'p*'],
    q: ['', 'push', 'evt_'],
    after: ['', '-2h', '-1w', 'yesterday 00:00'],
    before: ['', 'now', '2026-01-31T09:00:00Z'],
    mode: ['', 'live', 'test'],
  },
  rejections: { source: ['', 'github'], after: ['', '-2h'], before: ['', 'now'] },
  attempts: { destination: ['', 'healthy', 'broken'], after: ['', '-2h'] },
  issues: { state: ['', 'open', 'resolved'], kind: ['', 'delivery'], mode: ['', 'live', 'test'] },
  'dead-letters': { destination: ['', 'broken'], diedAfter: ['', '-1w'] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/**
 * Addresses are views: what one sees, a colleague who opens the address sees too; and times, in whatever zone.
 *
 * @param count of random views
 */
export function viewJourneys(running: () => RunningConsole, { count }: { readonly count: number }): void {
  test(
    `${count} random views: a copied address opened elsewhere shows other rows, or in another order`,
    async () => {
      await using mine = await running().open()
      await using theirs = await running().open()
      const random = seeded(17)
      for (let view = 0; view < count; view++) {
        const path = randomView(random)
        let look = await lookTwice(mine, theirs, path)
        // Rows move between two looks while deliveries end and issues open: whoever copies the link again sees the same.
        await until(
          async () => {
            if (isDeepStrictEqual(look.theirs, look.mine)) return true
            look = await lookTwice(mine, theirs, path)
            return false
          },
          { what: `two looks alike at ${path}` },
        ).catch(() => {})
        expect(look.theirs, `${path} as ${look.link}`).toEqual(look.mine)
      }
      expect([...mine.faults, ...theirs.faults]).toEqual([])
    },
    (count * 30 + 240) * 1_000,
  )

  test('an empty list doesn’t say which kind of nothing it is', async () => {
    await running().call('POST', '/api/v1/organizations', { slug: 'silent' })
    const { key } = await running().call('POST', `/api/v1${acme}/api-keys`, {
      name: 'reads events alone',
      role: 'viewer',
      scopes: ['events:read'],
    })
    const kinds = [
      ['/organizations/silent/events', 'Waiting for the first webhook'],
      [`${acme}/events?q=nothing-has-this`, 'Nothing matches'],
      [`${acme}/events?before=2020-01-01`, 'Older than what is kept'],
      [`${acme}/sources`, 'Not permitted'],
    ] as const
    await using platform = await running().open()
    await using scoped = await running().open({ key })
    for (const [path, says] of kinds) {
      const { page, visit } = says === 'Not permitted' ? scoped : platform
      await visit(path)
      await page.locator('.empty').getByText(says).first().waitFor()
    }
    expect([...platform.faults, ...scoped.faults]).toEqual([])
  })

  test('a time is in another zone than the one beside it, or is copied as nobody else reads it', async () => {
    const { id } = await running().send('{"for":"times"}')
    const event = await until(() => running().call('GET', `/api/v1${acme}/events/${id}`), {
      what: 'the event in the log',
      deadlineMs: 60_000,
    })
    await using watched = await running().open({ timezoneId: 'Australia/Adelaide', width: 1600 })
    const { page } = watched
    await watched.visit(`${acme}/events/${id}`)
    const time = page.locator(`time[datetime="${event.receivedAt}"]`).first()
    const at = (zone: string) =>
      new Date(event.receivedAt).toLocaleTimeString('en-GB', { timeZone: zone, hour12: false })
    expect(await time.innerText()).toContain(at('Australia/Adelaide'))
    await time.hover()
    await page.getByText(`${at('UTC')} UTC`).waitFor()
    await page.evaluate(
      `getSelection().selectAllChildren(document.querySelector('time[datetime="${event.receivedAt}"]'))`,
    )
    await page.keyboard.press('ControlOrMeta+c')
    const iso = new Date(event.receivedAt).toISOString()
    await until(async () => (await page.evaluate('navigator.clipboard.readText()')) === iso, {
      what: 'the time as ISO in the clipboard',
    })
    await watched.visit(`${acme}/events`)
    await page.getByRole('columnheader', { name: /Australia\/Adelaide/ }).waitFor()
    expect(watched.faults).toEqual([])
  }, 180_000)
}

/** The rows of a view, and those of the address that is copied there, opened in another browser. */
async function lookTwice(mine: Watched, theirs: Watched, path: string) {
  await mine.visit(path)
  await settled(mine.page)
  const rows = await rowsOf(mine.page)
  await mine.page.evaluate('navigator.clipboard.writeText("")')
  await mine.page.getByRole('button', { name: 'Copy link' }).click()
  const link = await until(
    async () => (await mine.page.evaluate<string>('navigator.clipboard.readText()')) || undefined,
    { what: 'the link' },
  )
  expect(link, path).not.toMatch(/=-\d|yesterday|now/)
  await theirs.visit(link.slice(new URL(link).origin.length))
  await settled(theirs.page)
  return { link, mine: rows, theirs: await rowsOf(theirs.page) }
}

function randomView(random: () => number): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const [list, choices] = pick(Object.entries(lists))
  const search = new URLSearchParams()
  for (const [name, values] of Object.entries(choices)) {
    const value = pick<string>(values)
    if (value !== '') search.set(name, value)
  }
  return `${acme}/${list}?${search}`
}

/** Until the list has rows, or says that it has none. */
const settled = (page: Page) => page.locator('[data-row], .empty').first().waitFor()

const rowsOf = (page: Page): Promise<(string | null)[]> =>
  page.locator('[data-row]').evaluateAll(rows => rows.map(row => row.getAttribute('data-row')))
