import type { Request, Response, Router } from 'express'
import { readJsonBody } from '../../body.ts'
import { ApiError, type ProblemCode } from '../../problem.ts'
import { storeProblem } from '../../store-problem.ts'
import { enter } from '../enter.ts'
import { named } from '../form.ts'
import { landingOf, rememberLanding } from '../landing.ts'
import { away } from '../link/serve-link.ts'
import { sendPage } from '../pages/page.ts'
import { passkeyPage, passkeysPage } from '../pages/passkey-pages.ts'
import { staffOf } from '../people.ts'
import { canBeSecret, newSecret } from '../secret.ts'
import { requireSession } from '../sessions/serve-account.ts'
import type { SignIn } from '../sign-in.ts'
import { proveByPasskey } from './prove.ts'
import { challengeMs } from './relying-party.ts'
import { passkeyScript, scriptPath } from './script.ts'

/** Signing in by a passkey, and a page of one's own passkeys. These pages have a script: only scripts reach authenticators. */
export function servePasskey(router: Router, signIn: SignIn): void {
  router.get('/passkey', named('passkeyPage'), (request, response) => {
    rememberLanding(signIn, request, response)
    sendPage(response, 200, passkeyPage(signIn.relyingParty !== undefined))
  })
  router.get(scriptPath.slice('/auth'.length), named('passkeyScript'), (_request, response) => {
    response.set('cache-control', 'no-cache').type('text/javascript').send(passkeyScript)
  })
  router.get('/account/passkeys', named('passkeysPage'), async (request, response) => {
    const session = await requireSession(signIn, request, response)
    if (!session) return
    if (!staffOf(signIn.staff, session))
      throw new ApiError('forbidden', 'Passkeys are for staff of the platform.')
    const { passkeys } = await signIn.store.passkeys
      .listPasskeys({ email: session.email })
      .catch((error: unknown) => {
        throw storeProblem(error)
      })
    sendPage(response, 200, passkeysPage(passkeys, signIn.relyingParty !== undefined))
  })
  router.post('/passkey/options', named('passkeyOptions'), (request, response) =>
    begin(signIn, request, response),
  )
  router.post('/passkey', named('signInByPasskey'), ...readJsonBody(), (request, response) =>
    finish(signIn, request, response),
  )
}

/** The same for everyone: who signs in is known when the authenticator has answered. */
async function begin(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const { relyingParty, cookies, challenges } = signIn
  if (!relyingParty) throw new ApiError('not_found')
  await requireTry(signIn, response)
  const known = cookies.read(request.headers.cookie, 'login')
  // A browser keeps its cookie, so that a link that was sent before stays good.
  const login = canBeSecret(known) ? known : newSecret()
  const publicKey = await relyingParty.optionsToSignIn()
  await away(challenges.keep(login, { challenge: publicKey.challenge }))
  response.append('set-cookie', cookies.write('login', login, challengeMs))
  response.json({ publicKey })
}

async function finish(signIn: SignIn, request: Request, response: Response): Promise<void> {
  await requireTry(signIn, response)
  const login = signIn.cookies.read(request.headers.cookie, 'login')
  const pending = canBeSecret(login) ? await away(signIn.challenges.take(login)) : undefined
  const answer = (request.body as { credential?: unknown } | undefined)?.credential
  const email = pending && (await proveByPasskey(signIn, pending, answer))
  if (!email) {
    signIn.log.info({ method: 'passkey', peer: response.locals.peer }, 'sign_in.refused')
    response.locals.code = 'sign_in_refused' satisfies ProblemCode
    throw new ApiError('sign_in_refused', 'This passkey signs nobody in here.')
  }
  await away(enter(signIn, { email, method: 'passkey' }, request, response))
  response.json({ email, next: landingOf(signIn, request) })
}

async function requireTry({ limits }: SignIn, response: Response): Promise<void> {
  if (await away(limits.takeTry(response.locals.peer))) return
  throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
}
