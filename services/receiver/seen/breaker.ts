/**
 * Whether Redis may be asked. Requests are never the ones that find out that it is back:
 *
 *   closed ── so many misses in a row, or no connection ──▶ open ── a probe in time ──▶ closed
 *                                                           └── probed every so often ──┘
 */
export interface Breaker extends Disposable {
  readonly closed: boolean
  /** Redis answered in time. */
  answered(): void
  /** It did not, or it answered with an error. */
  missed(): void
  /** Its connection is gone. */
  cut(): void
  /** Asks at once instead of at the next time; does nothing while closed. */
  probe(): void
}

export interface BreakerOptions {
  /** Misses in a row that open it. Default 3: one may be a pause of this process or of the network. */
  readonly missesToOpen?: number
  /** From one probe's end to the next, in ms. Default 250. */
  readonly probeEveryMs?: number
  /** How long a probe may take, in ms. */
  readonly waitMs: number
  ask(): Promise<unknown>
  changed(closed: boolean): void
}

/** Opens a breaker that is open until its first probe. */
export function openBreaker(options: BreakerOptions): Breaker {
  const { missesToOpen = 3, probeEveryMs = 250, waitMs, ask, changed } = options
  let closed = false
  let misses = 0
  let probing = false
  let disposed = false
  const timer = setInterval(probe, probeEveryMs)
  timer.unref()

  function set(to: boolean): void {
    misses = 0
    if (closed === to || disposed) return
    closed = to
    changed(closed)
  }

  /** One at a time: what hangs is not asked again before it has let go. */
  function probe(): void {
    if (closed || probing || disposed) return
    probing = true
    const startedMs = performance.now()
    ask()
      .then(
        () => {
          if (performance.now() - startedMs <= waitMs) set(true)
        },
        () => {},
      )
      .finally(() => {
        probing = false
      })
  }

  return {
    get closed() {
      return closed
    },
    answered() {
      misses = 0
    },
    missed() {
      if (++misses >= missesToOpen) set(false)
    },
    cut: () => set(false),
    probe,
    [Symbol.dispose]() {
      disposed = true
      clearInterval(timer)
    },
  }
}
