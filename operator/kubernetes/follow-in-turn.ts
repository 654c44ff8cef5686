import type { KubernetesClient } from './client.ts'
import { type Collection, type Follower, follow } from './follow.ts'

/**
 * Follows collections until the signal aborts; each begins when the one before it was read once as a whole, so that
 * what comes later finds what it refers to. Never rejects.
 */
export async function followInTurn(
  client: KubernetesClient,
  following: readonly (readonly [Collection, Follower])[],
  signal: AbortSignal,
): Promise<void> {
  let turn = Promise.resolve()
  const ends = following.map(([collection, follower]) => {
    const listed = Promise.withResolvers<void>()
    const follows = turn.then(() => follow(client, collection, follower, signal, listed.resolve))
    // A collection that ends before it was listed, because the signal aborted, must not keep the next ones from ending.
    turn = Promise.race([listed.promise, follows])
    return follows
  })
  await Promise.all(ends)
}
