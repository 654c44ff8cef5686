/** Wakes one loop that waits: many may raise it, and only a raise while somebody waits counts. */
export interface WakeSignal {
  raise(): void
  /** Resolves with true when the signal is raised, with false when the time has passed or `signal` aborts. */
  raised(timeoutMs: number | undefined, signal: AbortSignal): Promise<boolean>
}

export function openWakeSignal(): WakeSignal {
  let raise = () => {}
  return {
    raise: () => raise(),
    raised(timeoutMs, signal) {
      if (signal.aborted) return Promise.resolve(false)
      return new Promise(resolve => {
        const finish = (wasRaised: boolean) => {
          clearTimeout(timer)
          signal.removeEventListener('abort', aborted)
          raise = () => {}
          resolve(wasRaised)
        }
        const aborted = () => finish(false)
        const timer = timeoutMs === undefined ? undefined : setTimeout(finish, timeoutMs, false)
        signal.addEventListener('abort', aborted, { once: true })
        raise = () => finish(true)
      })
    },
  }
}
