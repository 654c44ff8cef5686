/**
 * Time limits of requests, most of which never run out. Those of one length come in the order in which they run out, so
 * they are a list with one timer of node's for its oldest: beginning and ending a limit arms none.
 */
export interface Deadlines extends Disposable {
  /** Calls `expiring.expire` after `ms`, unless it has ended. */
  begin(expiring: Expiring, ms: number): void
  end(expiring: Expiring): void
}

/** What has a time limit. `deadline` is for `openDeadlines` alone; undefined before and after. */
export interface Expiring {
  deadline: Deadline | undefined
  expire(): void
}

export interface Deadline {
  readonly list: Set<Expiring>
  readonly atMs: number
}

/** Lengths that are kept a list for, though nothing runs under them; more than one deployment's settings have. */
const maxLists = 1000

export function openDeadlines(): Deadlines {
  const lists = new Map<number, { readonly running: Set<Expiring>; timer: NodeJS.Timeout | undefined }>()

  function listOf(ms: number) {
    let list = lists.get(ms)
    if (!list) {
      if (lists.size >= maxLists) forgetEmpty()
      list = { running: new Set<Expiring>(), timer: undefined }
      lists.set(ms, list)
    }
    return list
  }

  function forgetEmpty(): void {
    for (const [ms, { running, timer }] of lists) if (running.size === 0 && !timer) lists.delete(ms)
  }

  function ring(ms: number): void {
    const list = listOf(ms)
    const nowMs = performance.now()
    list.timer = undefined
    for (const oldest of list.running) {
      const leftMs = oldest.deadline!.atMs - nowMs
      // Node's timers may ring up to 1 ms early.
      if (leftMs > 1) {
        list.timer = setTimeout(ring, leftMs, ms)
        return
      }
      list.running.delete(oldest)
      oldest.deadline = undefined
      oldest.expire()
    }
  }

  return {
    begin(expiring, ms) {
      const list = listOf(ms)
      expiring.deadline = { list: list.running, atMs: performance.now() + ms }
      list.running.add(expiring)
      list.timer ??= setTimeout(ring, ms, ms)
    },
    end(expiring) {
      expiring.deadline?.list.delete(expiring)
      expiring.deadline = undefined
    },
    [Symbol.dispose]() {
      for (const { timer } of lists.values()) clearTimeout(timer)
      lists.clear()
    },
  }
}
