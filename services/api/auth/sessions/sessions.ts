import { randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { redisPrefix } from '../../redis.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'
import { readSession, type SessionRecord } from './record.ts'

/** Sessions of people, each an opaque secret in a cookie. Every call rejects while Redis is away, except `find`. */
export interface Sessions {
  begin(session: NewSession, nowMs: number): Promise<{ readonly secret: string; readonly id: string }>
  /**
   * The session of a secret; undefined: there is none, or it has ended. While Redis is away, a session that was found here
   * within the last minute stands as it was; others reject.
   */
  find(secret: string, nowMs: number): Promise<FoundSession | undefined>
  /** The same by the session's id, for tokens of tools, which name it. */
  findById(id: string, nowMs: number): Promise<FoundSession | undefined>
  /** Newest first. */
  list(email: string): Promise<SessionRecord[]>
  /** @returns whether there was one */
  end(email: string, id: string): Promise<boolean>
  /** Ends all of a person's, except one if it is named. */
  endAll(email: string, exceptId?: string): Promise<number>
  /** Changes what stands in a session that hasn't ended. */
  change(email: string, id: string, part: Pick<SessionRecord, 'impersonation'>): Promise<boolean>
}

export type NewSession = Pick<SessionRecord, 'email' | 'name' | 'method' | 'provenBy' | 'peer' | 'agent'> & {
  readonly limits: SessionLimits
  /** Of the session that approved it, which is no proof itself. Default: now. Unix milliseconds. */
  readonly provenAtMs?: number
}

export interface SessionLimits {
  /** The most between two uses, ms. */
  readonly idleMs: number
  /** From sign-in to the end, ms. */
  readonly absoluteMs: number
}

export const memberLimits: SessionLimits = { idleMs: 12 * 3_600_000, absoluteMs: 14 * 86_400_000 }
export const staffLimits: SessionLimits = { idleMs: 30 * 60_000, absoluteMs: 8 * 3_600_000 }

export const toolLimits: SessionLimits = { idleMs: 30 * 86_400_000, absoluteMs: 90 * 86_400_000 }

export interface FoundSession extends SessionRecord {
  /** Not from Redis, which is away: good for looking, not for changing. */
  readonly isStale: boolean
}

/** A use is noted once a minute: not every look is a write. */
const seenEveryMs = 60_000
/** How long a session is believed while Redis is away, ms, and how many are remembered for it. */
const rememberedMs = 60_000
const mostRemembered = 10_000

const keyOf = (digest: string) => `${redisPrefix}session:${digest}`
const idKey = (id: string) => `${redisPrefix}session-id:${id}`
const listOf = (email: string) => `${redisPrefix}sessions-of:${digestOf(email)}`

export function openSessions(redis: Redis): Sessions {
  const remembered = new Map<string, { readonly session: SessionRecord; readonly atMs: number }>()

  function remember(name: string, session: SessionRecord | undefined, nowMs: number): void {
    remembered.delete(name)
    if (session) remembered.set(name, { session, atMs: nowMs })
    if (remembered.size > mostRemembered) remembered.delete(remembered.keys().next().value!)
  }

  async function touch(digest: string, session: SessionRecord, nowMs: number): Promise<SessionRecord> {
    if (nowMs - session.seenAtMs < seenEveryMs) return session
    const seen = { ...session, seenAtMs: nowMs }
    // XX: a session that was ended meanwhile doesn't come back.
    await redis.set(keyOf(digest), JSON.stringify(seen), 'PX', lifeMs(seen, nowMs), 'XX')
    return seen
  }

  /** What a digest leads to; while Redis is away, what was found under this name lately. */
  async function orRemembered(
    name: string,
    nowMs: number,
    digestOfName: () => Promise<string | null>,
  ): Promise<FoundSession | undefined> {
    try {
      const digest = await digestOfName()
      const found = digest === null ? undefined : readSession(await redis.get(keyOf(digest)))
      const session = found && found.endsAtMs > nowMs ? await touch(digest!, found, nowMs) : undefined
      remember(name, session, nowMs)
      return session && { ...session, isStale: false }
    } catch (error) {
      const known = remembered.get(name)
      const isGood = known && nowMs - known.atMs < rememberedMs && known.session.endsAtMs > nowMs
      if (isGood) return { ...known.session, isStale: true }
      throw error
    }
  }

  /** Of a person: the digest of each session by its id. Those that have ended are forgotten. */
  async function readAll(email: string): Promise<{ digest: string; session: SessionRecord }[]> {
    const digests = Object.entries(await redis.hgetall(listOf(email)))
    if (digests.length === 0) return []
    const texts = await redis.mget(digests.map(([, digest]) => keyOf(digest)))
    const found = digests.flatMap(([id, digest], i) => {
      const session = readSession(texts[i] ?? null)
      return session ? [{ id, digest, session }] : []
    })
    const gone = digests.map(([id]) => id).filter(id => !found.some(one => one.id === id))
    if (gone.length > 0) await redis.hdel(listOf(email), ...gone)
    return found.toSorted((a, b) => b.session.createdAtMs - a.session.createdAtMs)
  }

  async function remove(email: string, found: readonly { digest: string; session: SessionRecord }[]) {
    if (found.length === 0) return
    for (const { digest, session } of found) for (const name of [digest, session.id]) remembered.delete(name)
    await redis
      .multi()
      .del(...found.flatMap(({ digest, session }) => [keyOf(digest), idKey(session.id)]))
      .hdel(listOf(email), ...found.map(({ session }) => session.id))
      .exec()
  }

  return {
    async begin({ limits, ...given }, nowMs) {
      const secret = newSecret()
      const digest = digestOf(secret)
      const session: SessionRecord = {
        provenAtMs: nowMs,
        ...given,
        id: `ses_${randomBytes(12).toString('hex')}`,
        createdAtMs: nowMs,
        seenAtMs: nowMs,
        endsAtMs: nowMs + limits.absoluteMs,
        idleMs: limits.idleMs,
      }
      await redis
        .multi()
        .set(keyOf(digest), JSON.stringify(session), 'PX', lifeMs(session, nowMs))
        .set(idKey(session.id), digest, 'PX', limits.absoluteMs)
        .hset(listOf(session.email), session.id, digest)
        .pexpire(listOf(session.email), toolLimits.absoluteMs)
        .exec()
      return { secret, id: session.id }
    },
    async find(secret, nowMs) {
      if (!canBeSecret(secret)) return undefined
      const digest = digestOf(secret)
      return await orRemembered(digest, nowMs, async () => digest)
    },
    findById: (id, nowMs) => orRemembered(id, nowMs, () => redis.get(idKey(id))),
    list: async email => (await readAll(email)).map(({ session }) => session),
    async end(email, id) {
      const found = (await readAll(email)).filter(({ session }) => session.id === id)
      await remove(email, found)
      return found.length > 0
    },
    async endAll(email, exceptId) {
      const found = (await readAll(email)).filter(({ session }) => session.id !== exceptId)
      await remove(email, found)
      return found.length
    },
    async change(email, id, part) {
      const [found] = (await readAll(email)).filter(({ session }) => session.id === id)
      if (!found) return false
      const changed = { ...found.session, ...part }
      return (await redis.set(keyOf(found.digest), JSON.stringify(changed), 'KEEPTTL', 'XX')) === 'OK'
    },
  }
}

/** How long Redis keeps it: until it is idle for too long, or ends. */
const lifeMs = ({ idleMs, endsAtMs }: SessionRecord, nowMs: number): number =>
  Math.max(1, Math.min(idleMs, endsAtMs - nowMs))
