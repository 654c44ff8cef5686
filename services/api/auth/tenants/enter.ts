import { ActorKind } from '@fairlead/wire/store/audit'
import type { Password } from '@fairlead/wire/store/tenant'
import type { StoreClient } from '@fairlead/wire/store-client'
import type { OpenCall } from '../../operation.ts'
import { storeProblem } from '../../store-problem.ts'
import { noteLogin } from '../enter.ts'
import { away } from '../link/serve-link.ts'
import { queueMail } from '../mail/queue-mail.ts'
import { signedInMail } from '../mail/texts.ts'
import { memberLimits } from '../sessions/sessions.ts'
import type { SignIn } from '../sign-in.ts'
import { accessSeconds } from '../tokens/jwt.ts'

/** Tokens of a session, as answers have them. */
export interface Tokens {
  readonly accessToken: string
  readonly tokenType: 'Bearer'
  readonly expiresInSeconds: number
  readonly refreshToken: string
}

/** Begins a session by a password, with tokens for a program: the same as a tool's, and as long as a browser's. */
export async function enterByPassword(
  signIn: SignIn,
  email: string,
  { peer, agent }: OpenCall['from'],
  isKnownNetwork: boolean,
): Promise<Tokens & { readonly sessionId: string }> {
  const nowMs = Date.now()
  const begun = { email, method: 'password', peer, agent, limits: memberLimits } as const
  const { id } = await away(signIn.sessions.begin(begun, nowMs))
  signIn.log.info({ sessionId: id, method: 'password', peer }, 'sign_in.succeeded')
  const wasHere = await noteLogin(signIn, email, nowMs).catch((err: unknown) => {
    signIn.log.warn({ err }, 'sign_in.unrecorded')
    return true
  })
  if (wasHere && !isKnownNetwork) queueMail(signIn, signedInMail({ email, peer, agent }, new Date(nowMs)))
  const refreshToken = await away(signIn.refreshTokens.begin(id))
  return { ...(await tokensOf(signIn, { email, id }, refreshToken)), sessionId: id }
}

export async function tokensOf(
  { accessTokens }: SignIn,
  { email, id }: { readonly email: string; readonly id: string },
  refreshToken: string,
): Promise<Tokens> {
  const accessToken = await accessTokens.issue({ email, sessionId: id }, Date.now())
  return { accessToken, tokenType: 'Bearer', expiresInSeconds: accessSeconds, refreshToken }
}

/** The password of an address; undefined: it has none. Throws an ApiError. */
export async function passwordOf(store: StoreClient, email: string): Promise<Password | undefined> {
  const { password } = await store.tenants.getPassword({ email }).catch((error: unknown) => {
    throw storeProblem(error)
  })
  return password
}

/** The actor of audit entries about changes by a person whose mail address was proved in the same request. */
export const changeBy = (email: string, { peer, agent, requestId }: OpenCall['from']) => ({
  actorKind: ActorKind.MEMBER,
  actorId: email,
  actorName: email,
  via: 'api',
  address: peer,
  agent,
  requestId,
})
