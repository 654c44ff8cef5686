import { isIP } from 'node:net'
import type { Request, Response, Router } from 'express'
import { ApiError } from '../../problem.ts'
import { enter } from '../enter.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { land } from '../landing.ts'
import { sendPage } from '../pages/page.ts'
import { confirmPrintedPage, endedPage, mailsPage } from '../pages/pages.ts'
import { staffOf } from '../people.ts'
import type { SignIn } from '../sign-in.ts'
import { printedScript, printedScriptPath } from './printed-script.ts'
import { away, isSignedIn } from './serve-link.ts'
import { redeemPrinted } from './tickets.ts'

/** The link that `npm start` prints for the owner of the machine, and the mails that nobody sends. */
export function servePrinted(router: Router, signIn: SignIn): void {
  router.get('/printed', named('printedPage'), (request, response) => {
    requireLoopback(request)
    sendPage(response, 200, confirmPrintedPage)
  })
  router.get(printedScriptPath.slice('/auth'.length), named('printedScript'), (request, response) => {
    requireLoopback(request)
    response.set('cache-control', 'no-cache').type('text/javascript').send(printedScript)
  })
  router.post('/printed', named('printed'), ...readForm, async (request, response) => {
    requireLoopback(request)
    const ticket = await away(redeemPrinted(signIn.redis, fieldOf(request, 'token') ?? ''))
    if (!ticket) {
      // A second click on the button: the first has signed this browser in.
      if (await isSignedIn(signIn, request)) return land(signIn, request, response)
      return sendPage(response, 401, endedPage)
    }
    await away(enter(signIn, { email: ticket.email, method: 'printed' }, request, response))
    land(signIn, request, response)
  })
  router.get('/mails', named('mailsPage'), (request, response) => showMails(signIn, request, response))
}

async function showMails(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const { keptMails, cookies, sessions, staff } = signIn
  if (!keptMails) throw new ApiError('not_found')
  const secret = cookies.read(request.headers.cookie, 'session')
  const session = secret ? await away(sessions.find(secret, Date.now())) : undefined
  if (!session) throw new ApiError('unauthenticated')
  if (staffOf(staff, session) !== 'superadmin') throw new ApiError('forbidden')
  sendPage(response, 200, mailsPage(keptMails.mails))
}

/**
 * From this machine, and under a name of this machine: a page of another site whose name was made to lead here isn't. Throws an
 * ApiError `not_found`, as if there were no such page.
 */
function requireLoopback(request: Request): void {
  const address = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const host = (request.headers.host ?? '').replace(/:\d+$/, '')
  const isLoopback = address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
  const isNamed = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)
  const isForwarded =
    request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined
  if (!isLoopback || !isNamed || isForwarded) throw new ApiError('not_found')
}
