import type { Page } from 'playwright-core'
import { until } from '../until.ts'

/** A task of a page's main thread that took 50 ms or longer. */
interface LongTask {
  /** From its begin to its end, ms: also while the operating system ran something else. */
  readonly wallMs: number
  /** In which scripts ran, or styles and layout were computed, ms. Scripts below 5 ms are not told. */
  readonly workMs: number
  /** What it did, the longest first. */
  readonly parts: readonly string[]
}

interface Span {
  readonly from: number
  readonly until: number
}

interface Part extends Span {
  readonly what: string
}

interface Observed {
  readonly tasks: readonly Span[]
  readonly parts: readonly Part[]
  /** Times in which the test had the page do something. */
  readonly excepted: readonly Span[]
}

/** Runs in the page before its own scripts. It observes from `window.longTasks.begin()` on. */
export const longTaskWatch = `(() => {
  const tasks = [], parts = [], excepted = []
  const observe = (type, take) =>
    new PerformanceObserver(list => list.getEntries().forEach(take)).observe({ type, buffered: false })
  const nameOf = ({ invoker, sourceFunctionName, sourceURL }) =>
    [invoker, sourceFunctionName, sourceURL.split('/').pop()].filter(Boolean).join(' ')
  window.longTasks = {
    begin() {
      observe('longtask', ({ startTime, duration }) => tasks.push({ from: startTime, until: startTime + duration }))
      // Tells of a frame which scripts ran, and when its styles and layout were computed.
      observe('long-animation-frame', ({ startTime, duration, styleAndLayoutStart, scripts }) => {
        for (const script of scripts)
          parts.push({ from: script.startTime, until: script.startTime + script.duration, what: nameOf(script) })
        if (styleAndLayoutStart > 0)
          parts.push({ from: styleAndLayoutStart, until: startTime + duration, what: 'styles and layout' })
      })
    },
    except: (from, until) => excepted.push({ from, until }),
    observed: () => ({ tasks, parts, excepted }),
  }
})()`

/** All that was observed, in order. */
export async function longTasksOf(page: Page): Promise<LongTask[]> {
  const { tasks, parts, excepted } = await page.evaluate<Observed>('window.longTasks.observed()')
  return tasks
    .filter(task => !excepted.some(span => overlapMs(span, task) > 0))
    .map(task => told(task, parts))
}

/** Longer than any limit that a task of a page is held to, ms. */
const burntMs = 150

/**
 * Has the page be at work for 150 ms, in a script of its own, and waits until that is observed: where nothing tells of work, every page
 * looks quick. Rejects otherwise. Leaves the task out of those that are answered later.
 */
export async function provesItself(page: Page): Promise<void> {
  const burnt = await page.evaluate<Span>(`new Promise(resolve => setTimeout(() => {
    const from = performance.now()
    while (performance.now() < from + ${burntMs});
    resolve({ from, until: performance.now() })
  }))`)
  const isSeen = async () => {
    const { tasks, parts } = await page.evaluate<Observed>('window.longTasks.observed()')
    const task = tasks.find(each => overlapMs(each, burnt) > 0)
    return task !== undefined && told(task, parts).workMs >= 100
  }
  await until(isSeen, { what: `a task of ${burntMs} ms and its script observed`, deadlineMs: 60_000 })
  await page.evaluate(`window.longTasks.except(${burnt.from}, ${burnt.until})`)
}

function told(task: Span, parts: readonly Part[]): LongTask {
  const own = parts
    .map(part => ({ ...part, ms: overlapMs(part, task) }))
    .filter(({ ms }) => ms > 0)
    .toSorted((one, other) => other.ms - one.ms)
  return {
    wallMs: task.until - task.from,
    workMs: own.reduce((sum, { ms }) => sum + ms, 0),
    parts: own.map(({ what, ms }) => `${what} ${ms.toFixed(0)} ms`),
  }
}

const overlapMs = (one: Span, other: Span): number =>
  Math.min(one.until, other.until) - Math.max(one.from, other.from)

/** The task with the most of something; undefined where none was long. */
export const longestBy = (tasks: readonly LongTask[], by: 'wallMs' | 'workMs'): LongTask | undefined =>
  tasks.toSorted((one, other) => other[by] - one[by])[0]

export const textOf = (task: LongTask | undefined): string =>
  task
    ? `${task.wallMs.toFixed(0)} ms, at work for ${task.workMs.toFixed(0)} (${task.parts.slice(0, 4).join(', ')})`
    : 'below 50 ms'
