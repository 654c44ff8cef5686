import { monitorEventLoopDelay } from 'node:perf_hooks'

/** Whether this process has less of the processors than it could use: what waits, waits for it. */
export interface Shortage extends Disposable {
  readonly lasts: boolean
}

/** How much later than asked for the event loop came round since the last look, ms, on the mean. */
export interface LoopDelay extends Disposable {
  lateMs(): number
}

const everyMs = 250
/** Measured from 0 to 0.4 ms at 500 webhooks a second, and from 2 to 50 ms where more come than the processors can do. */
const shortMs = 3
/** It lasts for so long after the loop was last late: a moment of rest is not the end of it. */
const lastsMs = 5_000

export function watchShortage(loop: LoopDelay = openLoopDelay()): Shortage {
  let untilMs = 0
  const timer = setInterval(() => {
    if (loop.lateMs() > shortMs) untilMs = performance.now() + lastsMs
  }, everyMs)
  timer.unref()
  return {
    get lasts() {
      return performance.now() < untilMs
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      loop[Symbol.dispose]()
    },
  }
}

const resolutionMs = 10

function openLoopDelay(): LoopDelay {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  return {
    lateMs() {
      // What it records is from one of its ticks to the next.
      const lateMs = delays.mean / 1e6 - resolutionMs
      delays.reset()
      return lateMs
    },
    [Symbol.dispose]: () => void delays.disable(),
  }
}
