/** What a worker knows when it decides which partitions to hold. */
export interface PartitionView {
  readonly me: string
  /** All workers that are alive, this one included. */
  readonly alive: ReadonlySet<string>
  /** By partition: the worker that claims it, if any. */
  readonly claims: readonly (string | undefined)[]
}

export interface PartitionPlan {
  /** To be claimed, in the order in which to try. */
  readonly claim: readonly number[]
  /** To be handed back, because others have too few. */
  readonly release: readonly number[]
}

/**
 * Decides what to claim and what to hand back, so that none holds more than its share, rounded up, and as few
 * partitions as possible move. Each worker decides by itself; where two want one partition, the key-value
 * bucket lets one win, and the other decides again.
 */
export function planPartitions({ me, alive, claims }: PartitionView): PartitionPlan {
  const mine: number[] = []
  const free: number[] = []
  for (const [partition, owner] of claims.entries()) {
    if (owner === me) mine.push(partition)
    else if (owner === undefined || !alive.has(owner)) free.push(partition)
  }
  const most = Math.ceil(claims.length / Math.max(1, alive.size))
  if (mine.length > most) return { claim: [], release: mine.slice(most) }
  // Workers begin at different places, so that they seldom want the same one.
  const rank = [...alive].sort().indexOf(me)
  const start = Math.floor((rank * free.length) / Math.max(1, alive.size))
  const rotated = [...free.slice(start), ...free.slice(0, start)]
  return { claim: rotated.slice(0, most - mine.length), release: [] }
}
