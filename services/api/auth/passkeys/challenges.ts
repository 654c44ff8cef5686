import type { Redis } from 'ioredis'
import { z } from 'zod'
import { redisPrefix } from '../../redis.ts'
import { digestOf } from '../secret.ts'
import { challengeMs } from './relying-party.ts'

/** Challenges that wait for an authenticator's answer, each for one browser or session, and for one answer. */
export interface Challenges {
  /** @param owner the login cookie of a browser, or a session's id */
  keep(owner: string, pending: PendingPasskey): Promise<void>
  /** Takes it: a second answer to it finds none. */
  take(owner: string): Promise<PendingPasskey | undefined>
}

const pendingSchema = z.object({
  challenge: z.string(),
  /** Base64url; of a passkey that is added. */
  userHandle: z.string().optional(),
})
export type PendingPasskey = z.infer<typeof pendingSchema>

const keyOf = (owner: string) => `${redisPrefix}passkey:${digestOf(owner)}`

export function openChallenges(redis: Redis): Challenges {
  return {
    keep: async (owner, pending) =>
      void (await redis.set(keyOf(owner), JSON.stringify(pending), 'PX', challengeMs)),
    async take(owner) {
      const text = await redis.getdel(keyOf(owner))
      return text === null ? undefined : pendingSchema.parse(JSON.parse(text))
    },
  }
}
