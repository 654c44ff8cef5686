import type { Request, Response, Router } from 'express'
import { ApiError } from '../../problem.ts'
import { fieldOf, named, readForm } from '../form.ts'
import { away } from '../link/serve-link.ts'
import { sendPage } from '../pages/page.ts'
import { deviceAskPage, deviceConfirmPage, messagePage } from '../pages/pages.ts'
import { provenAtMsOf } from '../sessions/record.ts'
import { requireSession } from '../sessions/serve-account.ts'
import type { SignIn } from '../sign-in.ts'

/** The page where a signed-in person types a tool's code, sees what asks and from where, and agrees. */
export function serveDevice(router: Router, signIn: SignIn): void {
  router.get('/device', named('devicePage'), async (request, response) => {
    const session = await requireSession(signIn, request, response)
    if (!session) return
    const { user_code: userCode } = request.query
    if (typeof userCode !== 'string') return sendPage(response, 200, deviceAskPage(false))
    await requireTry(signIn, response)
    const waiting = await away(signIn.devices.look(userCode))
    sendPage(
      response,
      200,
      waiting ? deviceConfirmPage(userCode, session.email, waiting) : deviceAskPage(true),
    )
  })
  router.post('/device', named('decideDevice'), ...readForm, (request, response) =>
    decide(signIn, request, response),
  )
}

async function decide(signIn: SignIn, request: Request, response: Response): Promise<void> {
  const session = await requireSession(signIn, request, response)
  if (!session) return
  await requireTry(signIn, response)
  const isApproved = fieldOf(request, 'decision') === 'approve'
  const decision = isApproved
    ? ({
        kind: 'approved',
        email: session.email,
        provenAtMs: provenAtMsOf(session),
        // Of a tool that approves another: what its own approval was proved by.
        provenBy: session.provenBy ?? session.method,
      } as const)
    : ({ kind: 'denied' } as const)
  const isDecided = await away(signIn.devices.decide(fieldOf(request, 'user_code') ?? '', decision))
  if (!isDecided) return sendPage(response, 200, deviceAskPage(true))
  const title = isApproved ? 'The tool is signed in' : 'The tool was refused'
  sendPage(response, 200, messagePage(title, 'Go back to the terminal.'))
}

async function requireTry({ limits }: SignIn, response: Response): Promise<void> {
  if (await away(limits.takeTry(response.locals.peer))) return
  throw new ApiError('rate_limited', undefined, { retryAfterSeconds: 600 })
}
