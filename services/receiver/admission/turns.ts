import type { OrganizationId } from '@fairlead/webhook/id'

/**
 * The receiver's processor, shared between organizations. Requests whose bodies are whole are worked on at once while
 * there is little to do. Where more have come than fit into one slice, organizations take turns, one request each, and
 * between slices the receiver reads what has come meanwhile. So however many requests one organization sends, another's
 * waits for one slice and for the turns of the others.
 *
 *   body is whole ── slice has time left, nobody waits ──▶ work
 *        └── queue of its organization ── its turn ──▶ work
 *
 * Permits bound how many wait.
 */
export interface Turns {
  /** Does the work now, or when it is this organization's turn. Errors of the work reach its caller alone. */
  take<T>(organization: OrganizationId, work: () => Promise<T>): Promise<T>
  /** Requests that wait for a turn. */
  readonly waiting: number
}

/** How long requests are worked on before others are read, ms: some twenty webhooks. */
const sliceMs = 10

export interface TurnsOptions {
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Calls back when what has come meanwhile was read. Default `setImmediate`. */
  readonly later?: (next: () => void) => void
  /** Calls back when what the last work has begun has got as far as it can without waiting. Default `queueMicrotask`. */
  readonly soon?: (next: () => void) => void
}

export function openTurns({ now, later = setImmediate, soon = queueMicrotask }: TurnsOptions): Turns {
  /** Organizations with requests that wait, in the order of their turns. */
  const queues = new Map<OrganizationId, (() => void)[]>()
  let waiting = 0
  let sliceStartMs: number | undefined

  function beginSlice(): void {
    sliceStartMs = undefined
    if (waiting > 0) next()
  }

  /** Whether the slice has time left. The first question begins it; it ends when others were read. */
  function hasTime(): boolean {
    const nowMs = now()
    if (sliceStartMs === undefined) {
      sliceStartMs = nowMs
      later(beginSlice)
    }
    return nowMs - sliceStartMs < sliceMs
  }

  function next(): void {
    if (waiting === 0 || !hasTime()) return
    const [organization, queue] = queues.entries().next().value!
    queues.delete(organization)
    waiting--
    queue.shift()!()
    if (queue.length > 0) queues.set(organization, queue)
    soon(next)
  }

  return {
    get waiting() {
      return waiting
    },
    take(organization, work) {
      if (waiting === 0 && hasTime()) return work()
      return new Promise((resolve, reject) => {
        const begin = () => void work().then(resolve, reject)
        const queue = queues.get(organization)
        if (queue) queue.push(begin)
        else queues.set(organization, [begin])
        waiting++
      })
    },
  }
}
