/**
 * Whether Redis is asked. A probe on a timer finds out that Redis is back, so that no webhook waits for that.
 *
 *   available ── so many misses in a row, or no connection ──▶ away ── a probe answered in time ──▶ available
 *                                                              └── probed every `probeEveryMs` ──┘
 */
export interface Availability extends Disposable {
  readonly available: boolean
  /** Redis answered in time. */
  answered(): void
  /** Redis did not answer in time, or answered with an error. */
  missed(): void
  /** The connection to Redis is gone. */
  cut(): void
  /** Probes at once instead of at the next time; does nothing while Redis is available. */
  probe(): void
}

export interface AvailabilityOptions {
  /** Misses in a row after which Redis is away. Default 3: a single miss may be a pause of this process or of the network. */
  readonly missesToLeave?: number
  /** From one probe's end to the next, in ms. Default 250. */
  readonly probeEveryMs?: number
  /** How long a probe may take, in ms. */
  readonly waitMs: number
  ask(): Promise<unknown>
  changed(available: boolean): void
}

/** Redis is away until the first probe succeeds. */
export function openAvailability(options: AvailabilityOptions): Availability {
  const { missesToLeave = 3, probeEveryMs = 250, waitMs, ask, changed } = options
  let available = false
  let misses = 0
  let probing = false
  let disposed = false
  let timer: NodeJS.Timeout | undefined
  watch()

  /** A timer only while Redis is away. */
  function watch(): void {
    clearInterval(timer)
    timer = available ? undefined : setInterval(probe, probeEveryMs).unref()
  }

  function set(to: boolean): void {
    misses = 0
    if (available === to || disposed) return
    available = to
    watch()
    changed(available)
  }

  /** One probe at a time: a Redis that hangs is not asked again before the last probe has ended. */
  function probe(): void {
    if (available || probing || disposed) return
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
    get available() {
      return available
    },
    answered() {
      misses = 0
    },
    missed() {
      if (++misses >= missesToLeave) set(false)
    },
    cut: () => set(false),
    probe,
    [Symbol.dispose]() {
      disposed = true
      clearInterval(timer)
    },
  }
}
