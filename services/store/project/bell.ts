/** Something that one waits for and many ring. */
export interface Bell {
  ring(): void
  /** Resolves with true when it rings, with false when the time has passed or the signal aborts. */
  heard(timeoutMs: number | undefined, signal: AbortSignal): Promise<boolean>
}

export function openBell(): Bell {
  let ring = () => {}
  return {
    ring: () => ring(),
    heard(timeoutMs, signal) {
      if (signal.aborted) return Promise.resolve(false)
      return new Promise(resolve => {
        const settle = (rung: boolean) => {
          clearTimeout(timer)
          signal.removeEventListener('abort', aborted)
          ring = () => {}
          resolve(rung)
        }
        const aborted = () => settle(false)
        const timer = timeoutMs === undefined ? undefined : setTimeout(settle, timeoutMs, false)
        signal.addEventListener('abort', aborted, { once: true })
        ring = () => settle(true)
      })
    },
  }
}
