import type { Request, Response, Router } from 'express'
import { z } from 'zod'
import { ApiError, type ProblemCode } from '../../problem.ts'
import { redisPrefix } from '../../redis.ts'
import { storeProblem } from '../../store-problem.ts'
import { readAddress } from '../address.ts'
import { enter } from '../enter.ts'
import { named } from '../form.ts'
import { land } from '../landing.ts'
import { mayEnter } from '../link/request.ts'
import { away } from '../link/serve-link.ts'
import { sendPage } from '../pages/page.ts'
import { messagePage } from '../pages/pages.ts'
import { canBeSecret, digestOf, newSecret } from '../secret.ts'
import type { SignIn } from '../sign-in.ts'
import type { Identity, OidcProvider } from './provider.ts'

/** How long a person may take at the provider, ms. */
const pendingMs = 10 * 60_000

const pendingSchema = z.object({ state: z.string(), nonce: z.string(), verifier: z.string() })
const pendingKey = (login: string) => `${redisPrefix}oidc:${digestOf(login)}`
/** Signing in by the provider that the configuration names. */
export function serveOidc(router: Router, signIn: SignIn, provider: OidcProvider): void {
  router.get('/oidc', named('beginOidc'), (_request, response) => begin(signIn, provider, response))
  router.get('/oidc/callback', named('finishOidc'), (request, response) =>
    finish(signIn, provider, request, response),
  )
}

async function begin(signIn: SignIn, provider: OidcProvider, response: Response): Promise<void> {
  if (!(await away(signIn.limits.takeProvider(response.locals.peer)))) {
    throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
  }
  const login = newSecret()
  const { url, pending } = await away(provider.begin())
  await away(signIn.redis.set(pendingKey(login), JSON.stringify(pending), 'PX', pendingMs))
  response.append('set-cookie', signIn.cookies.write('login', login, pendingMs))
  response.redirect(303, url.href)
}

/** A GET signs in here, since that is how providers send people back; it is bound to the browser that went there, by cookie and state. */
async function finish(
  signIn: SignIn,
  provider: OidcProvider,
  request: Request,
  response: Response,
): Promise<void> {
  const login = signIn.cookies.read(request.headers.cookie, 'login')
  const kept = canBeSecret(login) ? await away(signIn.redis.getdel(pendingKey(login))) : null
  if (kept === null)
    return refuse(signIn, response, 'This sign-in was not begun in this browser, or took too long.')
  const callback = new URL(request.originalUrl, signIn.publicUrl)
  const identity = await provider
    .finish(callback, pendingSchema.parse(JSON.parse(kept)))
    .catch((err: unknown) => {
      signIn.log.warn({ err }, 'oidc.refused')
      return undefined
    })
  if (!identity) return refuse(signIn, response, 'The provider did not confirm who you are.')
  const email = await away(addressOf(signIn, identity))
  if (!email) return refuse(signIn, response, 'The provider has not verified your e-mail address.')
  if (!(await mayEnter(signIn, email))) {
    return refuse(
      signIn,
      response,
      'You are no member of an organization here: ask its admin for an invitation.',
    )
  }
  const { name } = identity
  await away(enter(signIn, { email, method: 'oidc', ...(name && { name }) }, request, response))
  land(signIn, request, response)
}

/**
 * The address that an identity stands for here. The first sign-in ties the two together for good: later the provider's subject
 * counts, and an address that was given to another subject signs nobody in. Undefined: the address isn't verified, or is another's.
 */
async function addressOf({ store }: SignIn, identity: Identity): Promise<string | undefined> {
  const { issuer, subject, email, isEmailVerified } = identity
  const verifiedEmail = (isEmailVerified && readAddress(email)) || ''
  try {
    return (await store.members.tieIdentity({ issuer, subject, verifiedEmail })).email
  } catch (error) {
    const problem = storeProblem(error)
    if (problem.code === 'not_found') return undefined
    throw problem
  }
}

function refuse(signIn: SignIn, response: Response, sentence: string): void {
  signIn.log.info({ method: 'oidc', peer: response.locals.peer }, 'sign_in.refused')
  response.locals.code = 'sign_in_refused' satisfies ProblemCode
  sendPage(response, 401, messagePage('You are not signed in', sentence))
}
