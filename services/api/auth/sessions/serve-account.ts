import type { Request, Response, Router } from 'express'
import { ApiError } from '../../problem.ts'
import { endOwn } from '../enter.ts'
import { fieldOf, isForPeople, named, readForm } from '../form.ts'
import { rememberPage } from '../landing.ts'
import { away } from '../link/serve-link.ts'
import { sendPage } from '../pages/page.ts'
import { accountPage } from '../pages/pages.ts'
import { staffOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'
import type { FoundSession } from './sessions.ts'

/** A page for people without a console: their sessions, and the way out. The API has the same as operations. */
export function serveAccount(router: Router, signIn: SignIn): void {
  const { sessions, cookies } = signIn
  router.get('/account', named('accountPage'), async (request, response) => {
    const session = await requireSession(signIn, request, response)
    if (!session) return
    const { email, id: sessionId } = session
    const isStaff = staffOf(signIn.staff, session) !== undefined
    const account = { email, sessionId, isStaff, hasPasswords: signIn.tenants !== undefined }
    sendPage(response, 200, accountPage(account, await away(sessions.list(email))))
  })
  router.post('/account/end', named('endSessionByForm'), ...readForm, async (request, response) => {
    const session = await requireSession(signIn, request, response)
    if (!session) return
    await away(sessions.end(session.email, fieldOf(request, 'session') ?? ''))
    response.redirect(303, '/auth/account')
  })
  router.post('/logout', named('logout'), async (request, response) => {
    await away(endOwn(signIn, request, Date.now()))
    response.append('set-cookie', cookies.clear('session'))
    response.append('set-cookie', cookies.clear('landing'))
    // Cookies are cleared by name: clearing all of the site's would end the login of another tab that waits for its mail.
    response.set('clear-site-data', '"cache", "storage"')
    if (isForPeople(request)) response.redirect(303, '/auth/sign-in')
    else response.status(204).end()
  })
}

/** Who isn't signed in goes to the page for that, and comes back: undefined then. */
export async function requireSession(
  signIn: SignIn,
  request: Request,
  response: Response,
): Promise<FoundSession | undefined> {
  const { cookies, sessions } = signIn
  const secret = cookies.read(request.headers.cookie, 'session')
  const session = secret ? await away(sessions.find(secret, Date.now())) : undefined
  if (session && !session.isStale) return session
  if (session) throw new ApiError('unavailable', undefined, { retryAfterSeconds: 5 })
  if (request.method === 'GET') rememberPage(signIn, request.originalUrl, response)
  response.redirect(303, '/auth/sign-in')
  return undefined
}
