import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { crowding } from '../../crowding.ts'
import { startTcpProxy } from '../../tcp-proxy.ts'
import { until } from '../../until.ts'
import { longestBy, longTasksOf, longTaskWatch, provesItself, textOf } from '../long-tasks.ts'
import type { RunningConsole, Watched } from '../running-console.ts'
import { acme } from '../walk.ts'

const perSecond = 50
/** Rows that a list keeps, see services/console/app/resource/live.ts. */
const keptRows = 2_000
/** Nobody but the sample's healthy destination wants it. */
const type = 'star'
/** A page that does something for longer doesn't answer a key at once, ms on a machine with a free processor. */
const longestTaskMs = 100
/** Beside other tests a task is interrupted: half a minute tells only a page that hangs, ms. */
const hangsMs = 1_000
/** From its begin to its end, whatever else the machine does; a sanity bound beside the one on work, ms. */
const longestWallMs = 5_000
/** With 2,000 rows and as many that wait; the page's scripts and React are 15 MB of it. */
const mostHeapBytes = 120e6

/**
 * The event log while events come, is away for a while, and in many windows.
 *
 * @param seconds how long events come, 50 a second
 * @param awaySeconds how long the browser has no network
 */
export function streamJourneys(
  running: () => RunningConsole,
  { seconds, awaySeconds }: { readonly seconds: number; readonly awaySeconds: number },
): void {
  test(
    `${perSecond} events a second for ${seconds} s: the log misses one, shows one twice, stutters or grows`,
    async () => {
      await using watched = await openLog(running())
      const { page } = watched
      await provesItself(page)
      const heaps: number[] = []
      const sent: string[] = []
      const rowsBefore = await rowsOf(page)
      const startedMs = performance.now()
      for (let second = 0; second < seconds; second++) {
        const ids = await sendFor(running(), 1, startedMs + second * 1_000)
        sent.push(...ids)
        if (second % 30 === 29 || second === seconds - 1) heaps.push(await heapBytes(watched))
      }
      await seenByStream(page, sent)
      // The list has each once, until it forgets its oldest rows. The stream brought each: see above.
      const rows = Math.min(rowsBefore + sent.length, keptRows)
      await until(async () => (await rowsOf(page)) === rows, { what: `${rows} rows` })
      const doubles = await page.evaluate<string[]>('window.seen.doubles()')
      const tasks = await longTasksOf(page)
      const growth = heaps.at(-1)! - heaps[Math.floor(heaps.length / 3)]!
      console.info(
        `${sent.length} events; ${tasks.length} tasks of 50 ms; the longest ${textOf(longestBy(tasks, 'wallMs'))}; the most work ${textOf(longestBy(tasks, 'workMs'))}; heap ${heaps.map(bytes => (bytes / 1e6).toFixed(0)).join(', ')} MB`,
      )
      expect(doubles).toEqual([])
      // On a crowded machine most of a long task is time in which other processes run: that is none of the page's.
      expect(longestBy(tasks, 'workMs')?.workMs ?? 0).toBeLessThan(
        (seconds >= 300 ? longestTaskMs : hangsMs) * crowding(),
      )
      expect(longestBy(tasks, 'wallMs')?.wallMs ?? 0).toBeLessThan(longestWallMs * crowding())
      expect(Math.max(...heaps)).toBeLessThan(mostHeapBytes)
      // A third of the way in, the log has all the rows that it keeps.
      if (seconds >= 300) expect(growth).toBeLessThan(20e6)
      expect(watched.faults).toEqual([])
    },
    (seconds * 4 + 240) * 1_000,
  )

  test(
    `a browser without network for ${awaySeconds} s misses what came meanwhile`,
    async () => {
      await using network = await startTcpProxy(Number(new URL(running().url).port))
      await using watched = await openLog(running(), `http://127.0.0.1:${network.port}`)
      const { page } = watched
      network.cut()
      await page.getByRole('button', { name: 'Connecting …' }).waitFor()
      const sent: string[] = []
      const awayUntilMs = performance.now() + awaySeconds * 1_000
      while (performance.now() < awayUntilMs) {
        sent.push((await running().send(`{"away":${sent.length}}`, undefined, type)).id!)
        await delay(250)
      }
      network.heal()
      await seenByStream(page, sent)
      const doubles = await page.evaluate<string[]>('window.seen.doubles()')
      expect(doubles).toEqual([])
    },
    (awaySeconds + 240) * 1_000,
  )

  test('with eight windows over HTTP/1.1 the seventh loads nothing, or some follow never', async () => {
    await using first = await openLog(running())
    const pages = [first.page]
    for (let count = 1; count < 8; count++) {
      const page = await first.context.newPage()
      await page.addInitScript(inView)
      await page.goto(first.page.url(), { waitUntil: 'domcontentloaded' })
      await page.locator('[data-handle]').first().waitFor()
      pages.push(page)
    }
    await untilFollowing(pages, 4)
    // Those that follow are closed, one and then the others: the rest take their places.
    for (const closing of [1, 3]) {
      for (let closed = 0; closed < closing; closed++) {
        const states = await following(pages)
        await pages.splice(states.indexOf(true), 1)[0]!.close()
      }
      await untilFollowing(pages, 4)
    }
    const { id } = await running().send('{"for":"windows"}', undefined, type)
    for (const page of pages) await page.locator(`a[href="${acme}/events/${id}"]`).waitFor()
  }, 300_000)
}

/** Runs in the page: tabs of a browser without windows hide each other, windows don't. */
const inView = `Object.defineProperty(document, 'visibilityState', { get: () => 'visible' })`

const following = (pages: readonly Page[]): Promise<boolean[]> =>
  Promise.all(pages.map(async page => (await page.locator('button.live.follows').count()) > 0))

const untilFollowing = (pages: readonly Page[], wanted: number) =>
  until(async () => (await following(pages)).filter(follows => follows).length === wanted, {
    what: `${wanted} windows that follow`,
    deadlineMs: 60_000,
    everyMs: 200,
  })

/** Runs in the page: notes every id that the stream brings, and rows that are there twice. */
const watch = `(() => {
  const streamed = new Set(), doubles = new Set()
  const idOf = link => link.getAttribute('href').split('/').pop()
  const look = () => {
    const now = [...document.querySelectorAll('table.resource a[data-handle]')].map(idOf)
    if (new Set(now).size < now.length) now.filter((id, at) => now.indexOf(id) !== at).forEach(id => doubles.add(id))
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ['href'] })
  const Plain = window.EventSource
  window.EventSource = class extends Plain {
    constructor(...given) {
      super(...given)
      this.addEventListener('event', ({ data }) => streamed.add(JSON.parse(data).id))
    }
  }
  window.seen = {
    notStreamed: wanted => wanted.filter(id => !streamed.has(id)),
    doubles: () => [...doubles],
  }
})()`

/** The log of the type, with a row in it, as it follows. */
async function openLog(running: RunningConsole, url?: string): Promise<Watched> {
  const watched = await running.open(url === undefined ? {} : { url })
  const { page } = watched
  const { id } = await running.send('{"first":true}', undefined, type)
  await until(
    async () =>
      (await running.call('GET', `/api/v1${acme}/events?type=${type}`)).items.some(
        ({ id: has }: { id: string }) => has === id,
      ),
    { what: 'the first event in the log', deadlineMs: 60_000 },
  )
  for (const script of [watch, longTaskWatch, inView]) await page.addInitScript(script)
  await watched.visit(`${acme}/events?type=${type}`)
  await page.getByRole('button', { name: 'Live' }).waitFor()
  await page.evaluate('window.longTasks.begin()')
  return watched
}

/** Sends for so many seconds from a time on, each at its moment; answers with the ids. */
async function sendFor(running: RunningConsole, seconds: number, fromMs: number): Promise<string[]> {
  const sending: Promise<string>[] = []
  for (let i = 0; i < seconds * perSecond; i++) {
    await delay(Math.max(0, fromMs + (i * 1_000) / perSecond - performance.now()))
    sending.push(running.send(`{"n":${i},"at":${fromMs}}`, undefined, type).then(({ id }) => id!))
  }
  return await Promise.all(sending)
}

/** How many rows the list says that it has. */
const rowsOf = async (page: Page): Promise<number> =>
  Number(/^(?:All )?(\d+)/.exec(await page.locator('.end-of-list').innerText())?.[1] ?? 1)

async function seenByStream(page: Page, ids: readonly string[]): Promise<void> {
  const asked = `window.seen.notStreamed(${JSON.stringify(ids)})`
  let missing: readonly string[] = ids
  await until(
    async () => {
      missing = await page.evaluate<string[]>(asked)
      return missing.length === 0
    },
    { what: 'every event in the stream', deadlineMs: 120_000, everyMs: 500 },
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${missing.length} of ${ids.length} are missing`, { cause: error })
  })
}

async function heapBytes({ page, context }: Watched): Promise<number> {
  const session = await context.newCDPSession(page)
  const from = await page.evaluate<number>('performance.now()')
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  // A collection of garbage that the test asks for is no task of the page's.
  await page.evaluate(`window.longTasks.except(${from}, performance.now())`)
  await session.detach()
  return usedSize
}
