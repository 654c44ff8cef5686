/** The next step for a key: none, look again after a while, or try again with growing waits. */
export type Next =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly afterMs: number }
  | { readonly kind: 'retry' }

/**
 * A queue of keys to work on. A key is worked on once at a time. Added again while it waits, it stays in the queue once;
 * added while it is worked on, it comes again afterwards. A failure brings it back after growing waits. Added keys have
 * news and go before keys that only come back: else a changed Secret would wait for a look at each of thousands of
 * unchanged Organizations.
 */
export interface Queue extends AsyncDisposable {
  /** Adds a key that has news. */
  add(key: string): void
  /** Keys that wait or are worked on now; those that only come back later don't count. */
  readonly size: number
}

export interface QueueOptions {
  /** Does the work for a key. A rejection goes to `onError`, and the key comes back. */
  readonly work: (key: string) => Promise<Next>
  readonly onError: (key: string, error: unknown, retryMs: number) => void
  /** Keys worked on at one time. */
  readonly concurrency: number
  /** In [0, 1): spreads what would come back together. */
  readonly random: () => number
}

/** Waits after failures in a row: 0.25 s, doubled up to a minute, of which up to a half is chance. */
export function retryDelayMs(failures: number, random: number): number {
  return Math.min(60_000, 250 * 2 ** (failures - 1)) * (0.5 + random / 2)
}

/** Keys that come back at the same moment. */
interface Step {
  readonly keys: Set<string>
  readonly timer: NodeJS.Timeout
}

/** So far apart are the moments at which keys come back, or a twentieth of their wait, ms. */
const maxStepMs = 500

export function openQueue({ work, onError, concurrency, random }: QueueOptions): Queue {
  const news = new Set<string>()
  const routine = new Set<string>()
  const running = new Map<string, Promise<void>>()
  const later = new Map<string, NodeJS.Timeout>()
  const steps = new Map<string, Step>()
  const stepOf = new Map<string, Step>()
  const failures = new Map<string, number>()
  /** A quarter of the slots is kept free for news. */
  const routineSlots = Math.max(1, Math.floor(concurrency * 0.75))
  let closed = false

  function add(key: string): void {
    if (closed) return
    clearTimeout(later.get(key))
    later.delete(key)
    stepOf.get(key)?.keys.delete(key)
    stepOf.delete(key)
    routine.delete(key)
    news.add(key)
    take()
  }

  /** Many keys come back at one time: one timer wakes them, and their calls to the store go together. */
  function addAtStep(key: string, ms: number): void {
    if (closed || news.has(key)) return
    const stepMs = Math.min(maxStepMs, ms / 20)
    const at = Math.ceil((performance.now() + ms) / stepMs)
    const name = `${stepMs} ${at}`
    let step = steps.get(name)
    if (!step) {
      step = {
        keys: new Set(),
        timer: setTimeout(() => wake(name), Math.max(0, at * stepMs - performance.now())),
      }
      steps.set(name, step)
    }
    step.keys.add(key)
    stepOf.set(key, step)
  }

  function wake(name: string): void {
    const step = steps.get(name)
    steps.delete(name)
    for (const key of step?.keys ?? []) {
      stepOf.delete(key)
      routine.add(key)
    }
    take()
  }

  function addAfter(key: string, ms: number): void {
    if (closed || news.has(key)) return
    later.set(
      key,
      setTimeout(() => {
        later.delete(key)
        routine.add(key)
        take()
      }, ms),
    )
  }

  function take(): void {
    takeFrom(news, concurrency)
    takeFrom(routine, routineSlots)
  }

  function takeFrom(waiting: Set<string>, slots: number): void {
    for (const key of waiting) {
      if (running.size >= slots) return
      if (running.has(key)) continue
      waiting.delete(key)
      running.set(key, perform(key))
    }
  }

  async function perform(key: string): Promise<void> {
    const next = await attempt(key)
    running.delete(key)
    if (next.kind === 'again') addAtStep(key, next.afterMs * (0.9 + random() / 5))
    if (!closed) take()
  }

  async function attempt(key: string): Promise<Next> {
    let cause: unknown
    try {
      const next = await work(key)
      if (next.kind !== 'retry') {
        failures.delete(key)
        return next
      }
    } catch (error) {
      cause = error
    }
    const count = (failures.get(key) ?? 0) + 1
    failures.set(key, count)
    const retryMs = retryDelayMs(count, random())
    if (cause !== undefined) onError(key, cause, retryMs)
    addAfter(key, retryMs)
    return { kind: 'done' }
  }

  return {
    add,
    get size() {
      return news.size + routine.size + running.size
    },
    /** Waits for keys in work; drops waiting keys. */
    async [Symbol.asyncDispose]() {
      closed = true
      news.clear()
      routine.clear()
      for (const timer of later.values()) clearTimeout(timer)
      later.clear()
      for (const { timer } of steps.values()) clearTimeout(timer)
      steps.clear()
      stepOf.clear()
      await Promise.all(running.values())
    },
  }
}
