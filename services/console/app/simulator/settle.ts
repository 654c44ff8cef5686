/** Receivers learn of a change within a second; beyond so many ms it is no longer the reason for a refusal. */
const learnedMs = 10_000
/** How long to wait before the same bytes are sent again, ms. */
const againMs = 250

export interface Answered {
  readonly status: number
}

export interface Settling {
  /** When the source was last changed, Unix ms; 0: long ago. */
  readonly changedMs: number
  /** Whether the request must be refused by receivers that know the change: it was broken on purpose. */
  readonly isBroken: boolean
  readonly now: () => number
  readonly pause: (ms: number) => Promise<unknown>
}

/**
 * Sends until the answer isn't that of a receiver to which a change of the source has not come yet. Nobody can ask receivers for what
 * they know; their answers tell: an unknown source is answered 404, and a good signature 401 as long as the key of before is known.
 */
export async function sendSettled<Answer extends Answered>(
  send: () => Promise<Answer>,
  { changedMs, isBroken, now, pause }: Settling,
): Promise<Answer> {
  for (;;) {
    const answer = await send()
    const isStale = answer.status === 404 || (!isBroken && (answer.status === 401 || answer.status === 403))
    if (!isStale || now() - changedMs > learnedMs) return answer
    await pause(againMs)
  }
}
