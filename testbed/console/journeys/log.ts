import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { crowding } from '../../crowding.ts'
import { until } from '../../until.ts'
import { sendRouted } from '../routed.ts'
import type { RunningConsole } from '../running-console.ts'
import { acme } from '../walk.ts'

/** The event log, an event and a rejection: what was received, byte for byte, and nothing of it alive. */
export function logJourneys(running: () => RunningConsole): void {
  test('a webhook arrives in the log that is looked at, and opens by keyboard alone', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/events?source=github`)
    const { id } = await running().send('{"n":1152921506151679042,"a":1,"a":2}')
    await page.locator(`a[href="${acme}/events/${id}"]`).waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Request' }).waitFor()
    expect(await page.locator('.lines').innerText()).toMatch(
      /"n": 1152921506151679042,[\s\S]*"a": 1,[\s\S]*"a": 2/,
    )
    await page.getByRole('button', { name: 'Raw' }).click()
    await page.waitForURL(/\?body=raw$/)
    await page.getByLabel('Body, as received').waitFor()
    expect(await page.locator('.lines').innerText()).toContain('{"n":1152921506151679042,"a":1,"a":2}')
    await page.goBack()
    await page.waitForURL(/source=github/)
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a body that is downloaded differs from the received bytes', async () => {
    const body = '{"text":"ünï\\u0000 \u202e", "n": 1.0}'
    const { id } = await running().send(body)
    await using watched = await running().open()
    await untilLogged(running(), id!)
    await watched.visit(`${acme}/events/${id}`)
    const [download] = await Promise.all([
      watched.page.waitForEvent('download'),
      watched.page.getByRole('button', { name: 'Download' }).click(),
    ])
    const digest = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')
    expect(digest(await readFile(await download.path()))).toBe(digest(body))
  }, 180_000)

  test('captured markup, scripts, escapes and turned text do something', async () => {
    const body = JSON.stringify({
      html: '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>',
      link: 'javascript:window.pwned=1',
      turned: 'abc\u202edef',
      escape: '\u001b[31mred',
      long: 'x'.repeat(200_000),
    }).replace('\\u001b', '\u009b')
    const { id } = await running().send(body)
    await untilLogged(running(), id!)
    await using watched = await running().open()
    const { page } = watched
    const startedMs = performance.now()
    await watched.visit(`${acme}/events/${id}`)
    await page.locator('.lines').waitFor()
    expect(performance.now() - startedMs).toBeLessThan(10_000 * crowding())
    expect(await page.evaluate('window.pwned')).toBeUndefined()
    expect(await page.locator('main img, main script, main iframe').count()).toBe(0)
    const shown = await page.locator('main').innerText()
    expect(shown).toContain('<img src=x onerror=')
    expect(shown).toContain('\\u202e')
    expect(shown).not.toContain('\u202e')
    expect(shown).not.toContain('\u009b')
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a refusal says why in a sentence, and nowhere the signature that would have been right', async () => {
    const body = '{"refused":true}'
    expect((await running().send(body, 'test-only-another-secret')).status).toBe(401)
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/rejections?source=github`)
    await page.locator('[data-handle]').first().click()
    await page.locator('.sentence').waitFor()
    expect(await page.locator('.sentence').innerText()).toMatch(/secret/)
    expect(await page.content()).not.toContain('test-only-github-of-acme')
  }, 180_000)

  test('attempts of two deliveries can’t be seen side by side, or only by who chose them', async () => {
    const at = `/api/v1${acme}`
    for (const [name, path] of [
      ['twice', 'flaky'],
      ['steady', 'healthy'],
    ]) {
      const url = `${running().echoUrl}/${path}`
      const retry = { delaysSeconds: [1, 1] }
      await running().call('POST', `${at}/destinations`, { name, url, allowInsecureHttp: true, retry })
    }
    await running().call('POST', `${at}/routes`, {
      source: 'github',
      eventTypes: ['watch'],
      destinations: ['twice', 'steady'],
    })
    const id = await sendRouted(running(), 'watch', 3)
    await untilDelivered(running(), id, 'steady', 1)
    await running().call('POST', `${at}/events/${id}/retry`, { destination: 'steady' })
    await untilDelivered(running(), id, 'steady', 2)
    await untilDelivered(running(), id, 'twice', 3)
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/events/${id}`)
    const card = (name: string) => page.locator('.card', { has: page.getByRole('heading', { name }) })
    const chosen = (name: string, attempt: number) =>
      card(name)
        .getByRole('checkbox', { name: `Compare attempt ${attempt}`, checked: true })
        .waitFor()
    // Of both deliveries in one moment.
    await page.evaluate(
      `for (const box of document.querySelectorAll('[aria-label="Compare attempt 1"]')) box.click()`,
    )
    await Promise.all([chosen('steady', 1), chosen('twice', 1)])
    await card('twice').getByLabel('Compare attempt 3').click()
    await chosen('twice', 3)
    await card('steady').getByLabel('Compare attempt 2').click()
    const status = (name: string) =>
      card(name)
        .getByRole('table', { name: 'Side by side' })
        .getByRole('row', { name: /^status/ })
    const expectBoth = async () => {
      await status('steady').waitFor()
      expect(await status('steady').innerText()).toMatch(/^status\s+200\s+200$/)
      await status('twice').waitFor()
      expect(await status('twice').innerText()).toMatch(/^status ≠\s+503\s+200$/)
    }
    await expectBoth()
    await page.reload()
    await expectBoth()
    // The tooltip of a time goes when the pointer leaves the window.
    await card('twice').locator('time').first().hover()
    await page.locator('.hint').waitFor()
    await page.mouse.move(640, -20)
    await page.locator('.hint').waitFor({ state: 'detached' })
    expect(watched.faults).toEqual([])
  }, 180_000)

  test('a filter is lost with a reload, or a copied link means something else tomorrow', async () => {
    await using watched = await running().open()
    const { page } = watched
    await watched.visit(`${acme}/events`)
    await page.getByLabel('After').fill('-2h')
    await page.keyboard.press('Enter')
    await page.getByLabel('Status').selectOption('unrouted')
    await page.waitForURL(/after=-2h&status=unrouted/)
    await page.reload()
    expect(await page.getByLabel('After').inputValue()).toBe('-2h')
    await page.getByText('Nothing matches').waitFor()
    await page.evaluate('navigator.clipboard.writeText("")')
    await page.getByRole('button', { name: 'Copy link' }).click()
    const link = await until(async () => (await page.evaluate('navigator.clipboard.readText()')) as string, {
      what: 'the link',
    })
    expect(link).toMatch(/after=\d{4}-\d\d-\d\dT[^&]+&status=unrouted$/)
    await page.getByLabel('After').fill('soon')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('Not a time').waitFor()
  }, 180_000)
}

/** Waits until the delivery of an event to a destination has so many attempts at least, and has succeeded. */
async function untilDelivered(
  { call }: RunningConsole,
  event: string,
  destination: string,
  attempts: number,
) {
  await until(
    async () => {
      const { deliveries } = await call('GET', `/api/v1${acme}/events/${event}`)
      return deliveries.some(
        (each: { destination: string; state: string; attempts: readonly unknown[] }) =>
          each.destination === destination && each.state === 'delivered' && each.attempts.length >= attempts,
      )
    },
    { what: `${attempts} attempts for ${destination}`, deadlineMs: 60_000 },
  )
}

async function untilLogged({ url, platformKey }: RunningConsole, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${platformKey}` }
  await until(async () => (await fetch(`${url}/api/v1${acme}/events/${id}`, { headers })).ok, {
    what: 'the event in the log',
    deadlineMs: 60_000,
  })
}
