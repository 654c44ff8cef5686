import { createHash } from 'node:crypto'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { parseId } from '@fairlead/webhook/id'
import { canBeApiKey, modeOfApiKey } from '@fairlead/wire/api-key'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { ApiKeyCaller } from './caller.ts'
import { openGuesses } from './guesses.ts'
import { ApiError } from './problem.ts'
import { roleOf } from './role.ts'
import { readScopes } from './scope.ts'
import { storeProblem } from './store-problem.ts'

/** Longer than any key or token; more is not even hashed. */
const maxKeyLength = 2_048

/**
 * The text of the key or token in an Authorization header (RFC 6750, 2.1), or undefined where there is none.
 */
export function bearerKey(header: string | undefined): string | undefined {
  const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1]
  return key !== undefined && key.length <= maxKeyLength ? key : undefined
}

/** Keys that were right lately, by digest: they are looked up again, whatever others of the same peer try. */
const rememberedKeys = 10_000

/** Answers whose key a text is. */
export interface Authenticator {
  /**
   * Asks the store each time: a revoked key is useless at once, in every process. It is asked for the digest, so that the key's
   * text goes no further than here, and found by that digest's index: how long it takes tells nothing about other keys. A text
   * that can't be a key, and keys of a peer that has guessed too often, never reach it. Throws an ApiError: `unauthenticated`,
   * the same for a key that never was and one that was revoked; `rate_limited` with the time to wait.
   */
  authenticate(key: string, peer: string): Promise<ApiKeyCaller>
  /** Whether this process found the key right at its last use. */
  isRemembered(key: string): boolean
}

export function openAuthenticator(store: StoreClient, now: () => number = Date.now): Authenticator {
  const guesses = openGuesses()
  const remembered = new Set<string>()
  const underWay = new Map<string, Promise<ApiKeyCaller>>()

  async function lookUp(digest: Buffer, peer: string): Promise<ApiKeyCaller> {
    const name = digest.toString('base64')
    const caller = await askStore(store, digest, peer).catch((error: unknown) => {
      // An error of the store is no evidence against the key.
      if (isUnauthenticated(error)) remembered.delete(name)
      throw error
    })
    // It stays remembered while it is looked up, and goes to the end: insertion order is order of use.
    remembered.delete(name)
    remembered.add(name)
    if (remembered.size > rememberedKeys) remembered.delete(remembered.values().next().value!)
    return caller
  }

  async function lookUpGuess(digest: Buffer, peer: string): Promise<ApiKeyCaller> {
    const waitMs = await guesses.enter(peer, now)
    if (waitMs > 0) {
      const retryAfterSeconds = Math.ceil(waitMs / 1000)
      throw new ApiError('rate_limited', 'Too many wrong keys came from your address.', { retryAfterSeconds })
    }
    let isRight = true
    try {
      return await lookUp(digest, peer)
    } catch (error) {
      isRight = !isUnauthenticated(error)
      throw error
    } finally {
      guesses.ended(peer, isRight, now())
    }
  }

  return {
    isRemembered: key => remembered.has(digestOf(key).toString('base64')),
    async authenticate(key, peer) {
      if (!canBeApiKey(key)) throw new ApiError('unauthenticated')
      const digest = digestOf(key)
      const name = digest.toString('base64')
      if (remembered.has(name)) return withMode(await lookUp(digest, peer), key)
      // A key that many requests bring at once is looked up once.
      const lookup = underWay.get(name) ?? lookUpGuess(digest, peer)
      underWay.set(name, lookup)
      try {
        return withMode(await lookup, key)
      } finally {
        if (underWay.get(name) === lookup) underWay.delete(name)
      }
    },
  }
}

/** The text tells the mode, and the store has found the key by all of its text. */
const withMode = (caller: ApiKeyCaller, key: string): ApiKeyCaller =>
  caller.organizationId ? { ...caller, mode: modeOfApiKey(key) } : caller

const digestOf = (key: string): Buffer => createHash('sha256').update(key).digest()

const isUnauthenticated = (error: unknown): boolean =>
  error instanceof ApiError && error.code === 'unauthenticated'

async function askStore(store: StoreClient, sha256: Buffer, address: string): Promise<ApiKeyCaller> {
  const { apiKey } = await store.apiKeys
    .authenticateApiKey({ sha256: new Uint8Array(sha256), address })
    .catch((error: unknown) => {
      throw storeProblem(error)
    })
  const keyId = parseId('key', apiKey?.id ?? '')
  const role = roleOf(apiKey?.role)
  if (!apiKey || !keyId || !role) throw new ApiError('unauthenticated')
  const scopes = readScopes(apiKey.scopes)
  const caller = {
    kind: 'api-key',
    keyId,
    keyName: apiKey.name,
    role,
    ...(scopes && { scopes }),
    ...(apiKey.expiresAt && { endsAt: timestampDate(apiKey.expiresAt) }),
  } as const
  if (apiKey.organizationId === '') return caller
  const organizationId = parseId('org', apiKey.organizationId)
  // Failing closed: a key with an owner that can't be read is no key of the platform.
  if (!organizationId) throw new ApiError('unauthenticated')
  return { ...caller, organizationId }
}
