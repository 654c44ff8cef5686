/** An amount that several share: freely while half of it is unused, by equal parts after that. */
export interface Shares<Key> {
  /** False where there is no room for it, or where it would be more than this one's part. */
  take(key: Key, amount: number): boolean
  give(key: Key, amount: number): void
  readonly used: number
  /** May change at any time; what is held stays held. */
  total: number
}

/** @param total in whatever unit is taken and given */
export function openShares<Key>(total: number): Shares<Key> {
  const held = new Map<Key, number>()
  let used = 0
  return {
    total,
    take(key, amount) {
      const own = held.get(key) ?? 0
      // Whatever its size, one alone always fits.
      if (used + amount > this.total && used > 0) return false
      const sharers = held.size + (own === 0 ? 1 : 0)
      if (used >= this.total / 2 && own > 0 && own + amount > this.total / (2 * sharers)) return false
      held.set(key, own + amount)
      used += amount
      return true
    },
    give(key, amount) {
      const left = (held.get(key) ?? 0) - amount
      if (left > 0) held.set(key, left)
      else held.delete(key)
      used -= amount
    },
    get used() {
      return used
    },
  }
}
