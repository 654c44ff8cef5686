/**
 * Gives several callers one answer: for `keepMs` after it was read, and while it is read. An error goes to those who wait for it, and is
 * not kept.
 *
 * @param keepMs ms. @param now ms of a clock that never goes back
 */
export function openSharedAnswers<Key, Answer>(
  keepMs: number,
  now: () => number,
): (key: Key, read: () => Promise<Answer>) => Promise<Answer> {
  const known = new Map<Key, { readonly answer: Promise<Answer>; untilMs: number }>()
  return (key, read) => {
    const before = known.get(key)
    if (before && now() < before.untilMs) return before.answer
    const fresh = { answer: read(), untilMs: Number.POSITIVE_INFINITY }
    known.set(key, fresh)
    fresh.answer.then(
      () => {
        fresh.untilMs = now() + keepMs
      },
      () => known.delete(key),
    )
    return fresh.answer
  }
}
