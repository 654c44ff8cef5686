import { createHash } from 'node:crypto'
import { ApiError } from './problem.ts'

/** Keys remembered at one time, and for how long: whoever repeats a request does it within a day. */
const rememberedKeys = 10_000
const rememberedMs = 24 * 60 * 60 * 1000

interface Remembered {
  /** What was asked, so that one key can't stand for two requests. */
  readonly fingerprint: string
  readonly answer: Promise<unknown>
  readonly atMs: number
}

/**
 * Does something once for each key: whoever asks again gets the first answer, also while it is still being made.
 * What fails is forgotten, so that it can be tried again. In this process' memory: a repeat that reaches another
 * process is a new request there.
 */
export function openIdempotency() {
  const remembered = new Map<string, Remembered>()
  return {
    /**
     * @param key the caller's own, with the caller's id in front
     * Throws an ApiError `idempotency_key_reused` if the key came with something else before.
     */
    async once<T>(
      key: string,
      request: readonly string[],
      nowMs: number,
      make: () => Promise<T>,
    ): Promise<T> {
      const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('base64')
      const known = remembered.get(key)
      if (known && nowMs - known.atMs < rememberedMs) {
        if (known.fingerprint !== fingerprint) throw new ApiError('idempotency_key_reused')
        return (await known.answer) as T
      }
      const entry = { fingerprint, answer: make(), atMs: nowMs }
      remembered.delete(key)
      remembered.set(key, entry)
      if (remembered.size > rememberedKeys) remembered.delete(remembered.keys().next().value!)
      try {
        return await entry.answer
      } catch (error) {
        if (remembered.get(key) === entry) remembered.delete(key)
        throw error
      }
    },
  }
}

export type Idempotency = ReturnType<typeof openIdempotency>

/** JSON with sorted keys: the same for two bodies that differ in white space and in the order of fields. */
export function canonicalJson(body: unknown): string {
  const sorted = (_key: string, value: unknown) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  return JSON.stringify(body ?? null, sorted)
}
