/**
 * Events of a partition that JetStream has handed to somebody else, and that nobody has acknowledged: an earlier owner that
 * died, a frozen one whose request for messages is still open, a connection that broke. They come again after the
 * consumer's `ack_wait`, when newer events of the same keys may have come already.
 *
 *   none ─(at the opening events are unacknowledged, or a number of the consumer's sequence is missing)─▶ out
 *    ▲                                                                                                   │
 *    └──(all have come again; nothing older is unacknowledged; none has come for `quietMs`; `longestMs`)─┘
 *
 * Pure: times and the consumer's state are told. The consumer's own sequence counts hand-outs, not messages, and has a
 * gap where a message went elsewhere.
 */
export class OtherHands {
  #state: State
  #nextHandOut: number

  constructor({ handOuts, lastSeq, unacknowledged }: ConsumerState, nowMs: number) {
    this.#nextHandOut = handOuts + 1
    this.#state =
      unacknowledged === 0
        ? { kind: 'none' }
        : { ...opened(lastSeq, nowMs), count: unacknowledged, cameAgain: new Set() }
  }

  /** Whether an older event than those that come now may be among them. */
  get areOut(): boolean {
    return this.#state.kind === 'out'
  }

  /** A message of EVENTS was handed to this owner. @param handOut its number in the consumer's sequence */
  handedOut(handOut: number, seq: number, nowMs: number): void {
    const isMissing = handOut > this.#nextHandOut
    this.#nextHandOut = handOut + 1
    if (!isMissing) return
    // How many of the missing ones are unacknowledged is not known.
    const before = this.#state.kind === 'out' ? this.#state.throughSeq : 0
    this.#state = {
      ...opened(Math.max(before, seq - 1), nowMs),
      count: Number.POSITIVE_INFINITY,
      cameAgain: new Set(),
    }
  }

  /** All deliveries of this event have their places. */
  placed(seq: number, nowMs: number): void {
    const state = this.#state
    if (state.kind === 'none' || seq > state.throughSeq) return
    state.cameAgain.add(seq)
    state.lastMs = nowMs
    if (state.cameAgain.size >= state.count) this.#state = { kind: 'none' }
  }

  /** Told now and then while they are out. @param acknowledgedSeq all messages up to this sequence are acknowledged, where that is known */
  look(acknowledgedSeq: number | undefined, nowMs: number): void {
    const state = this.#state
    if (state.kind === 'none') return
    const isOver =
      (acknowledgedSeq ?? 0) >= state.throughSeq ||
      nowMs - state.lastMs >= quietMs ||
      nowMs - state.sinceMs >= longestMs
    if (isOver) this.#state = { kind: 'none' }
  }
}

export interface ConsumerState {
  /** Hand-outs so far, repeated ones included. */
  readonly handOuts: number
  /** The newest message that was handed out. */
  readonly lastSeq: number
  readonly unacknowledged: number
}

type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'out'
      /** None of them is newer. */
      readonly throughSeq: number
      readonly count: number
      /** At most the consumer's `max_ack_pending`, 20,000 numbers. */
      readonly cameAgain: Set<number>
      readonly sinceMs: number
      lastMs: number
    }

const opened = (throughSeq: number, nowMs: number) =>
  ({ kind: 'out', throughSeq, sinceMs: nowMs, lastMs: nowMs }) as const

/** Longer than JetStream's `ack_wait` of 4 s: whatever has not come in such a time comes no more. */
const quietMs = 6_000
/** However many come again, keys don't wait for longer than this. */
const longestMs = 30_000
