import { type ErrorRequestHandler, Router } from 'express'
import { ApiError, problems } from '../problem.ts'
import { isForPeople } from './form.ts'
import { serveInvitation } from './invitations/serve-invitation.ts'
import { serveLink } from './link/serve-link.ts'
import { servePrinted } from './link/serve-printed.ts'
import { serveOidc } from './oidc/serve-oidc.ts'
import { sendPage } from './pages/page.ts'
import { messagePage } from './pages/pages.ts'
import { servePasskey } from './passkeys/serve-passkey.ts'
import { isSameOrigin } from './same-origin.ts'
import { serveAccount } from './sessions/serve-account.ts'
import type { SignIn } from './sign-in.ts'
import { serveTenants } from './tenants/serve-tenants.ts'
import { serveDevice } from './tokens/serve-device.ts'
import { serveTokens } from './tokens/serve-tokens.ts'

/**
 * Pages and forms of signing in, below `/auth/`. A form is answered with a page, JSON with JSON. Nothing here is changed by
 * GET or HEAD, and nothing by a page of another site.
 */
export function serveAuth(signIn: SignIn | undefined): Router {
  const router = Router({ caseSensitive: true })
  if (!signIn) {
    router.use(() => {
      throw new ApiError('sign_in_off')
    })
    return router
  }
  router.use((_request, response, next) => {
    response.set('cache-control', 'no-store')
    next()
  })
  serveTokens(router, signIn)
  router.use((request, _response, next) => {
    const isSafe = request.method === 'GET' || request.method === 'HEAD'
    if (!isSafe && !isSameOrigin(request.headers, signIn.publicUrl)) throw new ApiError('cross_site')
    next()
  })
  serveLink(router, signIn)
  servePrinted(router, signIn)
  serveAccount(router, signIn)
  servePasskey(router, signIn)
  serveInvitation(router, signIn)
  serveDevice(router, signIn)
  if (signIn.tenants) serveTenants(router, signIn, signIn.tenants)
  if (signIn.oidc) serveOidc(router, signIn, signIn.oidc)
  router.use(answerByPage)
  return router
}

const sentences: Partial<Record<ApiError['code'], string>> = {
  unavailable: 'Signing in is not possible right now. Try again in a minute.',
  cross_site: 'This came from a page of another site. Open the sign-in page yourself.',
}

/** People are told on a page; programs get a problem document from the handler after this. */
const answerByPage: ErrorRequestHandler = (thrown, request, response, next) => {
  if (
    !(thrown instanceof ApiError) ||
    !isForPeople(request) ||
    response.headersSent ||
    thrown.code === 'internal'
  ) {
    next(thrown)
    return
  }
  response.locals.code = thrown.code
  if (thrown.retryAfterSeconds) response.set('retry-after', String(thrown.retryAfterSeconds))
  sendPage(
    response,
    problems[thrown.code][0],
    messagePage('That did not work', sentences[thrown.code] ?? thrown.message),
  )
}
