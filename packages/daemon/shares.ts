/** An amount that keys share: freely while half of it is unused, by their weights after that. */
export interface Shares<Key> {
  /** Takes an amount. False, and nothing taken, where too little is left, or above this key's share. */
  take(key: Key, amount: number): boolean
  /** Whether `take` would succeed now; takes nothing. */
  fits(key: Key, amount: number): boolean
  give(key: Key, amount: number): void
  held(key: Key): number
  readonly used: number
  readonly total: number
}

/**
 * @param total in whatever unit is taken and given
 * @param weightOf asked when a key begins to hold something; above 0
 */
export function openShares<Key>(total: number, weightOf: (key: Key) => number = () => 1): Shares<Key> {
  const held = new Map<Key, { amount: number; readonly weight: number }>()
  let used = 0
  let weights = 0

  function fits(key: Key, amount: number): boolean {
    // A key that is alone may always take, whatever the amount.
    if (used + amount > total && used > 0) return false
    const own = held.get(key)
    return !own || used < total / 2 || own.amount + amount <= (total * own.weight) / (2 * weights)
  }

  return {
    total,
    fits,
    take(key, amount) {
      if (!fits(key, amount)) return false
      const own = held.get(key)
      if (own) {
        own.amount += amount
      } else {
        const weight = weightOf(key)
        held.set(key, { amount, weight })
        weights += weight
      }
      used += amount
      return true
    },
    give(key, amount) {
      const own = held.get(key)
      if (!own) return
      own.amount -= amount
      used -= amount
      if (own.amount > 0) return
      held.delete(key)
      weights -= own.weight
    },
    held: key => held.get(key)?.amount ?? 0,
    get used() {
      return used
    },
  }
}
