/** Wrong keys that one peer may try within a minute. */
const mostWrong = 10
const windowMs = 60_000
/** Peers remembered at one time; the peer whose last wrong key is longest ago is forgotten first. */
const rememberedPeers = 10_000

/**
 * Bounds the cost of guessing: at most ten wrong keys a minute from one peer reach the store. A key that is being looked up
 * counts as wrong until it proves right, so that a hundred guesses at once are ten lookups. Further keys wait for those ten, and
 * are refused only when all ten were wrong.
 */
export interface Guesses {
  /**
   * Waits until one more key of this peer may be looked up.
   * @returns 0, and the lookup counts until `ended`; else milliseconds until a wrong key is allowed again
   */
  enter(peer: string, now: () => number): Promise<number>
  ended(peer: string, isRight: boolean, nowMs: number): void
}

interface Peer {
  /** When its last wrong keys were told, ms, the oldest first; at most ten. */
  wrongAtMs: number[]
  underWay: number
  waiting: (() => void)[]
}

export function openGuesses(): Guesses {
  const peers = new Map<string, Peer>()

  function peerOf(name: string): Peer {
    const peer = peers.get(name) ?? { wrongAtMs: [], underWay: 0, waiting: [] }
    peers.delete(name)
    peers.set(name, peer)
    for (const [oldest, { underWay }] of peers) {
      if (peers.size <= rememberedPeers) break
      if (underWay === 0) peers.delete(oldest)
    }
    return peer
  }

  return {
    async enter(name, now) {
      for (;;) {
        const peer = peerOf(name)
        const nowMs = now()
        peer.wrongAtMs = peer.wrongAtMs.filter(atMs => atMs > nowMs - windowMs)
        if (peer.wrongAtMs.length >= mostWrong) return Math.max(1, peer.wrongAtMs[0]! + windowMs - nowMs)
        if (peer.wrongAtMs.length + peer.underWay < mostWrong) {
          peer.underWay++
          return 0
        }
        await new Promise<void>(resolve => peer.waiting.push(resolve))
      }
    },
    ended(name, isRight, nowMs) {
      const peer = peerOf(name)
      peer.underWay--
      if (!isRight) peer.wrongAtMs = [...peer.wrongAtMs, nowMs].slice(-mostWrong)
      for (const resolve of peer.waiting.splice(0)) resolve()
    },
  }
}
