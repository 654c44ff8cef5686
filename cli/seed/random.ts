import { createHash } from 'node:crypto'

/** A source of chance that says the same for the same seed: 0 ≤ value < 1 (mulberry32; good for looks, not for secrets). */
export function seededRandom(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of several things, by weight. Throws a TypeError on an empty list. */
export function pickWeighted<T>(choices: readonly (readonly [T, number])[], random: () => number): T {
  let rest = random() * choices.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [choice, weight] of choices) {
    rest -= weight
    if (rest < 0) return choice
  }
  const last = choices.at(-1)
  if (!last) throw new TypeError('there is nothing to pick from')
  return last[0]
}
