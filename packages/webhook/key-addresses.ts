/*
 * The addresses that keys are fetched from. Proven ones, with whose keys a signature was right, are kept apart from those
 * that a stranger may have made up.
 */

interface Entry<Failure> {
  copy: { readonly text: string; readonly atMs: number } | undefined
  failure: { readonly error: Failure; readonly atMs: number } | undefined
  pending: Promise<string> | undefined
}

/** An address with the state of its fetches. */
export interface Address<Failure = unknown> {
  readonly entry: Entry<Failure>
  readonly proven: boolean
}

export interface Addresses<Failure> {
  /** Adds an unknown address as an unproven entry. */
  take(key: string): Address<Failure>
  prove(key: string): void
}

/** Proven and unproven addresses, each kind with its own bound; the least recently used leaves first. */
export function openAddresses<Failure>({
  maxEntries,
  maxUnproven,
}: {
  readonly maxEntries: number
  readonly maxUnproven: number
}): Addresses<Failure> {
  const proven = new Map<string, Entry<Failure>>()
  const unproven = new Map<string, Entry<Failure>>()

  /** A map keeps the order of insertion: putting an entry again makes it the newest. */
  function put(entries: Map<string, Entry<Failure>>, key: string, entry: Entry<Failure>, most: number): void {
    entries.delete(key)
    entries.set(key, entry)
    if (entries.size > most) entries.delete(entries.keys().next().value!)
  }

  return {
    take(key) {
      const known = proven.get(key)
      if (known) {
        put(proven, key, known, maxEntries)
        return { entry: known, proven: true }
      }
      const entry: Entry<Failure> = unproven.get(key) ?? {
        copy: undefined,
        failure: undefined,
        pending: undefined,
      }
      put(unproven, key, entry, maxUnproven)
      return { entry, proven: false }
    },
    prove(key) {
      const entry = unproven.get(key)
      if (!entry) return
      unproven.delete(key)
      put(proven, key, entry, maxEntries)
    },
  }
}

/** Above this number of askers, those whose buckets are full are dropped: a new bucket is full as well. */
const manyAskers = 10_000

/** Takes a token of the asker's bucket: whether it may have another address fetched. */
export function openThrottle({
  burst,
  everyMs,
  now,
}: {
  readonly burst: number
  readonly everyMs: number
  readonly now: () => number
}): (asker: string) => boolean {
  /** When each bucket will be full again, Unix milliseconds. */
  const fullAtMs = new Map<string, number>()
  return asker => {
    const nowMs = now()
    const next = Math.max(fullAtMs.get(asker) ?? 0, nowMs) + everyMs
    if (next - nowMs > burst * everyMs) return false
    fullAtMs.set(asker, next)
    if (fullAtMs.size > manyAskers) {
      for (const [name, atMs] of fullAtMs) if (atMs <= nowMs) fullAtMs.delete(name)
    }
    return true
  }
}
