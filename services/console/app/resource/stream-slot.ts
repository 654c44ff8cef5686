/**
 * Tabs that follow a stream at one time. A browser opens six connections to one host over HTTP/1.1, for all tabs together: were
 * all six streams, no tab could load anything any more.
 */
const slotCount = 4

const nameOf = (slot: number): string => `fairlead-stream-${slot}`

interface Waiting {
  /** Called once this tab has a slot: at once, or when another tab gives its own up. */
  readonly taken: () => void
  /** Called where this tab has to wait. */
  readonly queued: () => void
  /** Gives the slot up, or ends the wait. */
  readonly signal: AbortSignal
}

/** Takes one of the slots that all tabs of a browser share. Where browsers offer no locks (plain http elsewhere than here), none is needed. */
export async function takeStreamSlot({ taken, queued, signal }: Waiting): Promise<void> {
  const locks = navigator.locks as LockManager | undefined
  if (!locks) {
    taken()
    return
  }
  const hold = () =>
    new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else {
        signal.addEventListener('abort', () => resolve(), { once: true })
        taken()
      }
    })
  for (let slot = 0; slot < slotCount; slot++) {
    if (await isTakenNow(locks, slot, hold)) return
  }
  if (signal.aborted) return
  queued()
  await holdFirstFree(locks, hold, signal)
}

/** Waits for all slots at once and keeps the one that is free first. */
async function holdFirstFree(
  locks: LockManager,
  hold: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const found = new AbortController()
  const waiting = AbortSignal.any([signal, found.signal])
  let isHeld = false
  const requests = Array.from({ length: slotCount }, (_, slot) =>
    locks
      .request(nameOf(slot), { signal: waiting }, () => {
        // Two may become free at one time.
        if (isHeld) return undefined
        isHeld = true
        found.abort()
        return hold()
      })
      .catch((error: unknown) => {
        if (!waiting.aborted) throw error
      }),
  )
  await Promise.all(requests)
}

/** Resolves as soon as it is known whether the slot is this tab's, long before it is given up. */
function isTakenNow(locks: LockManager, slot: number, hold: () => Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    locks
      .request(nameOf(slot), { ifAvailable: true }, lock => {
        resolve(lock !== null)
        return lock === null ? undefined : hold()
      })
      .catch(reject)
  })
}
