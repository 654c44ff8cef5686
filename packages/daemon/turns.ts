/**
 * A number of places that keys take in turns. A free place goes to the key whose last turn is longest ago, not to whoever
 * asked first: one key with many requests makes another wait for a place, and not for all of them. Keys of short work may go first.
 */
export interface Turns<Key> {
  /**
   * Resolves at this key's turn; disposing gives the place back, once. Rejects with a `TurnError`: `waited_too_long`, or
   * `too_many_wait` at once; and with what `signal` is aborted with.
   */
  take(key: Key, signal?: AbortSignal): Promise<Disposable>
  readonly waiting: number
}

interface TurnsOptions<Key> {
  /** Places in all, from 1. */
  readonly places: number
  /** Places that one key has at most, from 1. */
  readonly mostOfOne: (key: Key) => number
  /** How long one may wait, ms. Default: until its signal is aborted. */
  readonly waitMs?: number
  /** Waiting requests of one key, at most. Default: no limit. */
  readonly mostWaiting?: number
  /** Keys whose work is short and goes before that of all others, and the places that are kept for them. Default: none. */
  readonly first?: { readonly includes: (key: Key) => boolean; readonly reserved: number }
}

export class TurnError extends Error {
  readonly code: 'waited_too_long' | 'too_many_wait'

  constructor(code: TurnError['code']) {
    super(code === 'waited_too_long' ? 'waited too long for a turn' : 'too many wait for a turn')
    this.code = code
  }
}

interface Waiter {
  begin(): void
}

export function openTurns<Key>({
  places,
  mostOfOne,
  waitMs,
  mostWaiting = Number.POSITIVE_INFINITY,
  first = { includes: () => false, reserved: 0 },
}: TurnsOptions<Key>): Turns<Key> {
  /** Keys with requests that wait, in the order of their turns: those that go first, and the others. */
  const firstQueues = new Map<Key, Set<Waiter>>()
  const otherQueues = new Map<Key, Set<Waiter>>()
  const held = new Map<Key, number>()
  let used = 0
  let usedByOthers = 0
  let waiting = 0

  const queuesOf = (key: Key) => (first.includes(key) ? firstQueues : otherQueues)
  const isPlaceFor = (key: Key): boolean =>
    used < places && (first.includes(key) || usedByOthers < places - first.reserved)
  const mayHold = (key: Key): boolean => isPlaceFor(key) && (held.get(key) ?? 0) < mostOfOne(key)

  function count(key: Key, by: 1 | -1): void {
    used += by
    if (!first.includes(key)) usedByOthers += by
  }

  function hold(key: Key): Disposable {
    count(key, 1)
    held.set(key, (held.get(key) ?? 0) + 1)
    let isHeld = true
    return {
      [Symbol.dispose]() {
        if (!isHeld) return
        isHeld = false
        count(key, -1)
        const left = held.get(key)! - 1
        if (left > 0) held.set(key, left)
        else held.delete(key)
        if (!begin(firstQueues)) begin(otherQueues)
      },
    }
  }

  /** Begins the next request of these that may. */
  function begin(queues: Map<Key, Set<Waiter>>): boolean {
    for (const [key, queue] of queues) {
      if (!mayHold(key)) continue
      const [waiter] = queue
      leave(key, queue, waiter!)
      // The other requests of this key wait for its next turn.
      if (queue.size > 0) {
        queues.delete(key)
        queues.set(key, queue)
      }
      waiter!.begin()
      return true
    }
    return false
  }

  function leave(key: Key, queue: Set<Waiter>, waiter: Waiter): void {
    if (!queue.delete(waiter)) return
    waiting--
    if (queue.size === 0) queuesOf(key).delete(key)
  }

  function wait(key: Key, signal?: AbortSignal): Promise<Disposable> {
    const queues = queuesOf(key)
    const queue = queues.get(key) ?? new Set()
    if (queue.size >= mostWaiting) return Promise.reject(new TurnError('too_many_wait'))
    queues.set(key, queue)
    waiting++
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        begin() {
          end()
          resolve(hold(key))
        },
      }
      const giveUp = (reason: unknown) => {
        end()
        leave(key, queue, waiter)
        reject(reason)
      }
      const abort = () => giveUp(signal?.reason)
      const late =
        waitMs === undefined ? undefined : setTimeout(() => giveUp(new TurnError('waited_too_long')), waitMs)
      const end = () => {
        clearTimeout(late)
        signal?.removeEventListener('abort', abort)
      }
      signal?.addEventListener('abort', abort)
      queue.add(waiter)
    })
  }

  return {
    take(key, signal) {
      if (signal?.aborted) return Promise.reject(signal.reason)
      return mayHold(key) ? Promise.resolve(hold(key)) : wait(key, signal)
    },
    get waiting() {
      return waiting
    },
  }
}
