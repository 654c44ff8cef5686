import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { SignInKeys } from '../keys.ts'

/** How long a token of a tool is good, in seconds. Who ends its session, or removes its member, ends it at once all the same. */
export const accessSeconds = 600
/** How far the clocks of two API processes may be apart, in seconds: the slower clock accepts a token that the faster one has just issued. */
export const skewSeconds = 10

/** Tokens of tools (https://www.rfc-editor.org/rfc/rfc9068): signed by us, for us. */
export interface AccessTokens {
  issue(subject: Subject, nowMs: number): Promise<string>
  /** Undefined for whatever isn't a token of ours that is good now. */
  verify(token: string, nowMs: number): Promise<Subject | undefined>
  /** The public keys, for https://www.rfc-editor.org/rfc/rfc7517. */
  jwks(): Promise<{ keys: JWK[] }>
}

export interface Subject {
  readonly email: string
  readonly sessionId: string
}

const claimsSchema = z.object({ sub: z.string(), sid: z.string() })

/** PKCS #8 around the 32 bytes of an Ed25519 key (https://www.rfc-editor.org/rfc/rfc8410#section-7). */
const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** @param origin who issues them, and for whom they are: the console's address */
export function openAccessTokens(keys: SignInKeys, origin: string): AccessTokens {
  const pairs = keys.all.map(({ id, derive }) => {
    const key = Buffer.concat([pkcs8, derive('access token')])
    const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
    return { id, privateKey, publicKey: createPublicKey(privateKey) }
  })
  const newest = pairs[0]!
  const byId = new Map<string | undefined, KeyObject>(pairs.map(({ id, publicKey }) => [id, publicKey]))

  return {
    issue: ({ email, sessionId }, nowMs) =>
      new SignJWT({ sid: sessionId, client_id: 'fairlead' })
        .setProtectedHeader({ alg: 'EdDSA', kid: newest.id, typ: 'at+jwt' })
        .setSubject(email)
        .setIssuer(origin)
        .setAudience(origin)
        .setIssuedAt(Math.floor(nowMs / 1000))
        .setExpirationTime(Math.floor(nowMs / 1000) + accessSeconds)
        .sign(newest.privateKey),
    async verify(token, nowMs) {
      // A key that a token brings along, or names the address of, is never looked at.
      const keyOf = ({ kid }: { kid?: string }) => {
        const key = byId.get(kid)
        if (!key) throw new TypeError('no key of ours')
        return key
      }
      const rules = { issuer: origin, audience: origin, typ: 'at+jwt', algorithms: ['EdDSA'] }
      const verified = await jwtVerify(token, keyOf, {
        ...rules,
        requiredClaims: ['exp', 'iat', 'sub', 'sid'],
        maxTokenAge: accessSeconds,
        clockTolerance: skewSeconds,
        currentDate: new Date(nowMs),
      }).catch(() => undefined)
      const claims = claimsSchema.safeParse(verified?.payload).data
      return claims && { email: claims.sub, sessionId: claims.sid }
    },
    jwks: async () => ({
      keys: await Promise.all(
        pairs.map(async ({ id, publicKey }) => ({
          ...(await exportJWK(publicKey)),
          kid: id,
          alg: 'EdDSA',
          use: 'sig',
        })),
      ),
    }),
  }
}

/** Whether a bearer's text looks like a JWT: three parts, the first a JSON object. */
export const looksLikeJwt = (text: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(text)
